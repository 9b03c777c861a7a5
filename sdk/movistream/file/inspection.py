"""What is in a model file, for people and for scripts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from movistream.file.binding import bind, quantization_of
from movistream.file.graph import Graph, Operator, map_file, read_model_file
from movistream.file.graph_limits import window_size
from movistream.file.manifest import Manifest, State

_MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_ITEM_BYTES = {
    "float32": 4,
    "float16": 2,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
}


@dataclass(frozen=True)
class Inspection:
    """The figures of a file.

    Attributes:
        path: of the file.
        file_bytes: its size.
        manifest: its own, or the one that its signature implies.
        state_bytes: of each state, all its tensors together, by name.
        operators: how often each operator occurs.
        weights: numbers that the file holds as constants.
        weight_bytes: what they take.
        multiply_adds: of convolutions and dense layers, per frame.
        quantization: as the graph shows it.
    """

    path: Path
    file_bytes: int
    manifest: Manifest
    state_bytes: dict[str, int]
    operators: dict[str, int]
    weights: int
    weight_bytes: int
    multiply_adds: int
    quantization: str


def inspect_file(path: Path) -> Inspection:
    """Reads a model file without running it.

    Raises:
        ModelError: if it is damaged or not a stream model.
    """
    with map_file(path) as data:
        file = read_model_file(data, str(path))
        manifest = bind(file, data, str(path))
        size = len(data)
    graph = file.signatures[manifest.signature].graph
    constants = [tensor for tensor in graph.tensors if tensor.constant]
    counts = Counter(operator.name for operator in graph.operators)
    return Inspection(
        path=path,
        file_bytes=size,
        manifest=manifest,
        state_bytes={state.name: state_bytes(state) for state in manifest.states},
        operators=dict(counts.most_common()),
        weights=sum(math.prod(tensor.shape) for tensor in constants),
        weight_bytes=sum(tensor.bytes for tensor in constants),
        multiply_adds=sum(multiply_adds(graph, operator) for operator in graph.operators),
        quantization=quantization_of(graph),
    )


def state_bytes(state: State) -> int:
    """Memory that a state takes in a stream."""
    return len(state.inputs) * math.prod(state.shape) * _ITEM_BYTES[state.dtype]


def multiply_adds(graph: Graph, operator: Operator) -> int:
    """Of a convolution or a dense layer; other operators have none."""
    if operator.name not in _MULTIPLYING:
        return 0
    outputs = math.prod(graph.tensors[operator.outputs[0]].shape)
    return outputs * window_size(graph.tensors, operator)
