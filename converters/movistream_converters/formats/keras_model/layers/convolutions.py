"""Keras' layers that multiply by kernels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from movistream_converters.formats.keras_model.description import KerasLayer, refused
from movistream_converters.formats.keras_model.emitting import Emitter
from movistream_converters.formats.keras_model.fields import choice, flag, integer, integers
from movistream_converters.formats.keras_model.layers.pointwise import activated
from movistream_converters.formats.keras_model.values import NO_PADDING, Value
from movistream_converters.formats.keras_model.weights import shaped, weights_of
from movistream_converters.ir.layers import UNPADDED, Convolution, Dense, Padding

_ACTIVATION = "act"


def _conv(rank: int, value: Value, layer: KerasLayer, emitter: Emitter) -> Value:
    """A convolution over time (rank 1), over a frame (2), or both (3)."""
    filters, groups = integer(layer, "filters"), integer(layer, "groups", 1)
    size = integers(layer, "kernel_size", rank)
    value, window = _windowed(layer, value, emitter, size)
    bias = flag(layer, "use_bias", True)
    arrays = weights_of(layer, 1 + bias)
    taps, channels = window.kernel, _channels(value)
    if channels % groups:
        raise refused(layer, f"has {groups} groups, which do not divide {channels} channels")
    if rank == 1 and value.shape[:2] != (1, 1):
        if groups != 1:
            raise refused(layer, "has groups of what was a frame; give it vectors")
        taps = (taps[0], *value.shape[:2])
    read = value.shape[2] // groups
    kernel = shaped(layer, arrays[0], (*size, channels // groups, filters), (*taps, read, filters))
    convolution = Convolution(
        filters,
        taps,
        window.stride,
        bias=bias,
        groups=groups,
        dilation=window.dilation,
        padding=UNPADDED if taps != window.kernel else window.padding,
    )
    weights = {"kernel": kernel} | ({"bias": arrays[1]} if bias else {})
    y = emitter.add(layer, convolution, value, weights=weights)
    return activated(layer, _with_dims(y, rank), emitter, suffix=_ACTIVATION)


def _depthwise(rank: int, value: Value, layer: KerasLayer, emitter: Emitter) -> Value:
    bias = flag(layer, "use_bias", True)
    arrays = weights_of(layer, 1 + bias)
    size = integers(layer, "kernel_size", rank)
    value, window = _windowed(layer, value, emitter, size)
    y = _per_channel(
        layer, emitter, value, window, size, arrays[0], arrays[1] if bias else None, ""
    )
    return activated(layer, _with_dims(y, rank), emitter, suffix=_ACTIVATION)


def _separable(rank: int, value: Value, layer: KerasLayer, emitter: Emitter) -> Value:
    bias, filters = flag(layer, "use_bias", True), integer(layer, "filters")
    arrays = weights_of(layer, 2 + bias)
    size = integers(layer, "kernel_size", rank)
    value, window = _windowed(layer, value, emitter, size)
    y = _per_channel(layer, emitter, value, window, size, arrays[0], None, "depthwise")
    ones = (1,) * rank
    kernel = shaped(layer, arrays[1], (*ones, y.shape[2], filters), (1, 1, 1, y.shape[2], filters))
    weights = {"kernel": kernel} | ({"bias": arrays[2]} if bias else {})
    y = emitter.add(layer, Convolution(filters, bias=bias), y, weights=weights)
    return activated(layer, _with_dims(y, rank), emitter, suffix=_ACTIVATION)


def _per_channel(
    layer: KerasLayer,
    emitter: Emitter,
    value: Value,
    window: _Window,
    size: tuple[int, ...],
    kernel: Any,
    bias: Any,
    suffix: str,
) -> Value:
    """Kernels of each channel alone."""
    times, channels = integer(layer, "depth_multiplier", 1), value.shape[2]
    if channels != _channels(value):
        raise refused(layer, "sees each pixel of what was a frame apart; give it vectors")
    filters = channels * times
    given = (*size, channels, times)
    if times == 1:
        wanted: tuple[int, ...] = (*window.kernel, channels)
    else:
        wanted = (*window.kernel, 1, filters)
    weights = {"kernel": shaped(layer, kernel, given, wanted)}
    convolution = Convolution(
        filters,
        window.kernel,
        window.stride,
        depthwise=times == 1,
        bias=bias is not None,
        groups=1 if times == 1 else channels,
        dilation=window.dilation,
        padding=window.padding,
    )
    weights |= {} if bias is None else {"bias": bias}
    return emitter.add(layer, convolution, value, weights=weights, suffix=suffix)


@dataclass(frozen=True)
class _Window:
    """Where a kernel goes: as a :class:`Convolution` has it."""

    kernel: tuple[int, int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int, int]
    padding: Padding


def _windowed(
    layer: KerasLayer, value: Value, emitter: Emitter, size: tuple[int, ...]
) -> tuple[Value, _Window]:
    """What a kernel reads, its padding in time and around frames taken from it."""
    rank = len(size)
    strides = integers(layer, "strides", rank, 1)
    dilation = integers(layer, "dilation_rate", rank, 1)
    padding = choice(layer, "padding", ("valid", "same", "causal"), "valid")
    over_time, over_space = rank != 2, rank != 1
    if over_time != value.has_time or (rank == 1) != (len(value.dims) == 1):
        raise refused(layer, _wrong_axes(rank, value))
    time = (size[0], strides[0], dilation[0]) if over_time else (1, 1, 1)
    value, ahead = _in_time(layer, value, emitter, padding, *time)
    if not over_space:
        value = replace(emitter.plain(layer, value), ahead_frames=ahead)
        return value, _Window((time[0], 1, 1), (1, 1), (time[2], 1, 1), "same")
    window, step, gap = size[-2:], strides[-2:], dilation[-2:]
    value, around = spatial_padding(layer, value, emitter, padding)
    if (window, around) == ((1, 1), UNPADDED):
        around = "same"  # It is, and all that is made for such kernels knows it by that.
    return replace(value, ahead_frames=ahead), _Window(
        (time[0], window[0], window[1]),
        (step[0], step[1]),
        (time[2], gap[0], gap[1]),
        around,
    )


def _wrong_axes(rank: int, value: Value) -> str:
    axes = ("batch", "time") if value.has_time else ("batch",)
    seen = f"({', '.join((*axes, *map(str, value.dims)))})"
    meant = {
        1: "(batch, time, channels)",
        2: "frames by themselves: wrap it in TimeDistributed",
        3: "(batch, time, height, width, channels)",
    }[rank]
    return f"reads {seen}; it can read {meant}"


def _in_time(
    layer: KerasLayer,
    value: Value,
    emitter: Emitter,
    padding: str,
    taps: int,
    stride: int,
    gap: int,
) -> tuple[Value, int]:
    """What a kernel over time reads, and how many frames to come it sees, if it may."""
    if stride != 1:
        raise refused(
            layer, f"has a stride of {stride} in time, and a stream answers every frame; take 1"
        )
    reach = (taps - 1) * gap
    if not reach:
        return value, 0
    if padding == "same":
        later = reach - reach // 2
        if not emitter.may_be_late:
            raise refused(
                layer,
                f"sees {_frames(later)} to come, by padding 'same'; take 'causal', or 'valid'"
                f" behind zero padding of ({reach}, 0) in time, or answers that come late, with"
                " --delay",
            )
        if value.zeros_before or value.frames_behind:
            raise refused(layer, "pads in time by itself what is padded or cropped in time already")
        return value, later
    before = value.zeros_before + (reach if padding == "causal" else 0)
    if before < reach:
        raise refused(
            layer,
            f"sees {_frames(reach - before)} to come: its kernel reaches over {reach + 1} frames,"
            f" and {before} of zeros are before the clip; put zero padding of ({reach}, 0) in time"
            " before it",
        )
    if before > reach:
        raise refused(
            layer,
            f"reaches back over {_frames(reach)}, and {before} of zeros are before the clip; pad by"
            f" ({reach}, 0) in time",
        )
    return replace(value, zeros_before=0), 0


def _frames(count: int) -> str:
    return f"{count} frame{'s' if count > 1 else ''}"


def spatial_padding(
    layer: KerasLayer, value: Value, emitter: Emitter, padding: str
) -> tuple[Value, Padding]:
    """A frame, and what is around it, for a window with a padding of Keras'.

    Raises:
        ConversionError: if it is no frame.
    """
    if not value.is_frame:
        raise refused(
            layer,
            f"reads {list(value.dims)}, made of a frame of {list(value.shape)} by reshaping;"
            " only frames with channels last can be",
        )
    if padding == "same" or min(value.padding) < 0:
        value = emitter.plain(layer, value) if any(value.padding) else value
    around: Padding = "same" if padding == "same" else value.padding
    value = emitter.settled(layer, value)
    return replace(value, padding=NO_PADDING, dims=value.shape), around


def _channels(value: Value) -> int:
    """Numbers of a frame that Keras has for channels."""
    return value.dims[-1]


def _with_dims(value: Value, rank: int) -> Value:
    return replace(value, dims=(value.shape[2],) if rank == 1 else value.shape)


def dense(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    """A matrix along the last axis: of vectors, or of each pixel."""
    value, units = inputs[0], integer(layer, "units")
    if layer.config.get("quantization_config") is not None:
        raise refused(layer, "is quantised; save the model before that")
    bias = flag(layer, "use_bias", True)
    arrays = weights_of(layer, 1 + bias)
    value = emitter.plain(layer, value)
    weights = {"bias": arrays[1]} if bias else {}
    if len(value.dims) == 1:
        every = (*value.shape, units)
        weights["kernel"] = shaped(layer, arrays[0], (value.dims[0], units), every)
        y = emitter.add(layer, Dense(units, bias), value, weights=weights, dims=(units,))
    elif value.has_channels:
        channels = value.shape[2]
        per_pixel = (1, 1, 1, channels, units)
        weights["kernel"] = shaped(layer, arrays[0], (channels, units), per_pixel)
        y = emitter.add(
            layer,
            Convolution(units, bias=bias),
            value,
            weights=weights,
            dims=(*value.dims[:-1], units),
        )
    else:
        raise refused(
            layer,
            f"reads {list(value.dims)}, made of a frame of {list(value.shape)} by reshaping; only"
            " its channels or all of its numbers can be the last axis",
        )
    return activated(layer, y, emitter, suffix=_ACTIVATION)


def _of_rank(kind: Any, rank: int) -> Any:
    def translate(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
        value: Value = kind(rank, inputs[0], layer, emitter)
        return value

    return translate


TABLE = {
    "Conv1D": _of_rank(_conv, 1),
    "Conv2D": _of_rank(_conv, 2),
    "Conv3D": _of_rank(_conv, 3),
    "DepthwiseConv1D": _of_rank(_depthwise, 1),
    "DepthwiseConv2D": _of_rank(_depthwise, 2),
    "SeparableConv1D": _of_rank(_separable, 1),
    "SeparableConv2D": _of_rank(_separable, 2),
    "Dense": dense,
}
