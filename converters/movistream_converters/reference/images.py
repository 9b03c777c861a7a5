"""What a network sees of pictures, see :class:`.ir.layers.Image`."""

from __future__ import annotations

import tensorflow as tf

from movistream_converters.ir.network import Network, image_of
from movistream_converters.reference.rules import Tensor


def as_seen(network: Network, images: Tensor) -> Tensor:
    """Pictures, uint8 (…, height, width, channels), as float32 numbers that a network takes."""
    image = image_of(network)
    low, high = image.value_range
    values = tf.cast(images, tf.float32) / 255.0
    if (low, high) != (0.0, 1.0):
        values = values * (high - low) + low
    if image.mean:
        values -= tf.constant(image.mean)
    return values / tf.constant(image.std) if image.std else values
