"""TensorFlow without its chatter."""

from __future__ import annotations

import os

from movistream.native_stderr import native_stderr_captured


def quiet_tensorflow() -> None:
    """What has to be set before it is imported. A GPU takes longer to start than a conversion."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def import_tensorflow() -> None:
    """Imports and starts it."""
    quiet_tensorflow()
    with native_stderr_captured():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        tf.constant(0.0)
