"""Works out the positional encoding that a .tflite file computes, for one position.

Converters write it in many small operators, of which only the result matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.formats.tflite.graph import Operation, TracedGraph, UnlikeError
from movistream_converters.formats.tflite.slices import index_of
from movistream_converters.ir.layers import encoding_frequencies

_POSITIONS = (0, 1, 2)
_TOLERANCE = 0.05
"""Int8 files hold the frequencies with some rounding."""

_DEEPEST = 30
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "SIN": np.sin,
    "COS": np.cos,
    "CAST": np.positive,
    "RANGE": lambda start, limit, delta: np.arange(
        start.item(), min(limit.item(), start.item() + 1), delta.item()
    ),
    "CONCATENATION": lambda *parts: np.concatenate(parts, axis=-1),
}


def is_encoding(graph: TracedGraph, tensor: int) -> bool:
    """Whether a tensor is the sine, then the cosine, of the position at each frequency."""
    channels = graph.channels(tensor)
    for position in _POSITIONS:
        radians = position * encoding_frequencies(channels)
        expected = np.concatenate([np.sin(radians), np.cos(radians)])
        try:
            found = _value(graph, tensor, position, 0).reshape(-1)
        except (ValueError, IndexError, TypeError, ArithmeticError, UnlikeError):
            return False
        if found.shape != expected.shape or np.abs(found - expected).max() > _TOLERANCE:
            return False
    return True


def _value(graph: TracedGraph, tensor: int, position: int, depth: int) -> npt.NDArray[np.float64]:
    """A tensor's value where the states are a position."""
    tensor = graph.source(tensor)
    shape = graph.tensors[tensor].shape
    if depth > _DEEPEST:
        raise UnlikeError("a positional encoding takes fewer operators")
    if (constant := graph.constant(tensor)) is not None:
        return constant.astype(np.float64)
    if tensor in graph.inputs:
        return np.full(shape, position, np.float64)
    origin = graph.origin(tensor)
    if origin is None:
        raise UnlikeError("a positional encoding depends on the position alone")
    value = _applied(graph, origin, position, depth)
    return np.asarray(value, np.float64).reshape(shape)


def _applied(graph: TracedGraph, origin: Operation, position: int, depth: int) -> Any:
    if (index := index_of(graph, origin)) is not None:
        whole = _value(graph, origin.inputs[0], position, depth + 1)
        return whole.reshape(graph.tensors[origin.inputs[0]].shape)[index]
    if origin.name not in _FUNCTIONS:
        raise UnlikeError(f"a positional encoding needs no {origin.name}")
    operands = [_value(graph, operand, position, depth + 1) for operand in origin.inputs]
    return _FUNCTIONS[origin.name](*operands)
