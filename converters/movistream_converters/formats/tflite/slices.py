"""What slices of a .tflite file take from a tensor."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.formats.tflite.graph import Operation, TracedGraph

Index: TypeAlias = tuple[slice | int, ...]
"""One entry an axis, as numpy takes them; a number drops its axis."""


def index_of(graph: TracedGraph, origin: Operation) -> Index | None:
    """What a STRIDED_SLICE with constant limits takes; None for other operators and forms."""
    options = origin.options
    if origin.name != "STRIDED_SLICE" or not isinstance(options, schema.StridedSliceOptionsT):
        return None
    limits = [graph.constant(tensor) for tensor in origin.inputs[1:4]]
    if options.ellipsisMask or options.newAxisMask or len(limits) != 3:
        return None
    begins, ends, strides = (
        np.zeros(0, int) if c is None else c.astype(int).reshape(-1) for c in limits
    )
    rank = len(graph.tensors[origin.inputs[0]].shape)
    if not len(begins) == len(ends) == len(strides) == rank or 0 in strides:
        return None
    index: list[slice | int] = []
    for axis, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        bit = 1 << axis
        if options.shrinkAxisMask & bit:
            index.append(int(begin))
            continue
        first = None if options.beginMask & bit else int(begin)
        last = None if options.endMask & bit else int(end)
        index.append(slice(first, last, int(stride)))
    return tuple(index)


def takes(index: Index, shape: tuple[int, ...], skipped: tuple[int, int] = (0, 0)) -> bool:
    """Whether an index takes everything of a shape, in order.

    Args:
        skipped: (axis, how many of its first entries are left out).
    """
    for axis, (entry, size) in enumerate(zip(index, shape, strict=True)):
        every = np.arange(size)
        wanted = every[skipped[1] :] if axis == skipped[0] else every
        if not isinstance(entry, slice) or not np.array_equal(every[entry], wanted):
            return False
    return True
