"""Imports TensorFlow without its chatter."""

from __future__ import annotations

import os

from movistream.native_stderr import native_stderr_captured


def import_tensorflow() -> None:
    """Imports it once, for the CPU: a GPU would take longer to start than a conversion takes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with native_stderr_captured():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        tf.constant(0.0)
