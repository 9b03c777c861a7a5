"""Checkpoints of TensorFlow Model Garden."""
