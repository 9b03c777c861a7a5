"""The smallest graphs of one operator each, for every operator and every combination of types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from movistream.file.operators import FORMAT
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder, TensorRef

# Shapes of the operands; numbers in place of a shape are the values of a constant.
Operand = tuple[int, ...] | list[Any]
_X = (1, 4, 6, 4)
_WINDOWS = {"stride_w": 2, "stride_h": 1}
_CASES: dict[str, tuple[list[Operand], dict[str, Any], list[tuple[int, ...]]]] = {
    "same": ([_X], {}, [_X]),
    "broadcast": ([_X, (6, 1)], {}, [_X]),
    "prelu": ([_X, (1, 1, 4)], {}, [_X]),
    "conv_2d": ([_X, (8, 3, 3, 4), (8,)], _WINDOWS, [(1, 4, 3, 8)]),
    "depthwise_conv_2d": (
        [_X, (1, 3, 3, 8), (8,)],
        {**_WINDOWS, "depth_multiplier": 2},
        [(1, 4, 3, 8)],
    ),
    "pool_2d": ([_X], {**_WINDOWS, "filter_width": 3, "filter_height": 2}, [(1, 4, 3, 4)]),
    "fully_connected": ([(2, 6), (4, 6), (4,)], {}, [(2, 4)]),
    "batch_matmul": ([(2, 3, 4), (2, 4, 5)], {}, [(2, 3, 5)]),
    "concatenation": ([_X, (1, 4, 6, 3)], {"axis": -1}, [(1, 4, 6, 7)]),
    "reduce": ([_X, [1, 2]], {}, [(1, 4)]),
    "reshape": ([_X, [1, -1, 8]], {}, [(1, 12, 8)]),
    "squeeze": ([_X], {"squeeze_dims": [0]}, [_X[1:]]),
    "expand_dims": ([_X[1:], [0]], {}, [_X]),
    "transpose": ([_X, [0, 3, 1, 2]], {}, [(1, 4, 4, 6)]),
    "slice": ([_X, [0, 1, 0, 0], [1, 2, -1, 4]], {}, [(1, 2, 6, 4)]),
    "strided_slice": (
        [_X, [0, 1, 1], [0, 0, 6], [1, 1, 2]],
        {"begin_mask": 1, "end_mask": 3},
        [(1, 3, 3, 4)],
    ),
    "split": ([[3], _X], {"num_splits": 2}, [(1, 4, 6, 2)] * 2),
    "pack": ([(4, 6), (4, 6)], {"axis": 1, "values_count": 2}, [(4, 2, 6)]),
    "unpack": ([(4, 2, 6)], {"axis": 1, "num": 2}, [(4, 6)] * 2),
    "gather": ([_X, [3, 1, 1]], {"axis": 3}, [(1, 4, 6, 3)]),
    "pad": ([_X, [[0, 0], [1, 2], [0, 1], [0, 0]]], {}, [(1, 7, 7, 4)]),
    "tile": ([_X, [1, 2, 1, 3]], {}, [(1, 8, 6, 12)]),
    "broadcast_to": ([(4, 1), [2, 4, 6]], {}, [(2, 4, 6)]),
    "range": ([[3], [8], [2]], {}, [(3,)]),
}
_VERSIONS = {"BROADCAST_TO": 2}
_FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
_DEQUANTIZED = {"float16", "int4"}


def samples() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every operator with every combination of types."""
    for name, rules in FORMAT.operators.items():
        for types in rules.types:
            yield name, types


def sample(name: str, types: tuple[str, ...]) -> bytes:
    """A file whose graph is one operator."""
    rules = FORMAT.operators[name]
    operands, options, results = _CASES[rules.shape]
    if name == "SELECT_V2":
        operands = [_X, (6, 1), (1,)]
    graph = GraphBuilder()
    *given, result = types
    if rules.operands[0].repeated:
        given = given * len(operands)
    quantization = _FIXED.get(name, (0.05, 3))
    inputs = [
        _operand(graph, f"operand{number}", shape, dtype, _is_constant(name, number))
        for number, (shape, dtype) in enumerate(zip(operands, given, strict=True))
    ]
    outputs = []
    for number, shape in enumerate(results):
        output = graph.operator(
            name,
            inputs,
            f"result{number}",
            shape,
            _options(name, options),
            version=_VERSIONS.get(name, 1),
        )
        tensor = graph._tensors[output.index]
        tensor.type = _tensor_type(result)
        if result == "int8":
            _quantize(tensor, [quantization[0]], [quantization[1]])
        outputs.append(output)
    # The builder gives each operator one result.
    first = len(graph._operators) - len(outputs)
    del graph._operators[first + 1 :]
    graph._operators[first].outputs = [output.index for output in outputs]
    for output in outputs:
        if given[0] == "float16":
            # A constant may not come out as it is.
            name, first = f"sum{output.index}", graph.input("other", output.shape)
            output = op.add(graph, first, output, name)
        graph.output(f"result{output.index}", _as_output(graph, output))
    # A graph without inputs is none; one that only holds constants would be.
    graph.output("image", graph.operator("NEG", (graph.input("frame", (1, 2)),), "image", (1, 2)))
    return graph.pack("serving_default", {})


def _is_constant(name: str, number: int) -> bool:
    operands = FORMAT.operators[name].operands
    return operands[min(number, len(operands) - 1)].constant


def _operand(
    graph: GraphBuilder, name: str, shape: Operand, type_: str, constant: bool
) -> TensorRef:
    dtype, is_weight, axis = type_.partition("[")
    if isinstance(shape, list) and (dtype in ("int32", "int64") and not is_weight):
        values = np.array(shape if len(shape) > 1 else shape[0], dtype)
        reference = graph._tensor(name, values.shape, "int32", graph._buffer(values.tobytes()))
        graph._tensors[reference.index].type = _tensor_type(dtype)
        return reference
    assert isinstance(shape, tuple)
    if dtype == "bool":
        return _as(graph, graph.input(name, shape, "int32"), "EQUAL", dtype)
    if dtype == "int64":
        return _as(graph, graph.input(name, shape, "int32"), "CAST", dtype)
    if not constant and dtype not in _DEQUANTIZED:
        reference = graph.input(name, shape)
    else:
        size = int(np.prod(shape)) * _item_bytes(dtype)
        data = np.random.default_rng(0).integers(0, 60, int(size), np.uint8).tobytes()
        if dtype == "float32":
            data = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).tobytes()
        reference = graph._tensor(name, shape, "float32", graph._buffer(data))
    tensor = graph._tensors[reference.index]
    tensor.type = _tensor_type(dtype)
    if is_weight:
        channels = shape[int(axis[0])]
        _quantize(tensor, [0.01 + 0.001 * i for i in range(channels)], [0] * channels, int(axis[0]))
    elif dtype == "int8":
        _quantize(tensor, [0.05], [3])
    return reference


def _as_output(graph: GraphBuilder, tensor: TensorRef) -> TensorRef:
    """The same as a type that outputs may have."""
    of_type = {_tensor_type("bool"): "float32", _tensor_type("int64"): "int32"}
    dtype = of_type.get(graph._tensors[tensor.index].type)
    return tensor if dtype is None else _as(graph, tensor, "CAST", dtype)


def _as(graph: GraphBuilder, tensor: TensorRef, code: str, dtype: str) -> TensorRef:
    operands = (tensor, tensor) if code == "EQUAL" else (tensor,)
    result = graph.operator(code, operands, f"{code}{tensor.index}", tensor.shape)
    graph._tensors[result.index].type = _tensor_type(dtype)
    return result


def _tensor_type(dtype: str) -> int:
    return int(getattr(schema.TensorType, dtype.upper()))


def _item_bytes(dtype: str) -> float:
    return 0.5 if dtype == "int4" else np.dtype(dtype).itemsize


def _quantize(tensor: Any, scales: list[float], zero_points: list[int], axis: int = 0) -> None:
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = np.array(scales, np.float32)
    tensor.quantization.zeroPoint = np.array(zero_points, np.int64)
    tensor.quantization.quantizedDimension = axis


def _options(name: str, values: dict[str, Any]) -> Any:
    table = FORMAT.operators[name].options
    if table is None:
        return None
    options = getattr(schema, f"{table}T")()
    for key, value in values.items():
        first, *rest = key.split("_")
        attribute = first + "".join(word.capitalize() for word in rest)
        if hasattr(options, attribute):
            setattr(options, attribute, value)
    if name == "SOFTMAX":
        options.beta = 1.0
    return options
