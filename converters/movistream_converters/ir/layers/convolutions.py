"""Layers that multiply by kernels."""

from __future__ import annotations

import math

from movistream_converters.ir.layers.base import Layer, LayerState, Rules, Shape, require
from movistream_converters.ir.layers.windows import Padding, window_places


class Convolution(Layer, frozen=True):
    """A convolution over time, height and width, with temporal stride 1 and zeros as padding.

    Time is padded in the past only in a causal network, and on both sides in another one. Kernels
    have shape (time, height, width, in / groups, out), or (time, height, width, channels) when
    depthwise.

    Attributes:
        filters: channels of the output.
        kernel: (time, height, width).
        stride: (height, width).
        depthwise: each channel has a kernel of its own.
        bias: a number is added to each channel.
        groups: parts of the channels that are convolved apart; 1 when depthwise.
        dilation: (time, height, width): from tap to tap.
        padding: of height and width.
    """

    filters: int
    kernel: tuple[int, int, int] = (1, 1, 1)
    stride: tuple[int, int] = (1, 1)
    depthwise: bool = False
    bias: bool = False
    groups: int = 1
    dilation: tuple[int, int, int] = (1, 1, 1)
    padding: Padding = "same"

    @property
    def past_frames(self) -> int:
        """Frames before the present one that its kernel reaches back to."""
        return (self.kernel[0] - 1) * self.dilation[0]


class Dense(Layer, frozen=True):
    """Every number of a frame times a weight for each unit; a vector comes out.

    Weights have shape (height, width, channels, units).
    """

    units: int
    bias: bool = True


def _convolution_shape(layer: Convolution, inputs: tuple[Shape, ...]) -> Shape:
    height, width, channels = inputs[0]
    if layer.depthwise:
        require(layer.groups == 1, "a depthwise convolution has no groups")
        require(
            layer.filters == channels,
            f"a depthwise convolution of {channels} channels gives {layer.filters}",
        )
    require(
        channels % layer.groups == 0 and layer.filters % layer.groups == 0,
        f"{layer.groups} groups do not divide {channels} channels and {layer.filters} filters",
    )
    places = window_places(
        layer.padding, (height, width), layer.kernel[1:], layer.stride, layer.dilation[1:]
    )
    return (*places, layer.filters)


def _convolution_weights(
    layer: Convolution, inputs: tuple[Shape, ...]
) -> dict[str, tuple[int, ...]]:
    channels = inputs[0][2]
    shapes: dict[str, tuple[int, ...]] = {
        "kernel": (*layer.kernel, channels)
        if layer.depthwise
        else (*layer.kernel, channels // layer.groups, layer.filters)
    }
    return shapes | ({"bias": (layer.filters,)} if layer.bias else {})


def _convolution_state(layer: Convolution, inputs: tuple[Shape, ...]) -> LayerState | None:
    return LayerState("buffer", layer.past_frames, inputs[0]) if layer.past_frames else None


def _convolution_work(layer: Convolution, inputs: tuple[Shape, ...], output: Shape) -> int:
    read = 1 if layer.depthwise else inputs[0][2] // layer.groups
    return math.prod(output) * math.prod(layer.kernel) * read


def _dense_shape(layer: Dense, _: tuple[Shape, ...]) -> Shape:
    return 1, 1, layer.units


def _dense_work(layer: Dense, inputs: tuple[Shape, ...], _: Shape) -> int:
    return math.prod(inputs[0]) * layer.units


def _dense_weights(layer: Dense, inputs: tuple[Shape, ...]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"kernel": (*inputs[0], layer.units)}
    return shapes | ({"bias": (layer.units,)} if layer.bias else {})


RULES: dict[type[Layer], Rules] = {
    Convolution: Rules(
        _convolution_shape,
        weights=_convolution_weights,
        state=_convolution_state,
        multiply_adds=_convolution_work,
        past_frames=lambda layer: layer.past_frames,
    ),
    Dense: Rules(_dense_shape, weights=_dense_weights, multiply_adds=_dense_work),
}
