"""What decides how many instructions a step takes, read off its operators.

Engines compute with kernels for a whole number of pixels and channels at once: so many pixels of a
matrix product by so many channels, of so many inputs at a time. What does not fill the last of them
is computed all the same. So these features count such tiles, not multiply-adds: networks of equal
multiply-adds differ tenfold. Sizes are those of XNNPACK's kernels for each core; with another
core's tiles, a fit is twice as far off.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeAlias

from movistream.file.graph import OPTIONAL_TENSOR, Graph, Operator
from movistream.file.graph_limits import window_size

Features: TypeAlias = dict[str, float]
"""How often something is done in a step, by what it is."""

STEP = "step"
"""What every step takes once."""

_INT8_TILES = {"cortex-a76": (4, 16, 4), "cortex-a72": (2, 8, 8)}
"""Pixels, channels, and inputs at a time; the first has dot products of int8."""

CPUS = tuple(_INT8_TILES)
"""The cores whose kernels are known."""

_MATRICES = ("CONV_2D", "FULLY_CONNECTED")
_FLOAT_TILE = (6, 8, 1)
_DEPTHWISE_CHANNELS = 16
_VECTOR_VALUES = 16


def step_features(graph: Graph, cpu: str) -> Features:
    """Sums over all operators of a step graph, and 1 for the step itself.

    Args:
        cpu: one of :data:`CPUS`.
    """
    found: defaultdict[str, float] = defaultdict(float)
    found[STEP] = 1.0
    for operator in graph.operators:
        kind, amounts = _of_operator(graph, operator, cpu)
        for what, amount in amounts.items():
            found[f"{kind}: {what}"] += amount
    return dict(found)


def _of_operator(graph: Graph, operator: Operator, cpu: str) -> tuple[str, Features]:
    """What kind of kernel computes it, and how much of what that does."""
    if operator.name in _MATRICES:
        return _matrix(graph, operator, cpu)
    return _RULES.get(operator.name, _elementwise)(graph, operator)


def _matrix(graph: Graph, operator: Operator, cpu: str) -> tuple[str, Features]:
    """A convolution or a dense layer: tiles, and tiles times inputs."""
    read, kernel = (graph.tensors[index] for index in operator.inputs[:2])
    written = graph.tensors[operator.outputs[0]]
    is_int8 = kernel.dtype != "float32"
    rows, columns, inputs = _INT8_TILES[cpu] if is_int8 else _FLOAT_TILE
    channels = written.shape[-1]
    pixels = math.prod(written.shape) // channels
    taps = math.prod(kernel.shape[1:-1])
    rows = _parts(pixels, rows)
    tiles = rows * _parts(channels, columns)
    steps = _parts(kernel.shape[-1], inputs)
    kind = f"{operator.name} {read.dtype}, {kernel.dtype}"
    amounts: Features = {
        "operators": 1,
        "rows": rows,
        "tiles": tiles,
        "tiles by inputs": tiles * taps * steps,
    }
    if is_int8 and steps % 2:
        # Loops take two steps at a time; what is left over has code of its own.
        amounts["tiles by odd inputs"] = tiles * taps
    if taps > 1:
        kind = f"{kind}, window"
    if is_int8 and read.dtype == "float32":
        # Brought to int8 at run time.
        amounts["inputs"] = _parts(math.prod(read.shape), _VECTOR_VALUES)
    return kind, amounts


def _depthwise(graph: Graph, operator: Operator) -> tuple[str, Features]:
    """Groups of channels, by the kernel's number of taps, which has a kernel of its own."""
    written = graph.tensors[operator.outputs[0]]
    channels = written.shape[-1]
    pixels = math.prod(written.shape) // channels
    taps = window_size(graph.tensors, operator)
    return f"{operator.name} {written.dtype}, {taps} taps", {
        "pixels": pixels,
        "pixels by channels": pixels * _parts(channels, _DEPTHWISE_CHANNELS),
    }


def _pool(graph: Graph, operator: Operator) -> tuple[str, Features]:
    written = graph.tensors[operator.outputs[0]]
    channels = written.shape[-1]
    pixels = math.prod(written.shape) // channels
    return operator.name, {
        "pixels": pixels,
        "pixels by channels": pixels * _parts(channels, 4),
    }


def _reduction(graph: Graph, operator: Operator) -> tuple[str, Features]:
    read = graph.tensors[operator.inputs[0]]
    return f"{operator.name} {read.dtype}", {
        "operators": 1,
        "values": _parts(math.prod(read.shape), _VECTOR_VALUES),
    }


def _elementwise(graph: Graph, operator: Operator) -> tuple[str, Features]:
    """What goes over all values, or copies them."""
    written = graph.tensors[operator.outputs[0]]
    reads = [graph.tensors[index].dtype for index in operator.inputs if index != OPTIONAL_TENSOR]
    values = math.prod(written.shape)
    return f"{operator.name} {reads[0]}", {
        "operators": 1,
        "values": _parts(values, _VECTOR_VALUES),
    }


def _parts(number: int, size: int) -> int:
    return -(-number // size)


_RULES: Mapping[str, Callable[[Graph, Operator], tuple[str, Features]]] = {
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "MEAN": _reduction,
}
