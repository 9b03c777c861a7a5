"""Readers of weights, one module per format."""

SOURCE_FORMATS = ("saved-model", "model-garden", "movistream", "keras", "pytorch", "tflite")
"""The names of the formats in :mod:`.registry`, for those who must not wait for TensorFlow."""
