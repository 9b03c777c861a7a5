"""Operators that only move the axes of a tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.constants import check_size
from movistream_converters.formats.exported_program.parts import Parts
from movistream_converters.formats.exported_program.values import (
    Frames,
    reshaped,
    with_joined_channels,
)
from movistream_converters.ir.layers import Convolution

_FLOATS = (6, 7, 8, 13)
"""PyTorch's numbers of types with a fraction."""


def _reshape(call: Call) -> Value:
    value = _frames(call)
    name = "shape" if "shape" in call.arguments else "size"
    sizes = list(call.get(name))
    return _in_order(call, call.laid_out(lambda: reshaped(value, sizes)))


def _in_order(call: Call, value: Frames) -> Frames:
    """Groups of channels as channels again; those that changed places, by a kernel of one pixel."""
    joined, order = with_joined_channels(value)
    if list(order) == sorted(order):
        return joined
    channels = joined.shape[2]
    check_size(call, (channels, channels))
    taken = np.arange(channels).reshape(value.split).transpose(order).reshape(-1)
    kernel = np.eye(channels, dtype=np.float32)[taken].T[None, None, None]
    node = call.add(Convolution(channels), value.node, weights={"kernel": kernel}, part="shuffled")
    return replace(joined, node=node)


def _flatten(call: Call) -> Value:
    value = _frames(call)
    sizes = list(value.sizes)
    first = call.dimension(len(sizes), "start_dim", 0)
    last = call.dimension(len(sizes), "end_dim", -1)
    merged = 1
    for size in sizes[first : last + 1]:
        merged *= size
    merged_sizes = [*sizes[:first], merged, *sizes[last + 1 :]]
    return _in_order(call, call.laid_out(lambda: reshaped(value, merged_sizes)))


def _unflatten(call: Call) -> Value:
    value = _frames(call)
    sizes = list(value.sizes)
    at = call.dimension(len(sizes))
    parts = list(call.get("sizes"))
    return _in_order(
        call, call.laid_out(lambda: reshaped(value, [*sizes[:at], *parts, *sizes[at + 1 :]]))
    )


def _permute(call: Call) -> Value:
    value = _frames(call)
    rank = len(value.dimensions)
    order = [call.counted(each, rank) for each in call.integers("dims", rank)]
    if sorted(order) != list(range(rank)):
        call.refuse(f"orders {rank} dimensions as {order}")
    return replace(value, dimensions=tuple(value.dimensions[each] for each in order))


def _transpose(call: Call) -> Value:
    value = _frames(call)
    dimensions = list(value.dimensions)
    first = call.dimension(len(dimensions), "dim0", -2)
    second = call.dimension(len(dimensions), "dim1", -1)
    dimensions[first], dimensions[second] = dimensions[second], dimensions[first]
    return replace(value, dimensions=tuple(dimensions))


def _movedim(call: Call) -> Value:
    value = _frames(call)
    rank = len(value.dimensions)
    given = [call.get(name) for name in ("source", "destination")]
    source, destination = (
        [call.counted(each, rank) for each in (one if isinstance(one, list) else [one])]
        for one in given
    )
    if len(source) != len(destination):
        call.refuse(f"moves dimensions {source} to {destination}")
    others = iter(each for each in range(rank) if each not in source)
    to = dict(zip(destination, source, strict=True))
    order = [to[place] if place in to else next(others) for place in range(rank)]
    return replace(value, dimensions=tuple(value.dimensions[each] for each in order))


def _unsqueeze(call: Call) -> Value:
    value = _frames(call)
    at = call.dimension(len(value.dimensions) + 1)
    return replace(value, dimensions=(*value.dimensions[:at], (), *value.dimensions[at:]))


def _squeeze(call: Call) -> Value:
    value = _frames(call)
    rank = len(value.dimensions)
    given = call.get("dim", list(range(rank)))
    names = given if isinstance(given, list) else [given]
    gone = {call.counted(each, rank) for each in names}
    kept = [axes for place, axes in enumerate(value.dimensions) if axes or place not in gone]
    return replace(value, dimensions=tuple(kept))


def _expand(call: Call) -> Value:
    value = _frames(call)
    sizes = list(call.get("size"))
    own = [1] * (len(sizes) - len(value.sizes)) + list(value.sizes)
    if any(size not in (-1, present) for size, present in zip(sizes, own, strict=True)):
        call.refuse(
            f"repeats {list(value.sizes)} to {sizes}, which is not followed: leave it out where the"
            " next operator repeats by itself"
        )
    return replace(value, dimensions=((),) * (len(sizes) - len(value.sizes)) + value.dimensions)


def _same(call: Call) -> Value:
    return _frames(call)


def _converted(call: Call) -> Value:
    dtype = call.get("dtype", None)
    if dtype is not None and dtype not in _FLOATS:
        call.refuse("makes whole numbers of frames, which the vocabulary lacks")
    return _frames(call)


def _dropout(call: Call) -> Value:
    if call.get("train", False):
        call.refuse("is in training: call model.eval() before torch.export.export")
    return call.get("input")


def _frames(call: Call) -> Frames:
    value: Any = call.get("self")
    if not isinstance(value, Frames | Parts):
        call.refuse("works on a constant where frames should be")
    return value  # type: ignore[return-value]


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "view": _reshape,
        "_unsafe_view": _reshape,
        "reshape": _reshape,
        "flatten": _flatten,
        "unflatten": _unflatten,
        "permute": _permute,
        "transpose": _transpose,
        "swapaxes": _transpose,
        "t": _transpose,
        "mT": _transpose,
        "movedim": _movedim,
        "unsqueeze": _unsqueeze,
        "squeeze": _squeeze,
        "expand": _expand,
        "contiguous": _same,
        "clone": _same,
        "detach": _same,
        "alias": _same,
        "to": _converted,
        "_to_copy": _converted,
        "dropout": _dropout,
        "feature_dropout": _dropout,
        "alpha_dropout": _dropout,
    }
)
VIEWS = frozenset(RULES) - {"clone", "_to_copy"}
"""Operators whose result may share its numbers with what they read."""
