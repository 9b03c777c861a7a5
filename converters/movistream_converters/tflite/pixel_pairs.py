"""Neighbouring pixels of a row as one pixel of more channels, for int8 layers of few channels.

(1, height, width, channels) and (1, height, width / n, n · channels) are the same numbers in the
same order. Engines' int8 matrix kernels compute 16 to 64 outputs of a pixel at a time, from as many
inputs; a layer of 3 or 8 channels leaves most of that empty. The same layer, giving two pixels at a
time, with zeros in its kernel where pixels do not meet, fills more of it. docs/lowering.md has the
figures.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.layers import Convolution, Shape, same_padding_size

PAIR = 2
_MOST_INPUTS = 16
_ENOUGH_OUTPUTS = 32


def gives_pairs(layer: Convolution, source: Shape) -> bool:
    """Whether an int8 layer is better computed two outputs at a time.

    Args:
        source: shape of the layer's input.
    """
    _, width, channels = source
    return (
        not layer.depthwise
        and (layer.groups, layer.dilation, layer.padding) == (1, (1, 1, 1), "same")
        and layer.kernel[0] == 1
        and layer.stride[0] == layer.stride[1]
        and channels <= _MOST_INPUTS
        and layer.filters < _ENOUGH_OUTPUTS
        and width % (PAIR * layer.stride[0]) == 0
    )


def paired_kernel(
    kernel: npt.NDArray[np.float32], stride: int, width: int
) -> npt.NDArray[np.float32]:
    """The kernel of a layer that reads 2 · stride pixels as one, and gives two.

    Its stride along a row is 1.

    Args:
        kernel: (height, width, in, out).
        stride: of the layer.
        width: of the layer's input, which is padded as TensorFlow's SAME.

    Returns:
        (height, places, 2 · stride · in, 2 · out).
    """
    rows, size, channels, filters = kernel.shape
    inputs = PAIR * stride
    first, places = _placement(size, stride, width)
    paired = np.zeros((rows, places * inputs, channels, PAIR, filters), np.float32)
    for pixel in range(PAIR):
        start = first + stride * pixel
        paired[:, start : start + size, :, pixel] = kernel
    return paired.reshape(rows, places, inputs * channels, PAIR * filters)


def unpaired_kernel(
    paired: npt.NDArray[np.float32], size: int, stride: int, width: int
) -> npt.NDArray[np.float32]:
    """The kernel that :func:`paired_kernel` was given.

    Args:
        size: of the kernel along a row.

    Raises:
        ValueError: if its shape is that of no such kernel.
    """
    first, places = _placement(size, stride, width)
    rows, _, channels, filters = paired.shape
    inputs = PAIR * stride
    pixels = paired.reshape(rows, places * inputs, channels // inputs, PAIR, filters // PAIR)
    return pixels[:, first : first + size, :, 0]


def _placement(size: int, stride: int, width: int) -> tuple[int, int]:
    """Where the kernel of the first pixel begins, and how many groups of pixels are read."""
    inputs = PAIR * stride
    padding = max((same_padding_size(width, stride) - 1) * stride + size - width, 0) // 2
    before = -(-padding // inputs)
    behind = -(-(stride - padding + size - inputs) // inputs)
    # SAME pads as many places behind a row as before it, or one more.
    return before * inputs - padding, before + 1 + max(behind, before)
