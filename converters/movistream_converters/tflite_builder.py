"""Builds a .tflite file operator by operator.

The graph is written exactly as the lowering says: no importer, optimiser or quantiser stands
between, so operator versions are the oldest that can express them (older runtimes load the file),
tensors keep the network's names, and constants lie 16-byte aligned, as engines want them.

Schema: tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.precision import DYNAMIC_INPUTS, Precision

_TENSOR_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int8": schema.TensorType.INT8,
}
_BUFFER_ALIGNMENT = 16
_SCHEMA_VERSION = 3
_INT8_LIMIT = 127
_PLACEHOLDER_CODE_LIMIT = 127


@dataclass(frozen=True)
class TensorRef:
    """A tensor of the graph being built."""

    index: int
    shape: tuple[int, ...]
    dtype: str


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A constant's bytes, aligned in the file (the generated class aligns to one byte)."""

    def Pack(self, builder: Any) -> int:
        data = 0
        if self.data is not None:
            builder.StartVector(1, len(self.data), _BUFFER_ALIGNMENT)
            builder.head = builder.Head() - len(self.data)
            builder.Bytes[builder.Head() : builder.Head() + len(self.data)] = self.data
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data:
            schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


class GraphBuilder:
    """One subgraph with one signature, grown in execution order."""

    def __init__(self, precision: Precision = Precision.FLOAT32) -> None:
        self._precision = precision
        self._dequantized: dict[int, TensorRef] = {}
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers: list[Any] = [_AlignedBuffer()]
        self._codes: dict[tuple[int, int], int] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], TensorRef] = {}
        self.inputs: dict[str, TensorRef] = {}
        self.outputs: dict[str, TensorRef] = {}

    def input(self, name: str, shape: Sequence[int], dtype: str = "float32") -> TensorRef:
        """Adds an input of the signature."""
        self.inputs[name] = self._tensor(name, tuple(shape), dtype, buffer=0)
        return self.inputs[name]

    def output(self, name: str, tensor: TensorRef) -> None:
        """Names a tensor as an output of the signature."""
        self.outputs[name] = tensor

    def constant(self, name: str, value: npt.NDArray[Any]) -> TensorRef:
        """Adds a constant; equal ones are kept once."""
        data = np.ascontiguousarray(value).tobytes()
        key = (value.dtype.name, value.shape, data)
        if key not in self._constants:
            index = self._buffer(data)
            self._constants[key] = self._tensor(name, value.shape, value.dtype.name, index)
        return self._constants[key]

    def weight(
        self, name: str, value: npt.NDArray[np.float32], *, per_channel: bool = False
    ) -> TensorRef:
        """Adds a kernel in the graph's precision; returns it as float32 or int8.

        Args:
            per_channel: the operator takes int8 kernels with a scale per entry of the first axis,
                while its input and output are float32.

        Raises:
            OverflowError: if a number is too large for the precision.
        """
        if self._precision is Precision.DYNAMIC and per_channel and value[0].size >= DYNAMIC_INPUTS:
            return self._int8_constant(name, value)
        if self._precision is not Precision.FLOAT16:
            return self.constant(name, value)
        with np.errstate(over="ignore"):
            half = value.astype(np.float16)
        if not np.isfinite(half).all():
            raise OverflowError(f"{name} holds numbers beyond float16, up to {np.abs(value).max()}")
        stored = self.constant(f"{name}.float16", half)
        if stored.index not in self._dequantized:
            self._dequantized[stored.index] = self.operator(
                "DEQUANTIZE", (stored,), name, value.shape, schema.DequantizeOptionsT(), version=3
            )
        return self._dequantized[stored.index]

    def _int8_constant(self, name: str, value: npt.NDArray[np.float32]) -> TensorRef:
        """Symmetric int8, each channel's largest number at ±127."""
        channels = value.reshape(len(value), -1)
        scales = np.abs(channels).max(axis=1) / np.float32(_INT8_LIMIT)
        scales[scales == 0] = 1.0
        stored = np.round(channels / scales[:, None]).astype(np.int8)
        quantization = schema.QuantizationParametersT()
        quantization.scale = scales.astype(np.float32)
        quantization.zeroPoint = np.zeros(len(scales), np.int64)
        quantization.quantizedDimension = 0
        index = self._buffer(stored.tobytes())
        tensor = self._tensor(f"{name}.int8", value.shape, "int8", index)
        self._tensors[tensor.index].quantization = quantization
        return tensor

    def operator(
        self,
        code: str,
        inputs: Iterable[TensorRef],
        name: str,
        shape: Sequence[int],
        options: Any = None,
        *,
        dtype: str = "float32",
        version: int = 1,
    ) -> TensorRef:
        """Adds an operator with one output.

        Args:
            code: a name of the schema's ``BuiltinOperator``.
            options: the schema's options object of that operator.
            version: of the operator: the first one that does what is asked.
        """
        output = self._tensor(name, tuple(shape), dtype, buffer=0)
        operator = schema.OperatorT()
        builtin = getattr(schema.BuiltinOperator, code)
        operator.opcodeIndex = self._codes.setdefault((builtin, version), len(self._codes))
        operator.inputs = [tensor.index for tensor in inputs]
        operator.outputs = [output.index]
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        self._operators.append(operator)
        return output

    def pack(self, signature_key: str, metadata: dict[str, bytes]) -> bytes:
        """The file's bytes."""
        model = schema.ModelT()
        model.version = _SCHEMA_VERSION
        model.description = "movistream"
        model.operatorCodes = [_operator_code(*code) for code in self._codes]
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors = self._tensors
        graph.inputs = [tensor.index for tensor in self.inputs.values()]
        graph.outputs = [tensor.index for tensor in self.outputs.values()]
        graph.operators = self._operators
        model.subgraphs = [graph]
        signature = schema.SignatureDefT()
        signature.signatureKey = signature_key
        signature.inputs = [_tensor_map(*item) for item in self.inputs.items()]
        signature.outputs = [_tensor_map(*item) for item in self.outputs.items()]
        model.signatureDefs = [signature]
        model.buffers = list(self._buffers)
        model.metadata = []
        for name, data in metadata.items():
            entry = schema.MetadataT()
            entry.name = name
            entry.buffer = len(model.buffers)
            model.buffers.append(_aligned_buffer(data))
            model.metadata.append(entry)
        constants = sum(len(buffer.data or b"") for buffer in model.buffers)
        builder = flatbuffers.Builder(constants + 1024 * (len(self._tensors) + 64))
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _buffer(self, data: bytes) -> int:
        self._buffers.append(_aligned_buffer(data))
        return len(self._buffers) - 1

    def _tensor(self, name: str, shape: tuple[int, ...], dtype: str, buffer: int) -> TensorRef:
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = list(shape)
        tensor.type = _TENSOR_TYPES[dtype]
        tensor.buffer = buffer
        tensor.hasRank = True
        self._tensors.append(tensor)
        return TensorRef(len(self._tensors) - 1, shape, dtype)


def _aligned_buffer(data: bytes) -> _AlignedBuffer:
    buffer = _AlignedBuffer()
    buffer.data = data
    return buffer


def _operator_code(code: int, version: int) -> Any:
    entry = schema.OperatorCodeT()
    entry.builtinCode = code
    entry.deprecatedBuiltinCode = min(code, _PLACEHOLDER_CODE_LIMIT)
    entry.version = version
    return entry


def _tensor_map(name: str, tensor: TensorRef) -> Any:
    entry = schema.TensorMapT()
    entry.name = name
    entry.tensorIndex = tensor.index
    return entry
