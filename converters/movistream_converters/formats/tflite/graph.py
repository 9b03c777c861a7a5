"""A .tflite file as its weights are read: from a result back to the operator that gave it.

Nothing is run. The runtime's reader goes over the file first (:mod:`movistream.file.graph`), so
that a damaged one is an error message; options and constants are then read by the schema's classes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream.file.graph import OPTIONAL_TENSOR, Graph, ModelFile, Quantization, Tensor
from movistream_converters.errors import ConversionError

FloatArray = npt.NDArray[np.float32]

_SAME_VALUES = frozenset(
    ("RESHAPE", "QUANTIZE", "DEQUANTIZE", "BROADCAST_TO", "EXPAND_DIMS", "SQUEEZE")
)
"""Operators that change how values are stored or laid out, but no value (except by rounding)."""
_STORED = {
    "float32": "<f4",
    "float16": "<f2",
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
}


_NUMBERS = ("float32", "float16", "int32", "int64")
"""Types whose numbers stand for themselves: engines ignore scales of theirs."""


class UnlikeError(ConversionError):
    """Something else is there where a part of a network should be."""


@dataclass(frozen=True)
class Operation:
    """An operator with its options.

    Attributes:
        name: such as ``CONV_2D``.
        inputs: indices of tensors; −1 for one that is left out.
        output: index of the tensor that it gives.
        options: an object of the schema's class for them, or None.
    """

    name: str
    inputs: tuple[int, ...]
    output: int
    options: Any


@dataclass(frozen=True)
class TracedGraph:
    """A graph in which every tensor's origin is known.

    Attributes:
        tensors: by index.
        origins: by tensor, the operator that gives it; inputs and constants have none.
        inputs: indices.
        outputs: indices.
        stored: by tensor, the bytes of its constant.
    """

    tensors: tuple[Tensor, ...]
    origins: Mapping[int, Operation]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    stored: Mapping[int, npt.NDArray[np.uint8]]

    def origin(self, tensor: int) -> Operation | None:
        """The operator that a tensor's values come from; those that only store it anew are none."""
        return self.origins.get(self.source(tensor))

    def source(self, tensor: int) -> int:
        """The first tensor that holds the same values."""
        while (origin := self.origins.get(tensor)) and origin.name in _SAME_VALUES:
            tensor = origin.inputs[0]
        return tensor

    def channels(self, tensor: int) -> int:
        """The last size of its shape."""
        return (1, *self.tensors[tensor].shape)[-1]

    def constant(self, tensor: int) -> FloatArray | None:
        """What the numbers of a constant stand for, or None if it is none.

        Raises:
            UnlikeError: if they are of a type that weights never have.
        """
        first = self.source(tensor)
        if first not in self.stored:
            return None
        return _meaning(self.tensors[first], self.stored[first])


def kernel_and_bias(
    graph: TracedGraph, operation: Operation
) -> tuple[FloatArray, FloatArray] | None:
    """The constants of a convolution or dense layer, or None if they are none.

    A bias that is left out is zero.
    """
    _, kernel_index, bias_index, *_ = (*operation.inputs, OPTIONAL_TENSOR, OPTIONAL_TENSOR)
    kernel, bias = graph.constant(kernel_index), graph.constant(bias_index)
    if kernel is None:
        return None
    unit = graph.tensors[operation.inputs[0]].quantization
    stored = graph.tensors[graph.source(kernel_index)]
    scaled = None if stored.dtype in _NUMBERS else stored.quantization
    if scaled is not None and scaled.zero_point and unit is None:
        return None  # Engines look at no zero point there.
    if bias_index == OPTIONAL_TENSOR:
        bias = np.zeros(graph.channels(operation.output), np.float32)
    elif bias is not None and graph.tensors[graph.source(bias_index)].dtype == "int32":
        bias = _int32_bias(bias, unit, scaled)
    return None if bias is None else (kernel, bias)


def _int32_bias(
    stored: FloatArray, x: Quantization | None, kernel: Quantization | None
) -> FloatArray | None:
    """Its unit is that of the products that it is added to, whatever it says itself."""
    if x is None or kernel is None or kernel.channels not in (1, stored.size):
        return None
    bias: FloatArray = stored * (np.float32(x.scale) * _scales(kernel))
    return bias


def _scales(quantization: Quantization) -> FloatArray:
    """Of each channel."""
    return np.frombuffer(quantization.parameters, "<f4", quantization.channels)


def trace(file: ModelFile, graph: Graph, data: bytes, name: str) -> TracedGraph:
    """One of a file's graphs, ready to be gone through.

    Args:
        file: what :func:`movistream.file.graph.read_model_file` read from data.
        name: for messages.

    Raises:
        ConversionError: if it is damaged.
    """
    try:
        model = schema.ModelT.InitFromPackedBuf(data)
    except (struct.error, IndexError, TypeError, ValueError) as error:
        raise ConversionError(f"{name} is damaged: {error}") from None
    index = next(i for i, candidate in enumerate(file.graphs) if candidate is graph)
    entries = model.subgraphs[index]
    origins: dict[int, Operation] = {}
    for operator, entry in zip(graph.operators, entries.operators, strict=True):
        if not operator.inputs:
            raise ConversionError(f"{name} is damaged: {operator.name} has no inputs")
        for output in operator.outputs:
            if output in origins or output in graph.inputs:
                raise ConversionError(f"{name} is damaged: tensor {output} is written twice")
            options = entry.builtinOptions
            origins[output] = Operation(operator.name, operator.inputs, output, options)
    stored = {
        tensor.index: model.buffers[entry.buffer].data
        for tensor, entry in zip(graph.tensors, entries.tensors, strict=True)
        if tensor.constant
    }
    if any(data is None for data in stored.values()):
        raise ConversionError(f"{name} keeps constants behind its tables, as no stream model needs")
    return TracedGraph(graph.tensors, origins, graph.inputs, graph.outputs, stored)


def _meaning(tensor: Tensor, stored: npt.NDArray[np.uint8]) -> FloatArray:
    if tensor.dtype == "int4":
        halves = np.stack([stored & 0xF, stored >> 4], axis=-1).astype(np.int8).reshape(-1)
        values: npt.NDArray[Any] = ((halves ^ 8) - 8)[: math.prod(tensor.shape)]
    elif tensor.dtype in _STORED:
        values = stored.view(_STORED[tensor.dtype])
    else:
        raise UnlikeError(f"its tensor {tensor.name!r} is a constant of type {tensor.dtype}")
    values = values.reshape(tensor.shape).astype(np.float32)
    quantization = tensor.quantization
    if tensor.dtype in _NUMBERS:
        return values
    if quantization is None:
        raise UnlikeError(f"its tensor {tensor.name!r} is {tensor.dtype} and has no scale")
    count = quantization.channels
    scales = _scales(quantization)
    zero_points = np.frombuffer(quantization.parameters, "<i8", offset=scales.nbytes)
    if count > 1 and zero_points.any():
        raise UnlikeError(f"its tensor {tensor.name!r} has a scale per channel, and zero points")
    along = [1] * values.ndim
    if count > 1:
        along[quantization.axis] = count
    meaning: FloatArray = (values - np.float32(quantization.zero_point)) * scales.reshape(along)
    return meaning
