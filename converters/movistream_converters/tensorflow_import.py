"""TensorFlow without its chatter."""

from __future__ import annotations

import os
from contextlib import suppress

from movistream.system.native_stderr import native_stderr_captured


def quiet_tensorflow() -> None:
    """What has to be set before it is imported. A GPU takes longer to start than a conversion."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def import_tensorflow() -> None:
    """Imports and starts it, so that it computes the same numbers every time."""
    quiet_tensorflow()
    with native_stderr_captured():
        import tensorflow as tf

        # Operators that race each other add up gradients in any order. A process that has computed
        # something already stays as it is.
        with suppress(RuntimeError):
            tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.get_logger().setLevel("ERROR")
        tf.constant(0.0)
