"""Tensors that are written part by part: frames and channels of others, put into zeros."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from movistream_converters.formats.exported_program.call import Call, Value
from movistream_converters.formats.exported_program.constants import check_size, filled, is_zero
from movistream_converters.formats.exported_program.values import Dimension, Frames, furthest
from movistream_converters.ir.layers import Concatenate, Convolution

Box: TypeAlias = tuple[tuple[int, int], ...]
"""Of each dimension, from which entry on and before which one."""

Piece: TypeAlias = tuple[int, Frames | None]
"""So many channels: what they hold, or zeros."""


@dataclass(frozen=True)
class Parts:
    """A tensor whose channels come from several values, in their order.

    Attributes:
        sizes: of its dimensions.
        dimensions: what each holds.
    """

    sizes: tuple[int, ...]
    dimensions: tuple[Dimension, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Moment:
    """One entry along time, which a stream has no place for: it may only be written somewhere."""

    call: Call
    value: Frames
    entry: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of its dimensions."""
        place = self.value.dimensions.index(("T",))
        return (*self.value.sizes[:place], *self.value.sizes[place + 1 :])


@dataclass(frozen=True)
class Side:
    """Several values side by side, in a dimension of their own."""

    values: tuple[Frames, ...]
    place: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of its dimensions."""
        sizes = self.values[0].sizes
        return (*sizes[: self.place], len(self.values), *sizes[self.place :])


def sizes_of(value: Value) -> tuple[int, ...]:
    """The sizes of the dimensions of a tensor of any kind."""
    if isinstance(value, Frames | Parts | Moment | Side):
        return value.sizes
    shape: tuple[int, ...] = np.shape(value)
    return shape


def taken(call: Call, value: Parts, place: int, start: int, stop: int) -> Value:
    """The entries of one dimension from start to before stop."""
    if (start, stop) == (0, value.sizes[place]):
        return value
    sizes = _with(value.sizes, place, stop - start)
    if value.dimensions[place] == ("C",):
        return _whole(call, sizes, value.dimensions, _between(call, value.pieces, start, stop))
    if value.dimensions[place] == ("T",):
        pieces = tuple((n, piece and cut(call, piece, start, stop)) for n, piece in value.pieces)
        return _whole(call, sizes, value.dimensions, pieces)
    return call.refuse(
        "cuts a part out that is neither frames nor channels, which the vocabulary lacks"
    )


def written(call: Call, base: Value, box: Box, source: Value) -> Value:
    """A tensor, of which a part is written over.

    Args:
        base: frames, parts, or a constant.
        source: what is written, with as many dimensions, or a constant that fits.
    """
    sizes = sizes_of(base)
    if not isinstance(base, Frames | Parts) and not isinstance(source, Frames | Parts):
        return _constant(call, base, box, source)
    if not isinstance(base, Frames | Parts) and not is_zero(call, base):
        call.refuse("writes frames into numbers that are not 0, which is not followed: use zeros")
    if not isinstance(source, Frames | Parts) and not is_zero(call, source):
        call.refuse("writes numbers that are not 0 into frames, which is not followed")
    dimensions = _dimensions(call, base, box, source)
    time = dimensions.index(("T",)) if ("T",) in dimensions else -1
    channels = dimensions.index(("C",)) if ("C",) in dimensions else -1
    for place, (bounds, size) in enumerate(zip(box, sizes, strict=True)):
        if bounds != (0, size) and place not in (time, channels):
            call.refuse(
                f"writes a part of {list(sizes)} that is neither frames nor channels, which the"
                " vocabulary lacks"
            )
    count = sizes[channels] if channels >= 0 else 1
    length = sizes[time] if time >= 0 else 1
    first, last = box[channels] if channels >= 0 else (0, 1)
    begin, end = box[time] if time >= 0 else (0, 1)
    old = _pieces(base, count)
    new = _pieces(source, last - first)
    pieces = list(_between(call, old, 0, first))
    edges = sorted({0, *_edges(new), *(e - first for e in _edges(old) if first < e < last)})
    for start, stop in pairwise(edges):
        ((number, below),) = _between(call, old, first + start, first + stop)
        ((_, above),) = _between(call, new, start, stop)
        pieces.append((number, _over(call, below, above, (begin, end), length)))
    pieces += _between(call, old, last, count)
    return _whole(call, sizes, dimensions, tuple(pieces))


def joined(call: Call, value: Value) -> Value:
    """Frames, where parts are given; anything else as it is."""
    if isinstance(value, list):
        return [joined(call, each) for each in value]
    if isinstance(value, Side):
        call.refuse(
            f"reads {len(value.values)} values side by side in a dimension of their own,"
            f" {list(value.sizes)}, which the vocabulary lacks: join them along channels"
        )
    if isinstance(value, Moment):
        value.call.refuse(
            f"takes frame {value.entry - value.value.lead} of the clip, and a stream has no place"
            " for one frame but the last (a loop over frames is read if it does the same to each of"
            " them, and keeps what begins with zeros)"
        )
    if not isinstance(value, Parts):
        return value
    frames = [piece for _, piece in value.pieces if piece is not None]
    met = call.met([call.plain(piece) for piece in frames])
    waiting = iter(met)
    nodes = []
    for number, piece in value.pieces:
        if piece is not None:
            nodes.append(next(waiting).node)
            continue
        shape = call.run.writing.shapes[met[0].node]
        check_size(call, (shape[2], number))
        layer = Convolution(number)
        zeros = {"kernel": np.zeros((1, 1, 1, shape[2], number))}
        nodes.append(call.add(layer, met[0].node, weights=zeros, part="zeros"))
    node = nodes[0] if len(nodes) == 1 else call.add(Concatenate(), *nodes)
    shape = call.run.writing.shapes[node]
    unknown = max(each.unknown for each in met)
    whole = replace(met[0], node=node, shape=shape, dimensions=value.dimensions, unknown=unknown)
    return furthest(whole, met)


def cut(call: Call, value: Frames, start: int, stop: int) -> Frames:
    """The frames from start to before stop."""
    if not 0 <= start < stop <= value.length:
        call.refuse("leaves no frames")
    rest = replace(
        value,
        length=stop - start,
        lead=value.lead - start,
        unknown=max(value.unknown - start, 0),
    )
    return call.looking_ahead(rest, stop - value.length)


def zeros_around(call: Call, value: Frames, before: int, behind: int) -> Frames:
    """Frames with zeros before and behind them."""
    if before and value.unknown:
        call.refuse("pads what was rolled: multiply it by a mask first")
    padded = replace(
        value,
        length=value.length + before + behind,
        lead=value.lead + before,
        begins=max(value.begins, -value.lead) if before else value.begins,
    )
    return call.looking_ahead(padded, behind)


def blanked_before(value: Frames, entries: int) -> Frames:
    """Frames of which so many entries at the beginning are taken for zeros."""
    return replace(
        value,
        begins=max(value.begins, entries - value.lead),
        unknown=0 if value.unknown <= entries else value.unknown,
    )


def _over(
    call: Call, below: Frames | None, above: Frames | None, bounds: tuple[int, int], length: int
) -> Frames | None:
    """What channels hold after some of their frames are written over."""
    start, stop = bounds
    if bounds == (0, length) or below is above is None:
        return above
    if below is None:
        assert above is not None
        return zeros_around(call, call.plain(above), start, length - stop)
    if above is None:
        if start == 0 and stop < length:
            return blanked_before(below, stop)
        call.refuse(
            f"writes zeros over frames {start} to {stop - 1} of {length}, and a stream has no place"
            " for those but the first ones"
        )
    if cut(call, below, start, stop) == above:
        return below
    if stop == length:
        # What is left of the frames before is of the clip's beginning alone: it has to be blanked.
        late = zeros_around(call, call.plain(above), start, 0)
        return replace(late, unknown=start)
    if start == 0 and (above.ahead or above.lead < below.lead):
        return zeros_around(call, call.plain(above), 0, length - stop)
    same = (above.node, above.lead + start, above.zeros) == (below.node, below.lead, 0)
    if same and start == 0 and below.zeros == stop:
        return replace(below, begins=above.begins)
    return call.refuse(
        f"writes frames over frames {start} to {stop - 1} of {length}, so those would be unlike all"
        " others; a stream has no place for that"
    )


def _constant(call: Call, base: Value, box: Box, source: Value) -> Value:
    array = np.asarray(base)
    check_size(call, array.shape)
    result = np.array(array)
    result[tuple(slice(*bounds) for bounds in box)] = source
    return result


def _dimensions(call: Call, base: Value, box: Box, source: Value) -> tuple[Dimension, ...]:
    if isinstance(base, Frames | Parts):
        return base.dimensions
    found: list[Dimension] = list(source.dimensions)
    if len(found) != len(box):
        call.refuse(f"writes {list(source.sizes)} into {list(np.shape(base))}, by other axes")
    # One channel of several, in frames of what has one alone.
    sizes = np.shape(base)
    if ("C",) not in found:
        places = [at for at, axes in enumerate(found) if axes == () and sizes[at] > 1]
        if len(places) == 1:
            found[places[0]] = ("C",)
    return tuple(found)


def _pieces(value: Value, count: int) -> tuple[Piece, ...]:
    if isinstance(value, Parts):
        return value.pieces
    return ((count, value if isinstance(value, Frames) else None),)


def _edges(pieces: tuple[Piece, ...]) -> list[int]:
    return [int(edge) for edge in np.cumsum([number for number, _ in pieces])]


def _between(call: Call, pieces: tuple[Piece, ...], start: int, stop: int) -> tuple[Piece, ...]:
    """The channels from start to before stop."""
    found: list[Piece] = []
    at = 0
    for number, piece in pieces:
        first, last = max(start - at, 0), min(stop - at, number)
        at += number
        if last <= first:
            continue
        if piece is not None and (first, last) != (0, number):
            piece = call.gives(piece, call.run.writing.sliced(piece.node, first, last))
        found.append((last - first, piece))
    return tuple(found)


def _whole(
    call: Call, sizes: tuple[int, ...], dimensions: tuple[Dimension, ...], pieces: tuple[Piece, ...]
) -> Value:
    """Parts as simply as they can be described."""
    merged: list[Piece] = []
    for number, piece in pieces:
        if merged and piece is None and merged[-1][1] is None:
            merged[-1] = merged[-1][0] + number, None
        else:
            merged.append((number, piece))
    if len(merged) == 1:
        piece = merged[0][1]
        return filled(call, list(sizes), 0.0) if piece is None else piece
    return Parts(sizes, dimensions, tuple(merged))


def _with(sizes: tuple[int, ...], place: int, size: int) -> tuple[int, ...]:
    return (*sizes[:place], size, *sizes[place + 1 :])
