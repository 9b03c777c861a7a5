"""What a manifest says of the image of a network."""

from __future__ import annotations

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from movistream.file.manifest import ImageInput
from movistream.stream.preprocess import scaling_of
from movistream_converters.ir.layers import Image
from movistream_converters.tflite.builder import INT8_HIGHEST, INT8_LOWEST, QuantizationParameters

_LARGEST_SHARE_OF_A_STEP = 1e-3


def float_image(image: Image, shape: tuple[int, ...]) -> ImageInput:
    """Of a float32 tensor that holds what the network sees."""
    return ImageInput(
        tensor="image",
        shape=shape,
        dtype="float32",
        color_order="RGB" if image.channels == 3 else None,
        value_range=image.value_range,
        mean=image.mean if any(image.mean) else UNSET,
        std=image.std if any(value != 1 for value in image.std) else UNSET,
    )


def int8_image(
    image: Image, shape: tuple[int, ...], quantization: QuantizationParameters
) -> ImageInput:
    """Of an int8 tensor: of bytes where those are what its numbers stand for."""
    quantised = replace(
        float_image(image, shape),
        dtype="int8",
        # As the file holds it, in single precision.
        scale=float(np.float32(quantization.scale)),
        zero_point=quantization.zero_point,
    )
    if not _are_bytes(quantised):
        return quantised
    plain = Image(image.channels)
    return replace(float_image(plain, shape), dtype="int8", value_range=(INT8_LOWEST, INT8_HIGHEST))


def _are_bytes(image: ImageInput) -> bool:
    """Whether every channel holds pixel values less 128."""
    scaling = scaling_of(image)
    pixels = np.array([[0.0], [255.0]])
    stored = pixels * scaling.factor * scaling.weights + scaling.offsets + scaling.zero_point
    return bool(np.abs(stored - (pixels + INT8_LOWEST)).max() < _LARGEST_SHARE_OF_A_STEP)
