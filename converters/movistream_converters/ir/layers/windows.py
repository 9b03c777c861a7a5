"""Windows that slide over height and width: padding, strides, and how many places there are."""

from __future__ import annotations

from typing import Literal, TypeAlias

from movistream_converters.ir.layers.base import require

Padding: TypeAlias = Literal["same"] | tuple[int, int, int, int]
"""Zeros around a frame: (top, bottom, left, right); or ``same``, TensorFlow's: as many as give
ceil(size / stride) places, the odd one behind."""

UNPADDED: Padding = (0, 0, 0, 0)


def same_padding_size(size: int, stride: int) -> int:
    """Output size of a SAME-padded window of any kernel: ceil(size / stride)."""
    return -(-size // stride)


def padding_amounts(
    padding: Padding,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) in pixels.

    Args:
        size: (height, width) of what is padded; the others likewise.
    """
    if padding != "same":
        return padding
    amounts: list[int] = []
    for pixels, taps, step, gap in zip(size, kernel, stride, dilation, strict=True):
        reach = (taps - 1) * gap + 1
        total = max((same_padding_size(pixels, step) - 1) * step + reach - pixels, 0)
        amounts += (total // 2, total - total // 2)
    return amounts[0], amounts[1], amounts[2], amounts[3]


def window_places(
    padding: Padding,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """How many places a window has along height and width.

    Raises:
        LayerError: if it has none.
    """
    top, bottom, left, right = padding_amounts(padding, size, kernel, stride, dilation)
    padded = size[0] + top + bottom, size[1] + left + right
    places = []
    for pixels, taps, step, gap in zip(padded, kernel, stride, dilation, strict=True):
        reach = (taps - 1) * gap + 1
        require(reach <= pixels, f"a window of {reach} pixels does not fit into {pixels}")
        places.append((pixels - reach) // step + 1)
    return places[0], places[1]
