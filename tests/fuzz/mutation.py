"""What a mutation is, and the values that hostile files are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.fuzz.tree import FileTree

Edit = Callable[[FileTree, Random], None]
T = TypeVar("T")

INT32 = (0, -1, 1, 2, -2, 3, 5, 7, 127, 128, 255, 256, 1000, 65_536, 2**20, 2**28, 2**30, 2**31 - 1)
"""Whole numbers that programs are rarely written for; each is tried negative too."""
FLOATS = (0.0, -0.0, -1.0, 1e-38, 1e-45, 1e38, 3.4e38, math.inf, -math.inf, math.nan, 1e-10, 1e10)
SIZES = (0, -1, 1, 2, 3, 5, 1024, 65_536, 2**20, 2**24, 2**28, 2**31 - 1, -(2**31))
ITEM_BYTES = {
    schema.TensorType.FLOAT32: 4,
    schema.TensorType.FLOAT16: 2,
    schema.TensorType.INT32: 4,
    schema.TensorType.UINT8: 1,
    schema.TensorType.INT64: 8,
    schema.TensorType.BOOL: 1,
    schema.TensorType.INT16: 2,
    schema.TensorType.INT8: 1,
    schema.TensorType.INT4: 0.5,
    schema.TensorType.FLOAT64: 8,
    schema.TensorType.UINT32: 4,
    schema.TensorType.UINT16: 2,
}
TYPES = (*ITEM_BYTES, schema.TensorType.STRING, schema.TensorType.COMPLEX64)
TYPES += (schema.TensorType.RESOURCE, schema.TensorType.VARIANT, 18, 19, 20, 50, 127)
CODES = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
}
_LARGEST_BUFFER = 1 << 16


class NotApplicableError(Exception):
    """A mutation that finds nothing to change in this file."""


@dataclass(frozen=True)
class Mutation:
    """One named way to spoil a file.

    Attributes:
        loud: simple checks see it at once, so that others beside it would stay untried.
    """

    name: str
    edit: Edit
    loud: bool


MUTATIONS: dict[str, Mutation] = {}
"""By name, in the order of their modules."""


def mutation(name: str, *, loud: bool = False) -> Callable[[Edit], Edit]:
    """Registers an edit under a name."""

    def register(edit: Edit) -> Edit:
        assert name not in MUTATIONS, name
        MUTATIONS[name] = Mutation(name, edit, loud)
        return edit

    return register


def one_of(random: Random, items: Sequence[T]) -> T:
    """One of several things.

    Raises:
        NotApplicableError: if there is none.
    """
    if items is None or not len(items):
        raise NotApplicableError
    return items[random.randrange(len(items))]


def number(random: Random) -> int:
    """A 32-bit number that is odd in some way."""
    value = random.choice(INT32)
    return -value if random.random() < 0.3 else value


def graph(tree: FileTree, random: Random) -> Any:
    """Mostly the first graph."""
    graphs = [graph for graph in tree.model.subgraphs or () if graph is not None]
    if not graphs:
        raise NotApplicableError
    return graphs[0] if random.random() < 0.9 else random.choice(graphs)


def operator(tree: FileTree, random: Random) -> Any:
    """One operator; rare kinds as often as frequent ones."""
    return one_of(random, operators_by_kind(graph(tree, random), random))


def operators_by_kind(graph: Any, random: Random) -> list[Any]:
    """All operators of one kind."""
    kinds = sorted({operator.opcodeIndex for operator in graph.operators or ()})
    kind = one_of(random, kinds)
    return [operator for operator in graph.operators if operator.opcodeIndex == kind]


def tensor(tree: FileTree, random: Random) -> Any:
    """One tensor that some operator reads or writes, mostly."""
    chosen = graph(tree, random)
    if random.random() < 0.1:
        return one_of(random, chosen.tensors)
    used = one_of(random, operators_by_kind(chosen, random))
    indices = [*ints(used.inputs), *ints(used.outputs)]
    indices = [index for index in indices if 0 <= index < len(chosen.tensors)]
    return chosen.tensors[one_of(random, indices)]


def constants(tree: FileTree, graph: Any) -> list[Any]:
    """Tensors that the file holds the values of."""
    return [tensor for tensor in graph.tensors or () if content(tree, tensor)]


def content(tree: FileTree, tensor: Any) -> bytes:
    """A tensor's stored bytes; empty if it has none."""
    buffers = tree.model.buffers or ()
    if not 0 <= tensor.buffer < len(buffers):
        return b""
    data = buffers[tensor.buffer].data
    return b"" if data is None else np.asarray(data, np.uint8).tobytes()


def store(tree: FileTree, tensor: Any, data: bytes) -> None:
    """Gives a tensor a buffer of its own."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    tree.model.buffers.append(buffer)
    tensor.buffer = len(tree.model.buffers) - 1


def fit(tree: FileTree, tensor: Any) -> None:
    """Makes a constant's bytes as many as its shape and type ask for, so that sizes agree."""
    old = content(tree, tensor)
    shape = ints(tensor.shape)
    if not old or any(size < 0 for size in shape) or tensor.type not in ITEM_BYTES:
        return
    size = math.ceil(math.prod(shape) * ITEM_BYTES[tensor.type])
    if size <= _LARGEST_BUFFER:
        store(tree, tensor, (old * (size // len(old) + 1))[:size])
    _fit_scales(tensor, shape)


def _fit_scales(tensor: Any, shape: list[int]) -> None:
    """Makes scales per channel as many as the tensor has channels now."""
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) < 2:
        return
    axis = quantization.quantizedDimension
    if 0 <= axis < len(shape) and 0 < shape[axis] <= _LARGEST_BUFFER:
        count = shape[axis]
        scales = [float(scale) for scale in quantization.scale]
        quantization.scale = (scales * (count // len(scales) + 1))[:count]
        quantization.zeroPoint = [0] * count


def ints(values: Any) -> list[int]:
    """A vector of the schema's, which may be absent, as a list."""
    return [] if values is None else [int(value) for value in values]


def new_tensor(graph: Any, like: Any) -> int:
    """Adds a tensor with the shape and type of another, not yet computed by anything."""
    tensor = schema.TensorT()
    tensor.name = f"new_{len(graph.tensors)}"
    tensor.shape, tensor.type, tensor.hasRank = ints(like.shape), like.type, True
    tensor.quantization, tensor.buffer = like.quantization, 0
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def code_index(tree: FileTree, builtin: int, version: int = 1) -> int:
    """The place of an operator code, which is added if need be."""
    codes = tree.model.operatorCodes
    for index, code in enumerate(codes):
        if (code.builtinCode, code.version) == (builtin, version):
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
    code.version = version
    codes.append(code)
    return len(codes) - 1
