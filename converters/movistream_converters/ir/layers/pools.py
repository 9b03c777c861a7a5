"""Layers that summarise pixels of one frame."""

from __future__ import annotations

from typing import Literal

from movistream_converters.ir.layers.base import Layer, Rules, Shape, vector_shape
from movistream_converters.ir.layers.windows import Padding, window_places


class Pool(Layer, frozen=True):
    """The mean or the largest number of each window of a frame.

    Attributes:
        kind: of summary.
        size: (height, width) of a window.
        stride: (height, width).
        padding: around the frame. No maximum is ever a padded zero.
        counts_padding: whether the zeros of the padding are part of a mean.
    """

    kind: Literal["average", "max"] = "average"
    size: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (2, 2)
    padding: Padding = "same"
    counts_padding: bool = False

    def __post_init__(self) -> None:
        if self.counts_padding and self.kind == "max":
            raise ValueError("only a mean counts its padding")
        if self.padding != "same" and any(
            amount >= size
            for amount, size in zip(
                self.padding, (*self.size[:1] * 2, *self.size[1:] * 2), strict=True
            )
        ):
            raise ValueError("some windows of a pool would lie in its padding alone")


class SpatialMean(Layer, frozen=True):
    """The mean of each frame over height and width; a vector comes out."""


def _pool_shape(layer: Pool, inputs: tuple[Shape, ...]) -> Shape:
    height, width, channels = inputs[0]
    return (*window_places(layer.padding, (height, width), layer.size, layer.stride), channels)


RULES: dict[type[Layer], Rules] = {
    Pool: Rules(_pool_shape),
    SpatialMean: Rules(vector_shape),
}
