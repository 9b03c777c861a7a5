"""Operators over time: padding, shifts, cuts, sums and means over frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.constants import is_zero
from movistream_converters.formats.exported_program.parts import (
    Moment,
    Parts,
    Side,
    cut,
    joined,
    sizes_of,
    taken,
    written,
    zeros_around,
)
from movistream_converters.formats.exported_program.values import Axis, Frames, furthest, without
from movistream_converters.ir.layers import Concatenate, TemporalMean, WindowMean


def _pad(call: Call) -> Value:
    value: Any = call.get("self")
    if call.get("mode", "constant") != "constant":
        call.refuse(
            "pads with copies of frames or pixels, which the vocabulary lacks: pad with zeros"
        )
    if call.get("value", None) not in (None, 0):
        call.refuse("pads with a number that is not 0, which the vocabulary lacks")
    if value.to_divide:
        call.plain(value)
    amounts = call.get("pad")
    rank = len(value.dimensions)
    if len(amounts) % 2 or len(amounts) > 2 * rank:
        call.refuse(f"pads by {amounts}")
    for index in range(len(amounts) // 2):
        before, behind = amounts[2 * index : 2 * index + 2]
        if (before, behind) != (0, 0):
            value = _padded(call, value, rank - 1 - index, before, behind)
    return value


def _padded(call: Call, value: Frames, place: int, before: int, behind: int) -> Frames:
    axes = value.dimensions[place]
    if axes == ("T",):
        kept = max(-before, 0), value.length - max(-behind, 0)
        if kept != (0, value.length):
            value = cut(call, value, *kept)
        return zeros_around(call, value, max(before, 0), max(behind, 0))
    sides: dict[tuple[Axis, ...], int] = {("H",): 0, ("W",): 2}
    side = sides.get(axes)
    if side is None or min(before, behind) < 0:
        what = "channels" if axes == ("C",) else "rows or columns"
        call.refuse(f"pads or cuts {what}, which the vocabulary lacks")
    pads = list(value.pads)
    pads[side] += before
    pads[side + 1] += behind
    return replace(value, pads=(pads[0], pads[1], pads[2], pads[3]))


def _slice(call: Call) -> Value:
    value: Any = call.get("self")
    place = call.dimension(len(value.dimensions), default=0)
    size = value.sizes[place]
    step = call.integer("step", 1)
    start, stop, _ = slice(call.get("start", None), call.get("end", None)).indices(size)
    if step != 1:
        call.refuse(f"takes every {step}. entry alone, which a stream cannot")
    return _part(call, value, place, start, stop)


def _part(call: Call, value: Any, place: int, start: int, stop: int) -> Any:
    """The entries of a dimension from start to before stop."""
    axes, size = value.dimensions[place], value.sizes[place]
    if (start, stop) == (0, size):
        return value
    if stop <= start:
        call.refuse("leaves nothing")
    if isinstance(value, Parts):
        return taken(call, value, place, start, stop)
    if axes == ("T",):
        return cut(call, value, start, stop)
    if axes != ("C",):
        call.refuse(
            f"cuts a part of {list(value.sizes)} out that is neither frames nor channels, which the"
            " vocabulary lacks"
        )
    node = call.run.writing.sliced(value.node, start, stop)
    return call.gives(value, node)


def _narrow(call: Call) -> Value:
    value: Any = call.get("self")
    place = call.dimension(len(value.dimensions))
    start = call.integer("start")
    start += value.sizes[place] if start < 0 else 0
    return _part(call, value, place, start, start + call.integer("length"))


def _select(call: Call) -> Value:
    value: Any = call.get("self")
    if isinstance(value, Side):
        place, index = call.dimension(len(value.sizes)), call.integer("index")
        if place == value.place and -len(value.values) <= index < len(value.values):
            return value.values[index]
    value = joined(call, value)
    place = call.dimension(len(value.dimensions))
    size, index = value.sizes[place], call.integer("index")
    if value.dimensions[place] == ("C0",) and -size <= index < size:
        return _group(call, value, place, index % size)
    if not -size <= index < size:
        call.refuse(f"takes entry {index} of {size}")
    entry = index % size
    gone = (*value.dimensions[:place], *value.dimensions[place + 1 :])
    if value.dimensions[place] == ("T",):
        frame, last = entry - value.lead, call.run.frames - 1
        if entry < max(value.unknown, value.zeros) or (frame < last and index >= 0):
            return Moment(call, value, entry)
        if entry >= value.length - value.ahead:
            call.check_last(value)
        late = call.delayed(call.plain(value), last - frame)
        late = replace(late, ahead=0, looked_ahead=None, lead=0, begins=0, unknown=0, length=1)
        return replace(late, dimensions=gone, is_last=True)
    part = _part(call, value, place, entry, entry + 1)
    return replace(part, dimensions=gone)


def _group(call: Call, value: Frames, place: int, group: int) -> Frames:
    """One group of channels."""
    count = value.shape[2] // value.split[0]
    node = call.run.writing.sliced(value.node, group * count, (group + 1) * count)
    left = value.split[1:] if len(value.split) > 2 else ()
    names: dict[Axis, Axis] = {"C1": "C0", "C2": "C1"} if left else {"C1": "C"}
    dimensions = tuple(
        tuple(names.get(axis, axis) for axis in axes)
        for at, axes in enumerate(value.dimensions)
        if at != place
    )
    return call.gives(replace(value, dimensions=dimensions, split=left), node)


def _unbind(call: Call) -> Value:
    value: Any = call.get("self")
    place = call.dimension(len(sizes_of(value)), default=0)
    if isinstance(value, Side) and place == value.place:
        return list(value.values)
    value = joined(call, value)
    if value.dimensions[place] == ("C0",):
        return [_group(call, value, place, group) for group in range(value.split[0])]
    if value.dimensions[place] == ("T",):
        call.refuse(
            "takes each frame by itself: a loop over frames is read if it does the same to each of"
            " them, and keeps what begins with zeros"
        )
    dimensions = (*value.dimensions[:place], *value.dimensions[place + 1 :])
    return [
        replace(_part(call, value, place, entry, entry + 1), dimensions=dimensions)
        for entry in range(value.sizes[place])
    ]


def _stack(call: Call) -> Value:
    parts = call.get("tensors")
    values = call.met([call.plain(part) for part in parts])
    place = call.dimension(len(values[0].dimensions) + 1, default=0)
    if len({value.dimensions for value in values}) > 1:
        call.refuse("puts values of different axes side by side")
    if len(values) == 1:
        dimensions = values[0].dimensions
        return replace(values[0], dimensions=(*dimensions[:place], (), *dimensions[place:]))
    return Side(tuple(values), place)


def _chunk(call: Call) -> Value:
    value: Any = call.get("self")
    place = call.dimension(len(value.dimensions), default=0)
    count = call.integer("chunks")
    if count < 1:
        call.refuse(f"makes {count} parts")
    return _split_by(call, value, place, -(-value.sizes[place] // count))


def _split(call: Call) -> Value:
    value: Any = call.get("self")
    place = call.dimension(len(value.dimensions), default=0)
    name = "split_sizes" if "split_sizes" in call.arguments else "split_size"
    given = call.get(name)
    if not isinstance(given, list):
        return _split_by(call, value, place, given)
    ends = np.cumsum(given).tolist()
    if min(given, default=0) < 1 or ends[-1] != value.sizes[place]:
        call.refuse(f"splits {value.sizes[place]} into {given}")
    pairs = zip(ends, given, strict=True)
    return [_part(call, value, place, end - size, end) for end, size in pairs]


def _split_by(call: Call, value: Any, place: int, size: Any) -> list[Any]:
    total = value.sizes[place]
    if not isinstance(size, int) or size < 1 or -(-total // size) != len(call.node.outputs):
        call.refuse(f"splits {total} into parts of {size}")
    return [
        _part(call, value, place, start, min(start + size, total))
        for start in range(0, total, size)
    ]


def _roll(call: Call) -> Value:
    value = call.blanked(call.settled(call.frames("self")))
    shifts, dims = call.get("shifts"), call.get("dims", [])
    if len(shifts) != 1 or len(dims) != 1:
        call.refuse("shifts several dimensions, which is not followed")
    place = call.counted(dims[0], len(value.dimensions))
    if value.dimensions[place] != ("T",) or value.unknown or value.zeros:
        call.refuse("shifts something else than frames of the clip, which is not followed")
    if value.length != call.run.frames:
        call.refuse("shifts a part of the clip's frames, which is not followed")
    # To the left by more than half is meant as to the left.
    shift = (shifts[0] + value.length // 2) % value.length - value.length // 2
    rolled = replace(value, lead=value.lead + shift, unknown=max(shift, 0))
    return call.looking_ahead(rolled, -shift)


def _flip(call: Call) -> Value:
    value: Any = call.get("self")
    rank = len(value.dimensions)
    for name in call.get("dims"):
        if "T" in value.dimensions[call.counted(name, rank)]:
            call.sees_all()
    call.refuse("turns frames round, which the vocabulary lacks")


def _cat(call: Call) -> Value:
    parts = call.get("tensors")
    if not isinstance(parts, list) or not parts:
        call.refuse("puts nothing together")
    frames = [part for part in parts if isinstance(part, Frames)]
    rank = len(frames[0].dimensions)
    place = call.dimension(rank, default=0)
    if frames[0].dimensions[place] == ("T",):
        return _cat_in_time(call, parts, frames, place)
    if len(frames) < len(parts):
        call.refuse("puts constants beside channels of frames, which the vocabulary lacks")
    values = call.met([call.plain(part) for part in frames])
    placed: list[tuple[Any, ...]] = []
    for value in values:
        if len(value.dimensions) != rank or value.dimensions[place] not in (("C",), ()):
            call.refuse("puts something else than channels together, which the vocabulary lacks")
        placed.append(tuple(d for at, d in enumerate(value.dimensions) if at != place))
    if len(set(placed)) > 1 or any("C" in axes for axes in placed[0]):
        sizes = " and ".join(str(list(value.sizes)) for value in values)
        call.refuse(f"puts {sizes} together, whose axes differ")
    if len(values) == 1:
        return values[0]
    node = call.add(Concatenate(), *(value.node for value in values))
    first = values[0]
    dimensions: list[tuple[Axis, ...]] = list(first.dimensions)
    dimensions[place] = ("C",)
    joined = replace(
        first,
        node=node,
        shape=call.run.writing.shapes[node],
        dimensions=tuple(dimensions),
        unknown=max(value.unknown for value in values),
    )
    return furthest(joined, values)


def _cat_in_time(call: Call, parts: list[Any], frames: list[Frames], place: int) -> Frames:
    """Zeros before or behind frames."""
    if len(frames) > 1:
        call.refuse("puts frames behind frames, which would not be those of a stream")
    value = frames[0]
    at = next(index for index, part in enumerate(parts) if isinstance(part, Frames))
    counts = [0, 0]
    for index, part in enumerate(parts):
        if index == at:
            continue
        if not is_zero(call, part):
            call.refuse("puts numbers before or behind the clip that are not 0: use zeros")
        if part.ndim != len(value.dimensions):
            call.refuse(f"puts {list(part.shape)} beside {list(value.sizes)}")
        counts[index > at] += part.shape[place]
    return zeros_around(call, value, *counts)


def box_of(call: Call, sizes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Which part of a tensor an operator takes or writes, along one dimension."""
    place = call.dimension(len(sizes), default=0)
    size = sizes[place]
    operator = call.node.operator
    if operator.startswith("select"):
        start = call.integer("index")
        start += size if start < 0 else 0
        stop = start + 1
    elif operator == "narrow":
        start = call.integer("start")
        start += size if start < 0 else 0
        stop = start + call.integer("length")
    else:
        if call.integer("step", 1) != 1:
            call.refuse(f"takes every {call.get('step')}. entry alone, which a stream cannot")
        bounds = slice(call.get("start", None), call.get("end", None))
        start, stop, _ = bounds.indices(size)
    if not 0 <= start < stop <= size:
        call.refuse(f"takes entries {start} to {stop} of {size}")
    whole = [(0, each) for each in sizes]
    whole[place] = start, stop
    return tuple(whole)


def put_back(call: Call, view: Call, base: Value, source: Value) -> Value:
    """A tensor of which the part that an operator takes, the view, is written over by another."""
    box = box_of(view, sizes_of(base))
    if view.node.operator.startswith("select"):
        place = view.dimension(len(box))
        if isinstance(source, Moment):
            source = cut(call, source.value, source.entry, source.entry + 1)
        elif isinstance(source, Frames | Parts):
            dimensions = (*source.dimensions[:place], (), *source.dimensions[place:])
            if isinstance(source, Parts):
                source = joined(call, source)
            source = replace(source, dimensions=dimensions)
        elif np.ndim(source) > place:
            source = np.expand_dims(source, place)
    return written(call, base, box, source)


def _scattered(call: Call) -> Value:
    return put_back(call, call, call.get("self"), call.get("src"))


def _cumulative_sum(call: Call) -> Value:
    value = call.frames("self")
    place = call.dimension(len(value.dimensions))
    if value.dimensions[place] != ("T",):
        call.refuse("sums something else than frames, which the vocabulary lacks")
    return replace(whole(call, value), to_divide=True)


def whole(call: Call, value: Frames) -> Frames:
    """A value whose entries are the node's from its first on, to the end of the clip."""
    value = call.blanked(call.settled(value))
    call.check_ahead([value])
    if value.lead > 0 or value.unknown or value.last_frame < call.run.frames - 1:
        call.refuse(
            f"takes {value.length} frames together of {call.run.frames} that the clip has, and"
            " which those are depends on its length"
        )
    return value


def mean_over_clip(call: Call, value: Frames) -> Frames:
    """The mean over all frames of the clip, which leaves no time."""
    run = call.run
    value = whole(call, value)
    if run.window is None:
        call.refuse(
            "is a mean over the whole clip, which a stream has not seen: say what it becomes,"
            " --window all (all frames so far) or --window FRAMES (the last ones)"
        )
    run.used_window = True
    layer = TemporalMean() if run.window == "all" else WindowMean(run.window)
    node = call.add(layer, value.node, begins=max(-value.lead, 0))
    return replace(
        without(value, {"T"}, kept=True),
        node=node,
        is_last=True,
        length=1,
        lead=min(run.frames - 1 - value.last_frame, 0),
        ahead=0,
        looked_ahead=None,
    )


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "pad": _pad,
        "constant_pad_nd": _pad,
        "slice": _slice,
        "narrow": _narrow,
        "select": _select,
        "chunk": _chunk,
        "split": _split,
        "split_with_sizes": _split,
        "roll": _roll,
        "flip": _flip,
        "cat": _cat,
        "concat": _cat,
        "concatenate": _cat,
        "cumsum": _cumulative_sum,
        "unbind": _unbind,
        "stack": _stack,
        "slice_scatter": _scattered,
        "select_scatter": _scattered,
    }
)
PARTS = frozenset({"slice", "narrow", "select"})
"""Operators that take a part of a tensor along one dimension, which may be written over."""

VIEWS = PARTS | frozenset({"unbind", "chunk", "split", "split_with_sizes"})
"""Operators whose result shares its numbers with what they read."""
