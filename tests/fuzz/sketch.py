"""Small stream models around one operator each, so that every row of the operator table occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from movistream.file.manifest import (
    METADATA_NAME,
    SIGNATURE_KEY,
    ImageInput,
    Logits,
    Manifest,
    State,
    encode,
)
from tests.fuzz.tree import seal
from tests.fuzz.writer import write

IMAGE = (1, 4, 4, 3)
_STATE = (1, 3)
_MANIFEST = Manifest(
    name="sketch",
    input=ImageInput("image", IMAGE, "float32", frames_per_second=5.0),
    logits=Logits("logits", 3, "float32"),
    states=(State("state", "buffer", ("state",), "state", "replace", _STATE, "float32"),),
)
DTYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "uint8": schema.TensorType.UINT8,
    "int64": schema.TensorType.INT64,
    "bool": schema.TensorType.BOOL,
    "int16": schema.TensorType.INT16,
    "int8": schema.TensorType.INT8,
    "int4": schema.TensorType.INT4,
}


@dataclass(frozen=True)
class Scales:
    """value = (stored − zero_point) · scale, for the tensor or along an axis."""

    scales: tuple[float, ...] = (0.05,)
    zero_point: int = 0
    axis: int = 0


@dataclass(frozen=True)
class Computed:
    """An operand that depends on the image."""

    shape: tuple[int, ...] = IMAGE
    dtype: str = "float32"
    scales: Scales | None = None


@dataclass(frozen=True)
class Constant:
    """An operand that the file holds."""

    values: Any
    scales: Scales | None = None
    dtype: str = ""

    @property
    def array(self) -> np.ndarray:
        return np.asarray(self.values)


@dataclass(frozen=True)
class Result:
    """What the operator gives."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    scales: Scales | None = None


@dataclass(frozen=True)
class Row:
    """One operator with operands that it takes; None is an operand left out."""

    code: str
    operands: tuple[Computed | Constant | None, ...]
    results: tuple[Result, ...]
    options: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    version: int = 1
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.code}{'-' if self.label else ''}{self.label}".lower()


class Sketch:
    """A graph that is being drawn."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.buffers: list[Any] = [schema.BufferT()]
        self.codes: list[tuple[int, int]] = []

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "float32",
        scales: Scales | None = None,
        data: bytes = b"",
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.hasRank = name, list(shape), True
        tensor.type = DTYPES[dtype]
        tensor.buffer = 0
        if data:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            self.buffers.append(buffer)
            tensor.buffer = len(self.buffers) - 1
        if scales is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = list(scales.scales)
            quantization.zeroPoint = [scales.zero_point] * len(scales.scales)
            quantization.quantizedDimension = scales.axis
            tensor.quantization = quantization
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, name: str, constant: Constant) -> int:
        array = constant.array
        data, dtype = array.tobytes(), constant.dtype or array.dtype.name
        if dtype == "int4":
            nibbles = array.astype(np.uint8).reshape(-1, 2) & 0xF
            data = (nibbles[:, 0] | nibbles[:, 1] << 4).tobytes()
        return self.tensor(name, array.shape, dtype, constant.scales, data)

    def operator(
        self,
        code: str,
        operands: Sequence[int],
        results: Sequence[int],
        kind: str = "",
        options: dict[str, Any] | None = None,
        version: int = 1,
    ) -> None:
        operator = schema.OperatorT()
        key = (getattr(schema.BuiltinOperator, code), version)
        if key not in self.codes:
            self.codes.append(key)
        operator.opcodeIndex = self.codes.index(key)
        operator.inputs, operator.outputs = list(operands), list(results)
        if kind:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = getattr(schema, f"{kind}T")()
            for name, value in (options or {}).items():
                assert hasattr(operator.builtinOptions, name), (kind, name)
                setattr(operator.builtinOptions, name, value)
        self.operators.append(operator)

    def apply(
        self,
        code: str,
        operands: Sequence[int],
        result: Result,
        kind: str = "",
        options: dict[str, Any] | None = None,
        version: int = 1,
    ) -> int:
        """Adds an operator with one result; returns the result's index."""
        name = f"{code.lower()}_{len(self.tensors)}"
        index = self.tensor(name, result.shape, result.dtype, result.scales)
        self.operator(code, operands, [index], kind, options, version)
        return index

    def ints(self, *values: int) -> int:
        return self.constant(f"ints_{len(self.tensors)}", Constant(np.array(values, np.int32)))

    def model(self, inputs: dict[str, int], outputs: dict[str, int], key: str) -> Any:
        model = schema.ModelT()
        model.version, model.description = 3, "sketch"
        model.operatorCodes = [_operator_code(*code) for code in self.codes]
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = list(inputs.values()), list(outputs.values())
        model.subgraphs = [graph]
        signature = schema.SignatureDefT()
        signature.signatureKey = key
        signature.inputs = [_tensor_map(*item) for item in inputs.items()]
        signature.outputs = [_tensor_map(*item) for item in outputs.items()]
        model.signatureDefs, model.buffers, model.metadata = [signature], self.buffers, []
        return model


def _operator_code(code: int, version: int) -> Any:
    entry = schema.OperatorCodeT()
    entry.builtinCode, entry.deprecatedBuiltinCode = code, min(code, 127)
    entry.version = version
    return entry


def _tensor_map(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return entry


def stream_model(row: Row) -> bytes:
    """A sealed stream model whose step uses one operator on what the image holds."""
    sketch = Sketch()
    image = sketch.tensor("image", IMAGE)
    state = sketch.tensor("state", _STATE)
    mean = sketch.apply(
        "MEAN", [image, sketch.ints(1, 2)], Result((1, 3)), "ReducerOptions", {"keepDims": False}
    )
    total = sketch.apply("ADD", [mean, state], Result((1, 3)), "AddOptions")
    operands = [_operand(sketch, image, i, spec) for i, spec in enumerate(row.operands)]
    results = [
        sketch.tensor(f"result_{i}", result.shape, result.dtype, result.scales)
        for i, result in enumerate(row.results)
    ]
    sketch.operator(row.code, operands, results, row.kind, row.options, row.version)
    logits = total
    for index, result in zip(results, row.results, strict=True):
        logits = sketch.apply(
            "ADD", [logits, _as_number(sketch, index, result)], Result((1, 3)), "AddOptions"
        )
    inputs = {"image": image, "state": state}
    model = sketch.model(inputs, {"state": total, "logits": logits}, SIGNATURE_KEY)
    return with_manifest(model)


def with_manifest(model: Any) -> bytes:
    """The sealed file of a model, with the manifest of a sketch."""
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = METADATA_NAME, len(model.buffers)
    buffer.data = np.frombuffer(encode(_MANIFEST), np.uint8)
    model.buffers.append(buffer)
    model.metadata = [entry]
    return seal(write(model))


def _operand(sketch: Sketch, image: int, place: int, spec: Computed | Constant | None) -> int:
    if spec is None:
        return -1
    if isinstance(spec, Constant):
        return sketch.constant(f"constant_{place}", spec)
    value = image
    if spec.shape != IMAGE:
        mean = sketch.apply(
            "MEAN",
            [image, sketch.ints(0, 1, 2, 3)],
            Result((1, 1, 1, 1)),
            "ReducerOptions",
            {"keepDims": True},
        )
        one = sketch.apply("RESHAPE", [mean, sketch.ints(1)], Result((1,)))
        ramp = np.arange(1, 1 + np.prod(spec.shape, dtype=int), dtype=np.float32) / 8
        ramp_index = sketch.constant(f"ramp_{place}", Constant(ramp.reshape(spec.shape)))
        value = sketch.apply("MUL", [one, ramp_index], Result(spec.shape), "MulOptions")
    if spec.dtype == "float32":
        return value
    result = Result(spec.shape, spec.dtype, spec.scales)
    if spec.scales is not None:
        return sketch.apply("QUANTIZE", [value], result)
    if spec.dtype == "bool":
        half = sketch.constant(f"half_{place}", Constant(np.array([0.5], np.float32)))
        return sketch.apply("GREATER", [value, half], result)
    return sketch.apply("CAST", [value], result)


def _as_number(sketch: Sketch, index: int, result: Result) -> int:
    """(1, 1), the mean of a result."""
    value, shape = index, result.shape
    if result.scales is not None:
        value = sketch.apply("DEQUANTIZE", [value], Result(shape), version=2)
    elif result.dtype != "float32":
        value = sketch.apply("CAST", [value], Result(shape))
    size = int(np.prod(shape, dtype=int))
    flat = sketch.apply("RESHAPE", [value, sketch.ints(1, -1)], Result((1, size)))
    return sketch.apply(
        "MEAN", [flat, sketch.ints(1)], Result((1, 1)), "ReducerOptions", {"keepDims": True}
    )
