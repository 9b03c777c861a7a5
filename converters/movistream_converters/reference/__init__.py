"""What a network computes, by TensorFlow, and files held against it."""
