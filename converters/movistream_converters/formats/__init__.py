"""Readers of weights, one module per format."""

SOURCE_FORMATS = (
    "tflite",
    "movistream",
    "keras",
    "pytorchvideo",
    "tsm",
    "pytorch",
    "saved-model",
    "model-garden",
)
"""The names of the formats in :mod:`.registry`, for those who must not wait for TensorFlow."""
