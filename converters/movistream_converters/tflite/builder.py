"""Builds a .tflite file operator by operator.

The graph is written exactly as the lowering says: no importer, optimiser or quantiser stands
between, so operator versions are the oldest that can express them (older runtimes load the file),
tensors keep the network's names, and constants lie 16-byte aligned, as engines want them.

Schema: tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.tflite.precision import DYNAMIC_INPUTS, Precision

_TENSOR_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int8": schema.TensorType.INT8,
    "int4": schema.TensorType.INT4,
}
INT8_LOWEST, INT8_HIGHEST = -128, 127
INT4_HIGHEST = 7
_BUFFER_ALIGNMENT = 16
_SCHEMA_VERSION = 3
_PLACEHOLDER_CODE_LIMIT = 127


@dataclass(frozen=True)
class QuantizationParameters:
    """What the numbers of an int8 tensor stand for: (stored − zero_point) · scale."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class TensorRef:
    """A tensor of the graph being built; ``quantization`` is that of int8 activations."""

    index: int
    shape: tuple[int, ...]
    dtype: str
    quantization: QuantizationParameters | None = None


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


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Writes equal number vectors once: the zero points of int8 kernels are all zero."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: npt.NDArray[Any]) -> int:
        key = (x.dtype.name, x.tobytes())
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


class GraphBuilder:
    """One subgraph with one signature, grown in execution order.

    No two of its tensors have one name.

    Attributes:
        precision: of kernels.
        keeps_float32: whether kernels that are added now are float32 all the same.
        inputs: of the signature.
        outputs: of the signature.
    """

    def __init__(
        self, precision: Precision = Precision.FLOAT32, reserved: Collection[str] = ()
    ) -> None:
        """Begins with nothing.

        Args:
            precision: of kernels.
            reserved: names that constants leave to others.
        """
        self.precision = precision
        self.keeps_float32 = False
        self._reserved = frozenset(reserved)
        self._names: set[str] = set()
        self._dequantized: dict[int, TensorRef] = {}
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers: list[Any] = [_AlignedBuffer()]
        self._codes: dict[tuple[int, int], int] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], TensorRef] = {}
        self.inputs: dict[str, TensorRef] = {}
        self.outputs: dict[str, TensorRef] = {}

    def input(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "float32",
        quantization: QuantizationParameters | None = None,
    ) -> TensorRef:
        """Adds an input of the signature; one with a quantisation is int8.

        Raises:
            ValueError: if there is a tensor of that name.
        """
        self.inputs[name] = self._tensor(name, tuple(shape), dtype, 0, quantization)
        return self.inputs[name]

    def output(self, name: str, tensor: TensorRef) -> None:
        """Names a tensor as an output of the signature.

        Raises:
            ValueError: if there is one of that name.
        """
        if name in self.outputs:
            raise ValueError(f"two outputs are named {name}")
        self.outputs[name] = tensor

    def constant(self, name: str, value: npt.NDArray[Any]) -> TensorRef:
        """Adds a constant; equal ones are kept once, and other names go before its own."""
        data = np.ascontiguousarray(value).tobytes()
        key = (value.dtype.name, value.shape, data)
        if key not in self._constants:
            index = self._buffer(data)
            while name in self._names | self._reserved:
                name += ".constant"
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
        if self.keeps_float32:
            return self.constant(name, value)
        int8 = self.precision in (Precision.DYNAMIC, Precision.INT8)
        if int8 and per_channel and value[0].size >= DYNAMIC_INPUTS:
            return self.int8_kernel(name, value)[0]
        if self.precision is not Precision.FLOAT16:
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

    def int8_kernel(
        self, name: str, value: npt.NDArray[np.float32], axis: int = 0
    ) -> tuple[TensorRef, npt.NDArray[np.float32]]:
        """Adds a kernel as symmetric int8, each channel's largest number at ±127.

        Args:
            axis: of the channels.

        Returns:
            The tensor, and the scale of each channel.
        """
        stored, scales = _symmetric(value, axis, INT8_HIGHEST)
        return self._quantized_constant(f"{name}.int8", stored, scales, axis), scales

    def int4_kernel(self, name: str, value: npt.NDArray[np.float32]) -> TensorRef:
        """Adds a kernel (out, an even number of inputs) as symmetric int4, two in a byte."""
        stored, scales = _symmetric(value, 0, INT4_HIGHEST)
        halves = stored.reshape(-1, 2).astype(np.uint8) & 0xF
        index = self._buffer((halves[:, 0] | halves[:, 1] << 4).tobytes())
        tensor = self._tensor(f"{name}.int4", value.shape, "int4", index)
        self._tensors[tensor.index].quantization = _channel_quantization(scales, 0)
        return tensor

    def int32_bias(
        self, name: str, value: npt.NDArray[np.float32], scales: npt.NDArray[np.float32]
    ) -> TensorRef:
        """Adds a bias in units of the products that it is added to.

        Args:
            scales: of each channel: its kernel's, times its input's.
        """
        limits = np.iinfo(np.int32)
        stored = np.clip(np.round(value / scales.astype(np.float64)), limits.min, limits.max)
        return self._quantized_constant(f"{name}.int32", stored.astype(np.int32), scales, axis=0)

    def int8_constant(
        self, name: str, value: npt.NDArray[np.float32], quantization: QuantizationParameters
    ) -> TensorRef:
        """Adds a constant operand."""
        stored = np.round(value / quantization.scale) + quantization.zero_point
        index = self._buffer(stored.astype(np.int8).tobytes())
        return self._tensor(name, value.shape, "int8", index, quantization)

    def _quantized_constant(
        self, name: str, stored: npt.NDArray[Any], scales: npt.NDArray[np.float32], axis: int
    ) -> TensorRef:
        tensor = self._tensor(name, stored.shape, stored.dtype.name, self._buffer(stored.tobytes()))
        self._tensors[tensor.index].quantization = _channel_quantization(scales, axis)
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
        quantization: QuantizationParameters | None = None,
        version: int = 1,
    ) -> TensorRef:
        """Adds an operator with one output.

        Args:
            code: a name of the schema's ``BuiltinOperator``.
            options: the schema's options object of that operator.
            quantization: of the output, which is int8 then.
            version: of the operator: the first one that does what is asked.

        Raises:
            ValueError: if there is a tensor of that name.
        """
        output = self._tensor(name, tuple(shape), dtype, 0, quantization)
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
        builder = _SharingBuilder(constants + 1024 * (len(self._tensors) + 64))
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _buffer(self, data: bytes) -> int:
        self._buffers.append(_aligned_buffer(data))
        return len(self._buffers) - 1

    def _tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str,
        buffer: int,
        quantization: QuantizationParameters | None = None,
    ) -> TensorRef:
        if name in self._names:
            raise ValueError(f"two tensors are named {name}: a node needs another name")
        self._names.add(name)
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = list(shape)
        if quantization is not None:
            dtype = "int8"
            tensor.quantization = _quantization(
                np.array([quantization.scale], np.float32), np.array([quantization.zero_point])
            )
        tensor.type = _TENSOR_TYPES[dtype]
        tensor.buffer = buffer
        tensor.hasRank = True
        self._tensors.append(tensor)
        return TensorRef(len(self._tensors) - 1, tuple(shape), dtype, quantization)


def _symmetric(
    value: npt.NDArray[np.float32], axis: int, highest: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Whole numbers from -highest to highest, and the scale of each channel."""
    others = tuple(i for i in range(value.ndim) if i != axis)
    largest = np.abs(value).max(axis=others, keepdims=True)
    scales = np.where(largest == 0, 1, largest / np.float32(highest)).astype(np.float32)
    return np.round(value / scales).astype(np.int8), scales.reshape(-1)


def _channel_quantization(scales: npt.NDArray[np.float32], axis: int) -> Any:
    return _quantization(scales, np.zeros(len(scales), np.int64), axis)


def _quantization(
    scales: npt.NDArray[np.float32], zero_points: npt.NDArray[np.int64], axis: int = 0
) -> Any:
    quantization = schema.QuantizationParametersT()
    quantization.scale = scales
    quantization.zeroPoint = zero_points
    quantization.quantizedDimension = axis
    return quantization


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
