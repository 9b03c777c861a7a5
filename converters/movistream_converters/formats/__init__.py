"""Readers of weights, one module per format."""

SOURCE_FORMATS = (
    "tflite",
    "movistream",
    "keras",
    "pytorchvideo",
    "torch-export",
    "tsm",
    "pytorch",
    "saved-model",
    "model-garden",
)
"""The names of the formats in :mod:`.registry`, for those who must not wait for TensorFlow."""

RANGE_OPTIONS = ("value_range", "mean", "std")
"""Overrides that say what a network sees of a picture, where its source does not."""
