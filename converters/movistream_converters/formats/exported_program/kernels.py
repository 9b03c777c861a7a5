"""Operators with weights or windows: convolutions, dense layers, normalisation, pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.time import mean_over_clip
from movistream_converters.formats.exported_program.values import (
    NO_PADS,
    Axis,
    Dimension,
    Frames,
    Pads,
    without,
)
from movistream_converters.ir.layers import (
    BatchNormalization,
    ChannelNormalization,
    Convolution,
    Dense,
    Pool,
    SpatialMean,
)

_AXES: tuple[Axis, ...] = ("T", "H", "W")


@dataclass(frozen=True)
class _Window:
    """How a kernel lies along one axis.

    Attributes:
        place: of the axis among those of the kernel; None if it is not among them.
    """

    taps: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    behind: int = 0
    place: int | None = None

    @property
    def reach(self) -> int:
        """From the first tap to the last."""
        return (self.taps - 1) * self.dilation


def _frames_of(call: Call, name: str) -> Frames:
    """Frames that a kernel reads, which may be padded."""
    value: Any = call.get(name)
    if not isinstance(value, Frames):
        call.refuse("works on a constant where frames should be")
    return replace(call.plain(replace(value, pads=NO_PADS)), pads=value.pads)


def _check_channels(call: Call, value: Frames, place: int) -> None:
    """Channels have to be in one dimension, alone."""
    if len(value.dimensions) <= place:
        call.refuse(f"reads a tensor of {len(value.dimensions)} dimensions")
    found = value.dimensions[place]
    elsewhere = any("C" in axes for at, axes in enumerate(value.dimensions) if at != place)
    if found not in (("C",), ()) or elsewhere:
        call.refuse(
            f"takes dimension {place} of {list(value.sizes)} for channels, and it holds something"
            " else"
        )


def _windows(call: Call, value: Frames, windows: list[_Window]) -> dict[Axis, _Window]:
    """Of each axis, for a kernel over the last dimensions."""
    axes: list[Axis | None] = []
    for dimension in value.dimensions[len(value.dimensions) - len(windows) :]:
        if len(dimension) > 1 or dimension == ("C",):
            call.refuse(f"goes over several axes of {list(value.sizes)} as if they were one")
        axes.append(dimension[0] if dimension else None)
    missing: list[Axis] = [axis for axis in _AXES[1:] if not value.has(axis)]
    # Of two dimensions without an axis, the inner one is the width.
    found: dict[Axis, _Window] = {}
    for place in reversed(range(len(axes))):
        axis, window = axes[place], replace(windows[place], place=place)
        if axis is None:
            if not missing:
                if window.reach or window.before or window.behind:
                    call.refuse("has a window along an axis that frames have not")
                continue
            axis = missing.pop()
        found[axis] = window
    return found


def _padding(
    call: Call, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> list[tuple[int, int]]:
    """(before, behind) of each dimension of a kernel."""
    given = call.get("padding", 0)
    if given == "valid":
        return [(0, 0)] * len(kernel)
    if given == "same":
        totals = [(taps - 1) * gap for taps, gap in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(each, each) for each in call.integers("padding", len(kernel), 0)]


def _convolution(call: Call) -> Value:
    if call.get("transposed", False):
        call.refuse("is transposed, which the vocabulary lacks")
    value = _frames_of(call, "input")
    weight, bias = call.array("weight"), call.array("bias")
    if weight is None or weight.ndim < 3:
        call.refuse("has no weights")
    count = weight.ndim - 2
    kernel = weight.shape[2:]
    stride = call.integers("stride", count, 1)
    dilation = call.integers("dilation", count, 1)
    if len(value.dimensions) != count + 2:
        call.refuse(f"reads {list(value.sizes)}; export with a batch of one clip")
    _check_channels(call, value, 1)
    padding = _padding(call, kernel, dilation)
    windows = _windows(
        call,
        value,
        [
            _Window(taps, step, gap, *pads)
            for taps, step, gap, pads in zip(kernel, stride, dilation, padding, strict=True)
        ],
    )
    if min(weight.shape) < 1 or min(stride) < 1 or min(dilation) < 1:
        call.refuse(f"has weights of {list(weight.shape)}, stride {stride}, dilation {dilation}")
    time, height, width = (windows.get(axis, _Window()) for axis in _AXES)
    places = [w.place for w in (time, height, width) if w.place is not None]
    # What is no axis of frames has one tap.
    order = [*places, *(place for place in range(count) if place not in places)]
    filters, groups = weight.shape[0], call.integer("groups", 1)
    if weight.shape[1] * groups != value.shape[2]:
        call.refuse(f"has weights of {list(weight.shape)} for {value.shape[2]} channels")
    taps = (time.taps, height.taps, width.taps)
    turned = weight.transpose([2 + place for place in order] + [1, 0])
    turned = turned.reshape(*taps, weight.shape[1], filters)
    depthwise = groups > 1 and groups == value.shape[2] == filters
    layer = Convolution(
        filters,
        taps,
        (height.stride, width.stride),
        depthwise=depthwise,
        bias=bias is not None,
        groups=1 if depthwise else groups,
        dilation=(time.dilation, height.dilation, width.dilation),
        padding=_added(value.pads, height, width),
    )
    weights = {"kernel": turned[:, :, :, 0] if depthwise else turned}
    if bias is not None:
        weights["bias"] = bias
    seen = _in_time(call, replace(value, pads=NO_PADS), time, keeps_zero=bias is None)
    node = call.add(layer, seen.node, weights=weights)
    return _placed(call, seen, node, {1: "C"}, windows, count)


def _added(pads: Pads, height: _Window, width: _Window) -> Pads:
    return (
        pads[0] + height.before,
        pads[1] + height.behind,
        pads[2] + width.before,
        pads[3] + width.behind,
    )


def _in_time(call: Call, value: Frames, window: _Window, *, keeps_zero: bool) -> Frames:
    """What a kernel over time reads, with the time that its result has.

    Args:
        keeps_zero: whether the result is zero where the kernel sees zeros alone.
    """
    if value.is_last:
        if window.reach or window.before or window.behind:
            call.refuse("goes over time, and reads what is known after the last frame alone")
        return value
    if window.stride != 1:
        call.refuse(
            f"takes every {window.stride}. frame alone: a stream answers every frame; use a stride"
            " of 1 in time"
        )
    if value.unknown and (window.reach or not keeps_zero):
        call.refuse(
            "sees frames from before the clip, which are not zeros there: pad right before each"
            " kernel over time, and multiply what was rolled by a mask first"
        )
    if window.before and value.lead < 0:
        call.refuse("pads time where the first frames were cut off")
    length = value.length + window.before + window.behind - window.reach
    if length < 1:
        call.refuse(f"sees {window.reach + 1} frames, and there are {value.length}")
    lead = value.lead + window.before - window.reach
    if lead > 0:
        late = call.settled(replace(value, lead=lead, length=length))
        value = replace(value, node=late.node)
        unknown = 0 if keeps_zero else max(late.lead, 0)
        value = replace(late, unknown=unknown)
    else:
        value = replace(value, lead=lead, length=length)
    if value.last_frame >= call.run.frames and value.looked_ahead is None:
        value = replace(value, looked_ahead=call.node)
    return value


def _placed(
    call: Call,
    value: Frames,
    node: str,
    fixed: Mapping[int, Axis],
    windows: Mapping[Axis, _Window],
    count: int,
) -> Frames:
    """What a kernel gives: axes in their places, those of one entry in none."""
    shape = call.run.writing.shapes[node]
    sizes = dict(zip(("H", "W", "C"), shape, strict=True))
    dimensions: list[Dimension] = list(value.dimensions)
    first = len(dimensions) - count
    places: dict[int, Axis] = dict(fixed)
    places |= {first + w.place: axis for axis, w in windows.items() if w.place is not None}
    for place, axis in places.items():
        dimensions[place] = () if sizes.get(axis, 2) == 1 else (axis,)
    return replace(value, node=node, shape=shape, dimensions=tuple(dimensions))


def _batch_norm(call: Call) -> Value:
    training = call.get("training", False)
    if training:
        call.refuse("is in training: call model.eval() before torch.export.export")
    value = call.known(call.frames("input"))
    _check_channels(call, value, 1)
    channels = value.shape[2]
    defaults = {"gamma": 1.0, "beta": 0.0, "mean": None, "variance": None}
    names = ("weight", "bias", "running_mean", "running_var")
    weights: dict[str, npt.NDArray[Any]] = {}
    for (name, default), given in zip(defaults.items(), names, strict=True):
        array = call.array(given)
        if array is None:
            if default is None:
                call.refuse("has no statistics, so it would see the whole clip")
            array = np.full(channels, default, np.float32)
        if array.shape != (channels,):
            call.refuse(f"has a {given} of {list(array.shape)} for {channels} channels")
        weights[name] = array
    layer = BatchNormalization(float(call.get("eps", 1e-5)))
    return call.gives(value, call.add(layer, value.node, weights=weights))


def _batch_norm_core(call: Call) -> Value:
    return [_batch_norm(call), None, None]


def _layer_norm(call: Call) -> Value:
    value = call.known(call.frames("input"))
    shape = call.get("normalized_shape")
    if len(shape) != 1 or shape[0] != value.shape[2]:
        call.refuse("normalises over more than channels, which the vocabulary lacks")
    _check_channels(call, value, len(value.dimensions) - 1)
    gamma, beta = call.array("weight"), call.array("bias")
    weights = {
        "gamma": np.ones(shape, np.float32) if gamma is None else gamma,
        "beta": np.zeros(shape, np.float32) if beta is None else beta,
    }
    layer = ChannelNormalization(float(call.get("eps", 1e-5)))
    return call.gives(value, call.add(layer, value.node, weights=weights))


def _linear(call: Call) -> Value:
    return dense(call, call.frames("input"), call.array("weight"), call.array("bias"))


def _matrix_product(call: Call) -> Value:
    name, other = ("mat1", "mat2") if "mat1" in call.arguments else ("self", "other")
    if other not in call.arguments:
        other = "mat2"
    weight = call.array(other)
    bias = None
    if name == "mat1":
        bias = call.array("self")
    value = call.frames(name)
    if weight is not None and weight.ndim == 3 and len(weight) == 1 and not value.dimensions[0]:
        weight = weight[0]
    if weight is None or weight.ndim != 2:
        call.refuse("multiplies frames by no matrix")
    return dense(call, value, weight.T, bias)


def dense(
    call: Call,
    value: Frames,
    weight: npt.NDArray[Any] | None,
    bias: npt.NDArray[Any] | None,
    part: str = "",
) -> Frames:
    """A product of the last dimension with (units, entries) weights."""
    if weight is None or weight.ndim != 2 or weight.shape[1] != value.sizes[-1]:
        call.refuse("has weights that do not fit what it reads")
    axes = value.dimensions[-1]
    if "T" in axes:
        call.refuse(
            "multiplies all frames of the clip by weights of their own, so each answer would depend"
            " on later frames"
        )
    value = call.known(value) if bias is not None else call.settled(value)
    units = weight.shape[0]
    if axes in (("C",), ()) and not value.is_vector:
        layer: Any = Convolution(units, bias=bias is not None)
        kernel = weight.T[None, None, None]
    else:
        if any(value.has(axis) and axis not in axes for axis in ("H", "W", "C")):
            call.refuse(
                f"multiplies by weights along {list(axes)} alone, which the vocabulary lacks"
            )
        layer = Dense(units, bias=bias is not None)
        sizes = [value.size(axis) for axis in axes] or [1]
        order = [axes.index(axis) for axis in ("H", "W", "C") if axis in axes] or [0]
        kernel = weight.T.reshape(*sizes, units).transpose(*order, len(order))
        kernel = kernel.reshape(*value.shape, units)
    weights = {"kernel": kernel}
    if bias is not None:
        weights["bias"] = np.broadcast_to(bias, (units,))
    node = call.add(layer, value.node, weights=weights, part=part)
    dimensions = (*value.dimensions[:-1], ("C",) if units > 1 else ())
    shape = call.run.writing.shapes[node]
    return replace(value, node=node, shape=shape, dimensions=dimensions)


def _mean(call: Call) -> Value:
    value = call.frames("self")
    rank = len(value.dimensions)
    given = call.get("dim", None)
    names = list(range(rank)) if given in (None, []) else given
    names = names if isinstance(names, list) else [names]
    places = {call.counted(each, rank) for each in names}
    axes = {axis for place in places for axis in value.dimensions[place]}
    keeps = bool(call.get("keepdim", False))
    if "C" in axes:
        call.refuse("is a mean over channels, which the vocabulary lacks")
    result = _means(call, value, axes)
    kept = [
        () if place in places else dimension for place, dimension in enumerate(result.dimensions)
    ]
    if not keeps:
        kept = [dimension for place, dimension in enumerate(kept) if place not in places]
    return replace(result, dimensions=tuple(kept))


def _means(call: Call, value: Frames, axes: set[Axis]) -> Frames:
    """The mean over some axes, whose dimensions stay."""
    inside = {axis for axis in ("H", "W") if value.has(axis)}
    if axes & {"H", "W"}:
        if not inside <= axes:
            call.refuse("is a mean over rows or columns alone, which the vocabulary lacks")
        node = call.add(SpatialMean(), value.node, part="mean" if "T" in axes else "")
        shape = call.run.writing.shapes[node]
        value = replace(without(value, {"H", "W"}, kept=True), node=node, shape=shape)
    return mean_over_clip(call, value) if "T" in axes else value


def _adaptive(call: Call) -> Value:
    value = call.frames("self")
    given = call.get("output_size")
    sizes = list(given) if isinstance(given, list) else [given]
    first = len(value.dimensions) - len(sizes)
    if first < 1:
        call.refuse(f"reads a tensor of {len(value.dimensions)} dimensions")
    own = value.sizes
    ones: set[Axis] = set()
    steps: dict[Axis, int] = {}
    for place, size in enumerate(sizes, first):
        axes = value.dimensions[place]
        if size in (None, own[place]):
            continue
        if size == 1:
            ones |= set(axes)
        elif len(axes) == 1 and axes[0] != "T" and size and own[place] % size == 0:
            steps[axes[0]] = own[place] // size
        else:
            call.refuse(f"makes {size} of {own[place]}, which the vocabulary lacks")
    if "C" in ones or "C" in steps:
        call.refuse("is a mean over channels, which the vocabulary lacks")
    if not steps and ones & {"H", "W"} in ({"H", "W"}, {a for a in ("H", "W") if value.has(a)}):
        return _means(call, value, ones)
    steps |= {axis: value.size(axis) for axis in ones - {"T"}}
    window = (steps.get("H", 1), steps.get("W", 1))
    if window != (1, 1):
        node = call.add(Pool("average", window, window, NO_PADS), value.node)
        value = call.gives(value, node)
    return mean_over_clip(call, value) if "T" in ones else value


def _average_pool(call: Call) -> Value:
    if call.get("divisor_override", None) is not None:
        call.refuse("divides by a number of its own, which the vocabulary lacks")
    counts = bool(call.get("count_include_pad", True))
    return _pool(call, "average", counts)


def _max_pool(call: Call) -> Value:
    result = _pool(call, "max", counts_padding=False)
    return [result, None] if call.node.operator.endswith("with_indices") else result


def _pool(call: Call, kind: Any, counts_padding: bool) -> Frames:
    value = _frames_of(call, "self")
    count = int(next((c for c in call.node.operator if c in "123"), "2"))
    kernel = call.integers("kernel_size", count)
    given = call.get("stride", None)
    stride = kernel if given in (None, []) else call.integers("stride", count)
    dilation = call.integers("dilation", count, 1)
    if len(value.dimensions) <= count or min(kernel) < 1 or min(stride) < 1:
        call.refuse(f"has a window of {kernel} and stride {stride} over {list(value.sizes)}")
    if max(dilation) > 1:
        call.refuse("has a dilated window, which the vocabulary lacks")
    padding = _padding(call, kernel, dilation)
    windows = _windows(
        call,
        value,
        [
            _Window(taps, step, 1, *pads)
            for taps, step, pads in zip(kernel, stride, padding, strict=True)
        ],
    )
    time, height, width = (windows.get(axis, _Window()) for axis in _AXES)
    _check_ceiling(call, value, windows)
    if value.pads != NO_PADS and (kind == "max" or not counts_padding):
        call.refuse("reads padded frames: give it the padding itself")
    if (time.before or time.behind) and not counts_padding:
        call.refuse("leaves the padding of time out of its means, which the vocabulary lacks")
    result = replace(value, pads=NO_PADS)
    pads = _added(value.pads, height, width)
    size, steps = (height.taps, width.taps), (height.stride, width.stride)
    if (size, steps, pads) != ((1, 1), (1, 1), NO_PADS):
        try:
            layer = Pool(kind, size, steps, pads, counts_padding and any(pads))
        except ValueError as error:
            call.refuse(f"cannot be: {error}")
        node = call.add(layer, result.node, part="space" if time.taps > 1 else "")
        result = _placed(call, result, node, {}, windows, count)
    if time.taps == 1 and time.stride == 1 and not time.before:
        return result
    if kind == "max" and time.taps > 1:
        call.refuse("is a maximum over time, which the vocabulary lacks")
    channels = result.shape[2]
    mean = Convolution(channels, (time.taps, 1, 1), depthwise=True)
    seen = _in_time(call, result, time, keeps_zero=True)
    weights = {"kernel": np.full((time.taps, 1, 1, channels), 1 / time.taps, np.float32)}
    return call.gives(seen, call.add(mean, seen.node, weights=weights))


def _check_ceiling(call: Call, value: Frames, windows: Mapping[Axis, _Window]) -> None:
    """Refuses windows that hang over the end, where there are some."""
    if not call.get("ceil_mode", False):
        return
    for axis, window in windows.items():
        size = value.size(axis) if value.has(axis) else 1
        if (size + window.before + window.behind - window.taps) % window.stride:
            call.refuse(
                "has windows that hang over the end (ceil_mode), which the vocabulary lacks"
            )


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "conv1d": _convolution,
        "conv2d": _convolution,
        "conv3d": _convolution,
        "convolution": _convolution,
        "batch_norm": _batch_norm,
        "_native_batch_norm_legit_no_training": _batch_norm_core,
        "layer_norm": _layer_norm,
        "linear": _linear,
        "addmm": _matrix_product,
        "mm": _matrix_product,
        "matmul": _matrix_product,
        "bmm": _matrix_product,
        "mean": _mean,
        "adaptive_avg_pool1d": _adaptive,
        "adaptive_avg_pool2d": _adaptive,
        "adaptive_avg_pool3d": _adaptive,
        "avg_pool1d": _average_pool,
        "avg_pool2d": _average_pool,
        "avg_pool3d": _average_pool,
        "max_pool1d": _max_pool,
        "max_pool2d": _max_pool,
        "max_pool3d": _max_pool,
        "max_pool2d_with_indices": _max_pool,
        "max_pool3d_with_indices": _max_pool,
    }
)
