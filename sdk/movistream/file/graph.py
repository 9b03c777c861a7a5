"""What is inside a .tflite file, read without an engine and without trusting it.

:func:`read_model_file` goes over every table that an engine will follow, checks that tables,
vectors and indices stay inside the file and the graph, and that every operator fits its operands
(:mod:`.operator_rules`), so that a damaged or hostile file is an error message and not a crash
inside native code.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from movistream.errors import ModelError
from movistream.file.flatbuffer import Bytes, MalformedError, Values, read
from movistream.file.graph_limits import check_limits
from movistream.file.operator_rules import check_operators
from movistream.file.operators import FORMAT, OPTIONS_NAMES, STREAM_OPERATORS, operator_name
from movistream.file.tensors import OPTIONAL_TENSOR, Operator, Quantization, Tensor
from movistream.system.content import HEAD_BYTES, looks_like
from movistream.system.text import has_control_characters

__all__ = [
    "OPTIONAL_TENSOR",
    "Graph",
    "ModelFile",
    "Operator",
    "Quantization",
    "Signature",
    "Tensor",
    "UnsupportedError",
    "map_file",
    "read_model_file",
]

FILE_IDENTIFIER = b"TFL3"

_DTYPES: dict[int, tuple[str, float]] = {
    0: ("float32", 4),
    1: ("float16", 2),
    2: ("int32", 4),
    4: ("int64", 8),
    6: ("bool", 1),
    9: ("int8", 1),
    17: ("int4", 0.5),
}
"""By the schema's number of the type: those that operators of stream models take."""
_INTERFACE_DTYPES = ("float32", "int8", "int32")
"""Of inputs and outputs."""
_LARGEST_TENSOR_BYTES = 2**28
_SMALLEST_SCALE = 2.0**-126
"""XNNPACK refuses smaller ones while it builds a graph, and LiteRT does not survive that."""
_MOST_GRAPHS = 16
_MOST_OPERANDS = 1000
_LONGEST_NAME = 1000
_PLACEHOLDER_CODE = 127
"""In the old field of an operator's code, where the code does not fit."""


@dataclass(frozen=True)
class Graph:
    """One subgraph, operators in execution order."""

    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True)
class Signature:
    """Names for all inputs and outputs of a graph."""

    key: str
    graph: Graph
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclass(frozen=True)
class ModelFile:
    """A whole file.

    Attributes:
        graphs: each one's operators are of :data:`.operators.STREAM_OPERATORS`.
        signatures: by key.
        metadata: (position, length) in the file by name.
    """

    graphs: tuple[Graph, ...]
    signatures: Mapping[str, Signature]
    metadata: Mapping[str, tuple[int, int]]


class UnsupportedError(ModelError):
    """A file that is whole, and does what no stream model does."""


def map_file(path: Path) -> mmap.mmap:
    """Maps a model file into memory.

    Raises:
        ModelError: if it cannot be read or is empty.
    """
    if path.is_dir():
        raise ModelError(f"{path} is a folder, not a .tflite file")
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is a device or a pipe, not a .tflite file")
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise ModelError(f"{path} is empty") from None


def read_model_file(data: Bytes, name: str) -> ModelFile:
    """Reads and checks a whole file.

    Args:
        data: its bytes.
        name: for messages.

    Raises:
        ModelError: if it is not a .tflite file, or is damaged.
    """
    if len(data) < 16 or bytes(data[4:8]) != FILE_IDENTIFIER:
        kind = looks_like(bytes(data[:HEAD_BYTES]))
        raise ModelError(f"{name} is not a .tflite file{f', but {kind}' if kind else ''}")
    try:
        return _read(data)
    except UnsupportedError as error:
        raise ModelError(f"{name} cannot be run: {error}") from None
    except MalformedError as error:
        raise ModelError(f"{name} is damaged or cut off: {error}") from None


def _read(data: Bytes) -> ModelFile:
    model = read(data, FORMAT.tables, OPTIONS_NAMES, "Model")
    buffers = [_buffer_span(data, values) for values in model["buffers"]]
    codes = [(_operator_code(values), values["version"]) for values in model["operator_codes"]]
    if not 1 <= len(model["subgraphs"]) <= _MOST_GRAPHS:
        raise MalformedError(f"it holds {len(model['subgraphs'])} graphs")
    graphs = tuple(_read_graph(values, codes, buffers, data) for values in model["subgraphs"])
    signatures: dict[str, Signature] = {}
    for values in model["signature_defs"]:
        signature = _read_signature(values, graphs)
        if signature.key in signatures:
            raise MalformedError(f"it has two signatures {signature.key!r}")
        signatures[signature.key] = signature
    named = {id(signature.graph) for signature in signatures.values()}
    if len(graphs) > 1 and any(id(graph) not in named for graph in graphs):
        raise MalformedError("it holds a graph that no signature names")
    metadata = {
        _name(values["name"]): buffers[_index(values["buffer"], len(buffers), "metadata buffer")]
        for values in model["metadata"]
    }
    for buffer in model["metadata_buffer"]:
        _index(buffer, len(buffers), "metadata buffer")
    return ModelFile(graphs, signatures, metadata)


def _buffer_span(data: Bytes, values: Values) -> tuple[int, int]:
    """(position, length): in a vector, or in files of over 2 GB behind the tables."""
    offset, size = values["offset"], values["size"]
    if offset <= 1:
        inside: tuple[int, int] = values["data"]
        return inside
    if offset + size > len(data) or values["data"][1]:
        raise MalformedError("a buffer lies outside the file, or in two places")
    return offset, size


def _operator_code(values: Values) -> int:
    old, new = values["deprecated_builtin_code"], values["builtin_code"]
    if new and old != min(new, _PLACEHOLDER_CODE):
        raise MalformedError(f"an operator has two codes, {old} and {new}")
    return int(max(old, new))


def _read_graph(
    values: Values, codes: list[tuple[int, int]], buffers: list[tuple[int, int]], data: Bytes
) -> Graph:
    tensors = tuple(
        _read_tensor(index, tensor, buffers) for index, tensor in enumerate(values["tensors"])
    )
    inputs, outputs = values["inputs"], values["outputs"]
    operators = tuple(_read_operator(entry, codes) for entry in values["operators"])
    _check_order(tensors, inputs, outputs, operators)
    check_operators(tensors, operators, data)
    check_limits(tensors, inputs, outputs, operators)
    return Graph(tensors, inputs, outputs, operators)


def _read_operator(values: Values, codes: list[tuple[int, int]]) -> Operator:
    code, version = codes[_index(values["opcode_index"], len(codes), "operator code")]
    name = operator_name(code)
    if name not in STREAM_OPERATORS:
        raise UnsupportedError(f"it uses the operator {name}, which stream models do not need")
    options_name = FORMAT.operators[name].options
    if values["builtin_options_type"] in OPTIONS_NAMES and values["builtin_options"] is None:
        raise MalformedError(f"the options of an operator ({name}) are missing")
    return Operator(
        name=name,
        inputs=values["inputs"],
        outputs=values["outputs"],
        version=version,
        options=values["builtin_options"] or _DEFAULT_OPTIONS.get(options_name or "", {}),
        options_type=values["builtin_options_type"],
    )


_DEFAULT_OPTIONS = {
    name: {field.name: field.empty() for field in FORMAT.tables[name]} for name in FORMAT.options
}


def _check_order(
    tensors: tuple[Tensor, ...],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    operators: tuple[Operator, ...],
) -> None:
    """Checks that every tensor is given a value once, before it is read."""
    _check_indices(inputs, len(tensors))
    _check_indices(outputs, len(tensors))
    if len(set(inputs)) != len(inputs) or len(set(outputs)) != len(outputs):
        raise MalformedError("it names an input or an output twice")
    constants = {tensor.index for tensor in tensors if tensor.constant}
    for index in (*inputs, *outputs):
        if index in constants:
            raise MalformedError(
                f"tensor {tensors[index].name!r} is an input or output, and a constant"
            )
        if tensors[index].dtype not in _INTERFACE_DTYPES:
            raise UnsupportedError(
                f"tensor {tensors[index].name!r} is an input or output of {tensors[index].dtype}"
            )
    ready = constants | set(inputs)
    for position, operator in enumerate(operators):
        where = f"operator {position} ({operator.name})"
        _check_indices(operator.inputs, len(tensors), lowest=OPTIONAL_TENSOR)
        _check_indices(operator.outputs, len(tensors))
        if missing := set(operator.inputs) - ready - {OPTIONAL_TENSOR}:
            raise MalformedError(f"{where} reads tensor {min(missing)} before it exists")
        for index in operator.outputs:
            if index in constants:
                raise MalformedError(f"{where} writes to a constant")
            if index in ready:
                raise MalformedError(f"{where} writes tensor {index}, which has a value already")
            ready.add(index)
    if not inputs or not outputs or not operators:
        raise MalformedError("its graph takes nothing, or computes nothing")
    unpacked = {
        index
        for operator in operators
        if operator.name == "DEQUANTIZE" and constants.issuperset(operator.inputs)
        for index in operator.outputs
    }
    if not unpacked.isdisjoint(outputs):
        raise MalformedError("a graph output is a constant, dequantised")
    if not set(outputs) <= ready:
        raise MalformedError("a graph output is never computed")


def _check_indices(indices: tuple[int, ...], count: int, *, lowest: int = 0) -> None:
    if len(indices) > _MOST_OPERANDS:
        raise MalformedError(f"a list of {len(indices)} tensors is longer than any stream model's")
    if indices and (min(indices) < lowest or max(indices) >= count):
        raise MalformedError(f"a tensor index is outside the graph's {count}")


def _read_tensor(index: int, values: Values, buffers: list[tuple[int, int]]) -> Tensor:
    name, shape = _name(values["name"]), values["shape"]
    signature = values["shape_signature"]
    if signature and (
        len(signature) != len(shape)
        or any(told not in (-1, size) for told, size in zip(signature, shape, strict=True))
    ):
        raise MalformedError(f"tensor {name!r} has two shapes that differ")
    kind = values["type"]
    if kind not in _DTYPES:
        raise MalformedError(f"tensor {name!r} has a type that stream models do not have")
    dtype, item_bytes = _DTYPES[kind]
    size = math.ceil(math.prod(shape) * item_bytes)
    if size > _LARGEST_TENSOR_BYTES:
        raise MalformedError(f"tensor {name!r} would take {size} bytes")
    start, stored = buffers[_index(values["buffer"], len(buffers), "buffer")]
    if stored and stored != size:
        raise MalformedError(f"tensor {name!r} needs {size} bytes and its buffer holds {stored}")
    if values["is_variable"]:
        raise UnsupportedError(f"tensor {name!r} is a variable: its state cannot be reset or saved")
    quantization = _read_quantization(values["quantization"], name, shape)
    return Tensor(index, name, shape, dtype, size, start if stored else None, quantization)


def _read_quantization(
    values: Values | None, name: str, shape: tuple[int, ...]
) -> Quantization | None:
    if values is None or not len(values["scale"]):
        return None
    scales, zero_points = values["scale"], values["zero_point"]
    axis = values["quantized_dimension"]
    if (
        (len(scales) > 1 and not (axis < len(shape) and shape[axis] == len(scales)))
        or len(zero_points) != len(scales)
        # A sum is no number if one of them is none.
        or not (min(scales) >= _SMALLEST_SCALE and sum(scales) < math.inf)
        or not (min(zero_points) >= -(2**31) and max(zero_points) < 2**31)
    ):
        raise MalformedError(f"tensor {name!r} has quantisation that does not fit its shape")
    return Quantization(
        scale=scales[0],
        largest_scale=max(scales),
        zero_point=zero_points[0],
        channels=len(scales),
        parameters=scales.tobytes() + zero_points.tobytes(),
        axis=axis,
        symmetric=not any(zero_points),
    )


def _read_signature(values: Values, graphs: tuple[Graph, ...]) -> Signature:
    key = _name(values["signature_key"])
    graph = graphs[_index(values["subgraph_index"], len(graphs), "signature graph")]
    named: list[dict[str, Tensor]] = []
    for side, all_of in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        tensors: dict[str, Tensor] = {}
        for entry in values[side]:
            index = _index(entry["tensor_index"], len(graph.tensors), "signature tensor")
            tensors[_name(entry["name"])] = graph.tensors[index]
        if sorted(tensor.index for tensor in tensors.values()) != sorted(all_of):
            raise MalformedError(f"the signature {key!r} does not name each tensor once")
        named.append(tensors)
    return Signature(key, graph, *named)


def _name(name: str | None) -> str:
    """A string that may appear in a message or on a command line."""
    if name is None:
        raise MalformedError("a name is missing")
    if len(name) > _LONGEST_NAME or has_control_characters(name):
        raise MalformedError(f"the name {name[:40]!r} is too long or no text")
    return name


def _index(index: int, count: int, what: str) -> int:
    if not 0 <= index < count:
        raise MalformedError(f"{what} {index} does not exist; there are {count}")
    return index
