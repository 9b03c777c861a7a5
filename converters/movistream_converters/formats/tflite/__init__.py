"""Networks and weights out of .tflite files."""
