"""What is in a model file, for people and for scripts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from movistream.file.binding import bind, quantization_of
from movistream.file.graph import Graph, Operator, map_file, read_model_file
from movistream.file.graph_limits import window_size
from movistream.file.manifest import Manifest, ProgramComparison, State, Verification

_MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_FLOATS = ("float32", "float16")
"""Quantisations in which operators compute with fractions."""
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
        path: the path of the file.
        file_bytes: the size of the file.
        manifest: the file's own manifest, or the one that its signature implies.
        state_bytes: the memory that each state takes, all its tensors together, by name.
        operators: how often each operator occurs.
        weights: how many numbers the file holds as constants.
        weight_bytes: how many bytes these numbers take.
        multiply_adds: how many multiplications the graph's convolutions and dense layers do for a
            frame, zeros in kernels included.
        quantization: the numbers that the graph computes in.
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


def verification_text(verification: Verification, quantization: str) -> str:
    """What a comparison of a file with its network says, in words that hold for its numbers.

    Only float arithmetic can be verified: it comes to the same within a last few digits. Where
    operators round to int8, the figures say how far that moves a file, and not whether it is right.

    Args:
        quantization: of the file, as in its manifest.
    """
    frames = f"on {verification.frames} frames, reset and replayed"
    logits, states = verification.max_logit_error, verification.max_state_error
    if quantization in _FLOATS:
        kernels = "" if quantization == "float32" else f" with the file's {quantization} kernels"
        return (
            f"verified{kernels} {frames}: logits within {logits:.1e} of the largest, states within"
            f" {states:.1e} ({verification.worst_state})"
        )
    return (
        f"checked {frames}: rounding to int8 moves logits by up to {logits:.1%} of the largest,"
        f" states by up to {states:.1%} ({verification.worst_state})"
    )


def program_text(comparison: ProgramComparison) -> str:
    """What a comparison with the program that a network was read from says."""
    if comparison.not_run:
        return (
            f"not compared with its source program, only with the network as it was read:"
            f" {comparison.not_run}"
        )
    return (
        f"compared with its source program, run by {comparison.runner}, on {comparison.frames}"
        f" answers: logits within {comparison.max_logit_error:.1e} of the largest"
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
