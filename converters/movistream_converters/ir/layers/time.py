"""Layers that see more than one frame without a kernel.

:class:`WindowMean`, :class:`Delay` and :class:`Previous` look back only, so they have a place in
causal networks alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.layers.base import (
    Layer,
    LayerState,
    Rules,
    Shape,
    one_scale,
    require,
    same_shape,
)


class TemporalMean(Layer, frozen=True):
    """The mean over all frames so far (causal network) or over the clip (another one).

    Attributes:
        horizon_frames: from so many frames on, each new frame weighs 1 / horizon_frames, so that
            the mean forgets; None: all frames weigh the same.
    """

    horizon_frames: int | None = None


class WindowMean(Layer, frozen=True):
    """The mean over the last frames, the present one included; over fewer at the start."""

    frames: int


class Delay(Layer, frozen=True):
    """The frame that was so many frames ago; zeros before there was one."""

    frames: int


class Previous(Layer, frozen=True):
    """What a later node gave for the frame before; zeros at the start. It makes recurrent cells.

    Attributes:
        shape: of that node's output.
    """

    shape: Shape


class PositionalEncoding(Layer, frozen=True):
    """Adds sin and cos of the frame's index, times one trained number.

    Channel j of the first half holds sin(t / 10000^(2j / channels)), of the second half cos.
    """


def encoding_frequencies(channels: int) -> npt.NDArray[np.float32]:
    """Radians per frame of a positional encoding's channel pairs, (channels / 2,)."""
    power = np.arange(0, channels, 2, dtype=np.float32) / np.float32(channels)
    frequencies: npt.NDArray[np.float32] = np.float32(1) / np.power(np.float32(10_000), power)
    return frequencies


def _buffer(frames: int, shape: Shape) -> LayerState | None:
    return LayerState("buffer", frames, shape) if frames else None


def _mean_state(_: TemporalMean, inputs: tuple[Shape, ...]) -> LayerState:
    return LayerState("pool", 1, inputs[0])


def _previous_shape(layer: Previous, _: tuple[Shape, ...]) -> Shape:
    return layer.shape


def _previous_state(layer: Previous, _: tuple[Shape, ...]) -> LayerState:
    return LayerState("buffer", 1, layer.shape)


def _encoded(_: PositionalEncoding, inputs: tuple[Shape, ...]) -> Shape:
    require(inputs[0][2] % 2 == 0, f"{inputs[0][2]} channels are no pairs of sin and cos")
    return inputs[0]


RULES: dict[type[Layer], Rules] = {
    TemporalMean: Rules(
        same_shape,
        state=_mean_state,
        counts_frames=True,
    ),
    WindowMean: Rules(
        same_shape,
        state=lambda layer, inputs: _buffer(layer.frames - 1, inputs[0]),
        past_frames=lambda layer: layer.frames - 1,
        counts_frames=True,
    ),
    Delay: Rules(
        same_shape,
        state=lambda layer, inputs: _buffer(layer.frames, inputs[0]),
        past_frames=lambda layer: layer.frames,
    ),
    Previous: Rules(
        _previous_shape,
        state=_previous_state,
    ),
    PositionalEncoding: Rules(
        _encoded,
        weights=one_scale,
        counts_frames=True,
        is_pointwise=True,
    ),
}
