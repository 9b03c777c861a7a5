"""What a network sees of frames: the numbers that every runtime gives it."""

from __future__ import annotations

import tensorflow as tf

from movistream.stream.preprocess import scaling_of
from movistream_converters.ir.layers import Image
from movistream_converters.reference.rules import Tensor
from movistream_converters.tflite.image_input import float_image


def seen(frames: Tensor, image: Image) -> Tensor:
    """Frames in the value range of a network's image, normalised: float32, of the same shape.

    Args:
        frames: uint8 (…, height, width, channels); tensors or arrays.
        image: the layer that takes them.
    """
    described = float_image(image, (1, 1, 1, image.channels))
    scaling = scaling_of(described)
    values = tf.cast(frames, tf.float32) * scaling.factor
    if image.mean or image.std:
        values *= scaling.weights
    return values + scaling.offsets if scaling.offsets.any() else values
