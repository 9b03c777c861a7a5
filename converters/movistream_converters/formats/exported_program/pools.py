"""Means and maxima: over windows, whole frames, or the clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.parts import Side, cut, joined
from movistream_converters.formats.exported_program.pointwise import affine, larger, together
from movistream_converters.formats.exported_program.time import mean_over_clip
from movistream_converters.formats.exported_program.values import NO_PADS, Axis, Frames, without
from movistream_converters.formats.exported_program.windows import (
    AXES,
    Window,
    added,
    frames_of,
    in_time,
    padding_of,
    placed,
    windows_of,
)
from movistream_converters.ir.layers import Add, Convolution, Pool, SpatialMean


def _mean(call: Call) -> Value:
    if isinstance(side := call.get("self"), Side):
        return affine(call, _together(call, side, _added), 1.0 / len(side.values), 0.0)
    value = call.plain(joined(call, side))
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


def _sum(call: Call) -> Value:
    """Of values side by side, or of a frame's pixels."""
    if isinstance(side := call.get("self"), Side):
        return _together(call, side, _added)
    value = call.plain(joined(call, side))
    rank = len(value.dimensions)
    given = call.get("dim", None)
    names = given if isinstance(given, list) else [given]
    if given in (None, []) or {
        a for n in names for a in value.dimensions[call.counted(n, rank)]
    } - {
        "H",
        "W",
    }:
        call.refuse("is a sum over more than pixels, which the vocabulary lacks")
    return affine(call, _mean(call), float(value.shape[0] * value.shape[1]), 0.0)


def _largest(call: Call) -> Value:
    side = call.get("self")
    if not isinstance(side, Side):
        call.refuse(
            "is the largest of more than values that were stacked, which the vocabulary lacks: the"
            " largest of the last frames is a max_pool over time"
        )
    return _together(call, side, larger)


def _together(call: Call, side: Side, function: Callable[[Call, Frames, Frames], Frames]) -> Frames:
    """What becomes of values side by side when their dimension is summarised."""
    given = call.get("dim", None)
    names = given if isinstance(given, list) else [given]
    if len(names) != 1 or names[0] is None:
        call.refuse("summarises more than values that were stacked, which is not followed")
    if call.counted(names[0], len(side.sizes)) != side.place:
        joined(call, side)
    result = reduce(lambda first, second: function(call, first, second), side.values)
    if not call.get("keepdim", False):
        return result
    dimensions = (*result.dimensions[: side.place], (), *result.dimensions[side.place :])
    return replace(result, dimensions=dimensions)


def _added(call: Call, first: Frames, second: Frames) -> Frames:
    return together(call, Add(), first, second)


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
    value = frames_of(call, "self")
    count = int(next((c for c in call.node.operator if c in "123"), "2"))
    kernel = call.integers("kernel_size", count)
    given = call.get("stride", None)
    stride = kernel if given in (None, []) else call.integers("stride", count)
    dilation = call.integers("dilation", count, 1)
    if len(value.dimensions) <= count or min(kernel) < 1 or min(stride) < 1:
        call.refuse(f"has a window of {kernel} and stride {stride} over {list(value.sizes)}")
    if max(dilation) > 1:
        call.refuse("has a dilated window, which the vocabulary lacks")
    padding = padding_of(call, kernel, dilation)
    windows = windows_of(
        call,
        value,
        [
            Window(taps, step, 1, *pads)
            for taps, step, pads in zip(kernel, stride, padding, strict=True)
        ],
    )
    time, height, width = (windows.get(axis, Window()) for axis in AXES)
    _check_ceiling(call, value, windows)
    if value.pads != NO_PADS and (kind == "max" or not counts_padding):
        call.refuse("reads padded frames: give it the padding itself")
    if (time.before or time.behind) and not counts_padding:
        call.refuse("leaves the padding of time out of its means, which the vocabulary lacks")
    result = replace(value, pads=NO_PADS)
    pads = added(value.pads, height, width)
    size, steps = (height.taps, width.taps), (height.stride, width.stride)
    if (size, steps, pads) != ((1, 1), (1, 1), NO_PADS):
        try:
            layer = Pool(kind, size, steps, pads, counts_padding and any(pads))
        except ValueError as error:
            call.refuse(f"cannot be: {error}")
        node = call.add(layer, result.node, part="space" if time.taps > 1 else "")
        result = placed(call, result, node, {}, windows, count)
    if time.taps == 1 and time.stride == 1 and not time.before:
        return result
    if kind == "max" and time.taps > 1:
        return _largest_of_window(call, result, time)
    channels = result.shape[2]
    mean = Convolution(channels, (time.taps, 1, 1), depthwise=True)
    seen = in_time(call, result, time, keeps_zero=True)
    weights = {"kernel": np.full((time.taps, 1, 1, channels), 1 / time.taps, np.float32)}
    node = call.add(mean, seen.node, weights=weights, begins=seen.begins)
    return call.gives(replace(seen, begins=0), node)


def _largest_of_window(call: Call, value: Frames, time: Window) -> Frames:
    if time.before or time.behind or time.stride != 1:
        call.refuse(
            "is a maximum over time that is padded or has a stride, which is not followed: pad with"
            " zeros before the first frame, by F.pad"
        )
    count = value.length - time.reach
    if count < 1:
        call.refuse(f"sees {time.taps} frames, and there are {value.length}")
    shifted = [cut(call, value, first, first + count) for first in range(time.taps)]
    return reduce(lambda first, second: larger(call, first, second), shifted)


def _check_ceiling(call: Call, value: Frames, windows: Mapping[Axis, Window]) -> None:
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
        "mean": _mean,
        "sum": _sum,
        "amax": _largest,
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
