"""Layers that put several inputs together, or take one apart."""

from __future__ import annotations

from movistream_converters.ir.layers.base import Layer, Rules, Shape, require


class Add(Layer, frozen=True):
    """The sum of two inputs; where one has height and width 1, or one channel, it is repeated."""


class Multiply(Layer, frozen=True):
    """The product of two inputs; where one has height and width 1, or one channel, it is
    repeated."""


class Concatenate(Layer, frozen=True):
    """Joins its inputs along channels."""


class Slice(Layer, frozen=True):
    """The channels from start to before stop."""

    start: int
    stop: int


def _broadcast(_: Layer, inputs: tuple[Shape, ...]) -> Shape:
    first, second = inputs
    together = all(a == b or 1 in (a, b) for a, b in zip(first, second, strict=True))
    # Rows or columns alone are not repeated: no network of the field does that.
    sizes = {first[:2], second[:2]}
    require(
        together and (len(sizes) == 1 or (1, 1) in sizes),
        f"frames of {list(first)} and {list(second)} do not go together",
    )
    larger = [max(pair) for pair in zip(first, second, strict=True)]
    return larger[0], larger[1], larger[2]


def _joined(_: Layer, inputs: tuple[Shape, ...]) -> Shape:
    height, width = inputs[0][:2]
    require(
        all(shape[:2] == (height, width) for shape in inputs),
        f"frames of different sizes: {', '.join(str(list(shape)) for shape in inputs)}",
    )
    return height, width, sum(shape[2] for shape in inputs)


def _sliced(layer: Slice, inputs: tuple[Shape, ...]) -> Shape:
    height, width, channels = inputs[0]
    require(
        0 <= layer.start < layer.stop <= channels,
        f"channels {layer.start} to {layer.stop} are not among {channels}",
    )
    return height, width, layer.stop - layer.start


RULES: dict[type[Layer], Rules] = {
    Add: Rules(_broadcast, inputs=(2, 2), is_pointwise=True),
    Multiply: Rules(_broadcast, inputs=(2, 2), is_pointwise=True),
    Concatenate: Rules(_joined, inputs=(1, 64)),
    Slice: Rules(_sliced),
}
