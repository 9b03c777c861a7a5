"""What is inside a .tflite file, read without an engine and without trusting it.

:func:`read_model_file` goes over every table that an engine will follow and checks that tables,
vectors and indices stay inside the file and the graph, so that a damaged file is an error message
and not a crash inside native code.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from movistream.errors import ModelError
from movistream.flatbuffer import Bytes, MalformedError, Table, root_table
from movistream.operators import STREAM_OPERATORS, operator_name
from movistream.text import has_control_characters

FILE_IDENTIFIER = b"TFL3"
OPTIONAL_TENSOR = -1

_DTYPES: dict[int, tuple[str, float]] = {
    0: ("float32", 4),
    1: ("float16", 2),
    2: ("int32", 4),
    3: ("uint8", 1),
    4: ("int64", 8),
    5: ("string", 0),
    6: ("bool", 1),
    7: ("int16", 2),
    8: ("complex64", 8),
    9: ("int8", 1),
    10: ("float64", 8),
    11: ("complex128", 16),
    12: ("uint64", 8),
    13: ("resource", 0),
    14: ("variant", 0),
    15: ("uint32", 4),
    16: ("uint16", 2),
    17: ("int4", 0.5),
    18: ("bfloat16", 2),
}
_LARGEST_TENSOR_BYTES = 2**28
_LARGEST_GRAPH_BYTES = 2**31
_MOST_GRAPHS = 16
_LONGEST_NAME = 1000
_LARGEST_RANK = 8
_RESHAPE_OPTIONS, _SQUEEZE_OPTIONS = 17, 30


@dataclass(frozen=True)
class Quantization:
    """value = (stored − zero_point) · scale, per tensor or along one axis.

    Attributes:
        scale: of the first channel.
        zero_point: of the first channel.
        channels: 1 if the whole tensor shares its scale.
        parameters: all scales and zero points as the file holds them; Python numbers would take
            more memory than the rest of a loaded file's description.
        axis: of the channels.
    """

    scale: float
    zero_point: int
    channels: int
    parameters: bytes
    axis: int


@dataclass(frozen=True)
class Tensor:
    """One tensor of a graph; ``bytes`` is its size, ``constant`` whether the file holds it."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    constant: bool
    quantization: Quantization | None


@dataclass(frozen=True)
class Operator:
    """One operator: its name, and the indices of the tensors that it reads and writes."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    version: int


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
        raise ModelError(f"{name} is not a .tflite file")
    try:
        return _read(data)
    except UnsupportedError as error:
        raise ModelError(f"{name} cannot be run: {error}") from None
    except MalformedError as error:
        raise ModelError(f"{name} is damaged or cut off: {error}") from None


def _read(data: Bytes) -> ModelFile:
    model = root_table(data)
    buffers = [_buffer_span(data, table) for table in model.tables(4)]
    codes = [
        (max(table.scalar(0, "b"), table.scalar(3, "i")), table.scalar(2, "i", 1))
        for table in model.tables(1)
    ]
    graph_tables = model.tables(2)
    if not 1 <= len(graph_tables) <= _MOST_GRAPHS:
        raise MalformedError(f"it holds {len(graph_tables)} graphs")
    graphs = tuple(_read_graph(table, codes, buffers) for table in graph_tables)
    signatures: dict[str, Signature] = {}
    for table in model.tables(7):
        signature = _read_signature(table, graphs)
        if signature.key in signatures:
            raise MalformedError(f"it has two signatures {signature.key!r}")
        signatures[signature.key] = signature
    metadata = {
        _name(table, 0): buffers[_index(table.scalar(1, "I"), len(buffers), "metadata buffer")]
        for table in model.tables(6)
    }
    return ModelFile(graphs, signatures, metadata)


def _buffer_span(data: Bytes, table: Table) -> tuple[int, int]:
    offset, size = table.scalar(1, "Q"), table.scalar(2, "Q")
    if offset <= 1:
        return table.span(0)
    if offset + size > len(data):
        raise MalformedError("a buffer lies outside the file")
    return offset, size


def _read_graph(
    table: Table, codes: list[tuple[int, int]], buffers: list[tuple[int, int]]
) -> Graph:
    tensors = tuple(
        _read_tensor(index, tensor, buffers) for index, tensor in enumerate(table.tables(0))
    )
    if sum(tensor.bytes for tensor in tensors) > _LARGEST_GRAPH_BYTES:
        raise MalformedError("its tensors are larger than any stream model's")
    inputs = _indices(table, 1, len(tensors))
    outputs = _indices(table, 2, len(tensors))
    ready = {index for index, tensor in enumerate(tensors) if tensor.constant} | set(inputs)
    ready.add(OPTIONAL_TENSOR)
    operators: list[Operator] = []
    for entry in table.tables(3):
        code, version = codes[_index(entry.scalar(0, "I"), len(codes), "operator code")]
        name = operator_name(code)
        if name not in STREAM_OPERATORS:
            raise UnsupportedError(f"it uses the operator {name}, which stream models do not need")
        operator = Operator(
            name=name,
            inputs=_indices(entry, 1, len(tensors), optional=True),
            outputs=_indices(entry, 2, len(tensors)),
            version=version,
        )
        _check_operator(entry, len(tensors))
        if missing := set(operator.inputs) - ready:
            raise MalformedError(
                f"operator {len(operators)} ({name}) reads tensor {min(missing)} before it exists"
            )
        if any(tensors[index].constant for index in operator.outputs):
            raise MalformedError(f"operator {len(operators)} ({name}) writes to a constant")
        ready |= set(operator.outputs)
        operators.append(operator)
    if not set(outputs) <= ready:
        raise MalformedError("a graph output is never computed")
    return Graph(tensors, inputs, outputs, tuple(operators))


def _check_operator(entry: Table, tensor_count: int) -> None:
    """Follows what else an engine follows in an operator."""
    options = entry.table(4)
    if options is not None and entry.scalar(3, "B") in (_RESHAPE_OPTIONS, _SQUEEZE_OPTIONS):
        options.numbers(0, "i4")
    entry.span(5)
    entry.span(7)
    _indices(entry, 8, tensor_count)
    entry.table(12)


def _read_tensor(index: int, table: Table, buffers: list[tuple[int, int]]) -> Tensor:
    name = _name(table, 3)
    shape = tuple(int(size) for size in table.numbers(0, "i4"))
    if len(shape) > _LARGEST_RANK or any(size < 0 for size in shape):
        raise MalformedError(f"tensor {name!r} has an impossible shape")
    signature = table.numbers(7, "i4")
    if len(signature) not in (0, len(shape)):
        raise MalformedError(f"tensor {name!r} has two shapes of different rank")
    kind = table.scalar(1, "b")
    if kind not in _DTYPES:
        raise MalformedError(f"tensor {name!r} has the unknown type {kind}")
    dtype, item_bytes = _DTYPES[kind]
    size = math.ceil(math.prod(shape) * item_bytes)
    if size > _LARGEST_TENSOR_BYTES:
        raise MalformedError(f"tensor {name!r} would take {size} bytes")
    _, stored = buffers[_index(table.scalar(2, "I"), len(buffers), "buffer")]
    if stored and item_bytes and stored != size:
        raise MalformedError(f"tensor {name!r} needs {size} bytes and its buffer holds {stored}")
    if table.has(6):
        raise MalformedError(f"tensor {name!r} is sparse, which stream models never are")
    if table.scalar(5, "?", False):
        raise UnsupportedError(f"tensor {name!r} is a variable: its state cannot be reset or saved")
    quantization = _read_quantization(table.table(4), name, shape)
    return Tensor(index, name, shape, dtype, size, stored > 0, quantization)


def _read_quantization(
    table: Table | None, name: str, shape: tuple[int, ...]
) -> Quantization | None:
    if table is None:
        return None
    table.numbers(0, "f4")
    table.numbers(1, "f4")
    scales, zero_points = table.numbers(2, "f4"), table.numbers(3, "i8")
    if not len(scales):
        return None
    axis = table.scalar(6, "i")
    per_channel = len(scales) > 1
    if (
        (per_channel and not (0 <= axis < len(shape) and shape[axis] == len(scales)))
        or len(zero_points) not in (0, 1, len(scales))
        or not (np.isfinite(scales) & (scales >= 0)).all()
        or not ((zero_points < 2**31) & (zero_points > -(2**31))).all()
    ):
        raise MalformedError(f"tensor {name!r} has quantisation that does not fit its shape")
    return Quantization(
        scale=float(scales[0]),
        zero_point=int(zero_points[0]) if len(zero_points) else 0,
        channels=len(scales),
        parameters=scales.tobytes() + zero_points.tobytes(),
        axis=axis,
    )


def _read_signature(table: Table, graphs: tuple[Graph, ...]) -> Signature:
    key = _name(table, 2)
    graph = graphs[_index(table.scalar(4, "I"), len(graphs), "signature graph")]
    named: list[dict[str, Tensor]] = []
    for field, all_of in ((0, graph.inputs), (1, graph.outputs)):
        tensors: dict[str, Tensor] = {}
        for entry in table.tables(field):
            index = _index(entry.scalar(1, "I"), len(graph.tensors), "signature tensor")
            tensors[_name(entry, 0)] = graph.tensors[index]
        if sorted(tensor.index for tensor in tensors.values()) != sorted(set(all_of)):
            raise MalformedError(f"the signature {key!r} does not name each tensor once")
        if any(0 in tensor.shape for tensor in tensors.values()):
            raise MalformedError(f"the signature {key!r} names a tensor without elements")
        named.append(tensors)
    return Signature(key, graph, *named)


def _name(table: Table, field: int) -> str:
    """A string that may appear in a message or on a command line."""
    name = table.text(field)
    if len(name) > _LONGEST_NAME or has_control_characters(name):
        raise MalformedError(f"the name {name[:40]!r} is too long or no text")
    return name


def _indices(table: Table, field: int, count: int, *, optional: bool = False) -> tuple[int, ...]:
    lowest = OPTIONAL_TENSOR if optional else 0
    indices = tuple(int(index) for index in table.numbers(field, "i4"))
    if any(not lowest <= index < count for index in indices):
        raise MalformedError(f"a tensor index is outside the graph's {count}")
    return indices


def _index(index: int, count: int, what: str) -> int:
    if not 0 <= index < count:
        raise MalformedError(f"{what} {index} does not exist; there are {count}")
    return index
