"""Shapes, types, names and buffers of tensors."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.fuzz.mutation import (
    FLOATS,
    INT32,
    ITEM_BYTES,
    SIZES,
    TYPES,
    NotApplicableError,
    constants,
    content,
    fit,
    graph,
    ints,
    mutation,
    number,
    one_of,
    store,
    tensor,
)
from tests.fuzz.tree import FileTree

FLOAT32, INT8 = schema.TensorType.FLOAT32, schema.TensorType.INT8


def _constant(tree: FileTree, random: Random) -> Any:
    return one_of(random, constants(tree, graph(tree, random)))


def _reshaped(random: Random, shape: list[int]) -> list[int]:
    """Another shape, in one of the ways that shapes go wrong."""
    kind = random.randrange(9)
    place = random.randrange(len(shape)) if shape else 0
    if kind == 0 and shape:
        shape[place] = random.choice(SIZES)
    elif kind == 1 and shape:
        shape[place] += random.choice((-1, 1))
    elif kind == 2 and shape:
        shape[place] *= 2
    elif kind == 3:
        random.shuffle(shape)
    elif kind == 4:
        shape.insert(place, random.choice((1, 1, 2, 0)))
    elif kind == 5 and shape:
        del shape[place]
    elif kind == 6:
        shape = [int(np.prod(shape, dtype=np.int64)) % 2**31] if shape else [1, 1]
    elif kind == 7:
        shape = random.choice(([], [1], [0], [1] * 6, [1] * 9, [2] * 31, [65536, 65536, 65536]))
    else:
        shape = [random.choice(SIZES) for _ in shape]
    return shape


@mutation("shape")
def _shape(tree: FileTree, random: Random) -> None:
    found = tensor(tree, random)
    found.shape = _reshaped(random, ints(found.shape))


@mutation("shape-with-content")
def _shape_fitted(tree: FileTree, random: Random) -> None:
    """A constant of another shape, with as many bytes as that takes."""
    found = _constant(tree, random)
    found.shape = _reshaped(random, ints(found.shape))
    fit(tree, found)


@mutation("size-everywhere")
def _size_everywhere(tree: FileTree, random: Random) -> None:
    """One size, of channels say, becomes another in all shapes and in the manifest."""
    found = graph(tree, random)
    sizes = sorted({size for t in found.tensors for size in ints(t.shape) if size > 1})
    old = one_of(random, sizes)
    new = random.choice((0, 1, 2, old - 1, old + 1, old * 2, 1000, 65_536, 2**20))
    for each in found.tensors:
        each.shape = [new if size == old else size for size in ints(each.shape)]
        fit(tree, each)
    if isinstance(tree.manifest, dict):
        described = [tree.manifest["input"], *tree.manifest["states"]]
        for entry in described:
            entry["shape"] = [new if size == old else size for size in entry["shape"]]
        if tree.manifest["logits"]["classes"] == old:
            tree.manifest["logits"]["classes"] = new
            tree.manifest["labels"] = []


@mutation("state-shape-everywhere")
def _state_shape(tree: FileTree, random: Random) -> None:
    """A state of another shape, as the manifest, its input and its output agree."""
    state, tensors = _state(tree, random)
    shape = _reshaped(random, list(state["shape"]))
    state["shape"] = shape
    for found in tensors:
        found.shape = shape


@mutation("state-type-everywhere")
def _state_type(tree: FileTree, random: Random) -> None:
    state, tensors = _state(tree, random)
    name = random.choice(("float32", "float16", "int8", "uint8", "int16", "int32", "int64"))
    state["dtype"] = name
    for found in tensors:
        found.type = getattr(schema.TensorType, name.upper())


@mutation("image-size-everywhere")
def _image_size(tree: FileTree, random: Random) -> None:
    if not isinstance(tree.manifest, dict):
        raise NotApplicableError
    entry = tree.manifest["input"]
    shape = list(entry["shape"])
    for place in random.choice(((-3,), (-2,), (-3, -2))):
        shape[place] = random.choice((1, 2, 3, 5, 31, 255, 1000, 4000))
    entry["shape"] = shape
    for found in _named(tree, entry["tensor"], "inputs"):
        found.shape = shape


@mutation("logits-everywhere")
def _logits(tree: FileTree, random: Random) -> None:
    if not isinstance(tree.manifest, dict):
        raise NotApplicableError
    entry = tree.manifest["logits"]
    entry["classes"] = random.choice((1, 2, 6, 1000, 2**20, 2**26))
    tree.manifest["labels"] = []
    for found in _named(tree, entry["tensor"], "outputs"):
        found.shape = [1, entry["classes"]]


@mutation("shape-signature", loud=True)
def _shape_signature(tree: FileTree, random: Random) -> None:
    found = tensor(tree, random)
    shape = ints(found.shape)
    if shape and random.random() < 0.5:
        shape[random.randrange(len(shape))] = random.choice((-1, -1, 0, -2, 7, 2**31 - 1))
    else:
        shape = _reshaped(random, shape)
    found.shapeSignature = shape


@mutation("rank-unknown")
def _rank_unknown(tree: FileTree, random: Random) -> None:
    found = tensor(tree, random)
    found.hasRank = not found.hasRank
    if random.random() < 0.5:
        found.shape = random.choice(([], None))


@mutation("shape-absent")
def _shape_absent(tree: FileTree, random: Random) -> None:
    tensor(tree, random).shape = None


@mutation("type", loud=True)
def _type(tree: FileTree, random: Random) -> None:
    tensor(tree, random).type = random.choice(TYPES)


@mutation("type-with-content")
def _type_fitted(tree: FileTree, random: Random) -> None:
    found = _constant(tree, random)
    found.type = random.choice(list(ITEM_BYTES))
    fit(tree, found)


@mutation("type-everywhere")
def _type_everywhere(tree: FileTree, random: Random) -> None:
    """All tensors of one type get another, in the manifest too."""
    found = graph(tree, random)
    old = one_of(random, sorted({each.type for each in found.tensors}))
    new = random.choice(list(ITEM_BYTES))
    for each in found.tensors:
        if each.type == old:
            each.type = new
            fit(tree, each)
    names = {v: k.lower() for k, v in vars(schema.TensorType).items() if isinstance(v, int)}
    if isinstance(tree.manifest, dict):
        for entry in (tree.manifest["logits"], *tree.manifest["states"]):
            if entry["dtype"] == names.get(old):
                entry["dtype"] = names[new]


@mutation("types-of-an-operator")
def _types_of_operator(tree: FileTree, random: Random) -> None:
    """What one operator reads and writes is of another type altogether."""
    found = graph(tree, random)
    operator = one_of(random, found.operators)
    new = random.choice(list(ITEM_BYTES))
    for index in {*ints(operator.inputs), *ints(operator.outputs)}:
        if 0 <= index < len(found.tensors) and random.random() < 0.9:
            found.tensors[index].type = new
            fit(tree, found.tensors[index])


@mutation("variable", loud=True)
def _variable(tree: FileTree, random: Random) -> None:
    tensor(tree, random).isVariable = True


@mutation("sparse", loud=True)
def _sparse(tree: FileTree, random: Random) -> None:
    found = _constant(tree, random)
    sparsity = schema.SparsityParametersT()
    rank = len(ints(found.shape))
    sparsity.traversalOrder = random.choice((list(range(rank)), [0], [-1] * rank, [2**31 - 1]))
    sparsity.blockMap = random.choice(([], [0], [-1], [99]))
    sparsity.dimMetadata = []
    for _ in range(random.randint(0, 2 * rank)):
        metadata = schema.DimensionMetadataT()
        metadata.format = random.choice((0, 1))
        metadata.denseSize = number(random)
        if metadata.format:
            for field in ("arraySegments", "arrayIndices"):
                vector = schema.Int32VectorT()
                vector.values = [number(random) for _ in range(random.randint(0, 3))]
                setattr(metadata, field, vector)
                kind = schema.SparseIndexVector.Int32Vector
                setattr(metadata, f"{field}Type", kind)
        sparsity.dimMetadata.append(metadata)
    found.sparsity = sparsity


@mutation("variant-types")
def _variant(tree: FileTree, random: Random) -> None:
    found = tensor(tree, random)
    kind = schema.VariantSubTypeT()
    kind.shape, kind.type, kind.hasRank = [number(random)], random.choice(TYPES), True
    found.variantTensors = [kind] * random.choice((1, 2, 50))


@mutation("tensor-name", loud=True)
def _name(tree: FileTree, random: Random) -> None:
    found = graph(tree, random)
    other = random.choice(found.tensors).name
    names = (None, "", "x" * 5000, other, "\x1b[2J", "a\x00b", "‮", "%s%n", "../../x")
    tensor(tree, random).name = random.choice(names)


@mutation("tensors-swapped")
def _swapped(tree: FileTree, random: Random) -> None:
    tensors = graph(tree, random).tensors
    first, second = random.randrange(len(tensors)), random.randrange(len(tensors))
    tensors[first], tensors[second] = tensors[second], tensors[first]


@mutation("tensor-removed", loud=True)
def _removed(tree: FileTree, random: Random) -> None:
    tensors = graph(tree, random).tensors
    del tensors[-1 if random.random() < 0.5 else random.randrange(len(tensors))]


@mutation("tensors-many", loud=True)
def _many(tree: FileTree, random: Random) -> None:
    tensors = graph(tree, random).tensors
    tensors += [random.choice(tensors)] * random.choice((1, 100, 500))


@mutation("buffer-other", loud=True)
def _buffer_other(tree: FileTree, random: Random) -> None:
    count = len(tree.model.buffers)
    tensor(tree, random).buffer = random.choice((0, 1, count - 1, count, 2**31 - 1, 2**32 - 1))


@mutation("buffer-shared")
def _buffer_shared(tree: FileTree, random: Random) -> None:
    tensor(tree, random).buffer = _constant(tree, random).buffer


@mutation("buffer-of-the-manifest")
def _buffer_manifest(tree: FileTree, random: Random) -> None:
    """A tensor whose values are the manifest, as long as its shape says."""
    entry = one_of(random, tree.model.metadata or ())
    found = tensor(tree, random)
    found.buffer, found.type = entry.buffer, schema.TensorType.UINT8
    data = tree.model.buffers[entry.buffer].data
    if random.random() < 0.7 and data is not None:
        found.shape = [len(data)]


@mutation("buffer-truncated", loud=True)
def _buffer_truncated(tree: FileTree, random: Random) -> None:
    found = _constant(tree, random)
    data = content(tree, found)
    store(tree, found, data[: random.choice((0, 1, len(data) // 2, len(data) - 1))])


@mutation("buffer-extended", loud=True)
def _buffer_extended(tree: FileTree, random: Random) -> None:
    found = _constant(tree, random)
    store(tree, found, content(tree, found) * random.choice((2, 3)) + b"\x01")


@mutation("buffer-emptied")
def _buffer_emptied(tree: FileTree, random: Random) -> None:
    found = _constant(tree, random)
    tree.model.buffers[found.buffer].data = random.choice((None, np.empty(0, np.uint8)))


@mutation("buffer-given")
def _buffer_given(tree: FileTree, random: Random) -> None:
    """A tensor that is computed, or an input, becomes a constant as well."""
    found = tensor(tree, random)
    shape = ints(found.shape)
    size = int(np.prod(shape, dtype=np.int64) * ITEM_BYTES.get(found.type, 1))
    if not 0 < size < 1 << 16:
        raise NotApplicableError
    store(tree, found, random.choice((b"\x00", b"\x01", b"\xff")) * size)


@mutation("input-also-constant")
def _input_constant(tree: FileTree, random: Random) -> None:
    found = graph(tree, random)
    chosen = found.tensors[one_of(random, ints(found.inputs) + ints(found.outputs))]
    size = int(np.prod(ints(chosen.shape), dtype=np.int64) * ITEM_BYTES.get(chosen.type, 1))
    if not 0 < size < 1 << 20:
        raise NotApplicableError
    store(tree, chosen, bytes(size))


@mutation("buffer-elsewhere")
def _buffer_elsewhere(tree: FileTree, random: Random) -> None:
    """A buffer that lies outside the tables, by position and length in the file."""
    found = _constant(tree, random)
    buffer = tree.model.buffers[found.buffer]
    size = len(content(tree, found))
    offsets = (1, 2, 8, 64, 100, 2**20, 2**31, 2**32, 2**63, 2**64 - 1, 2**64 - size)
    buffer.offset = random.choice(offsets)
    buffer.size = random.choice((size, 0, 1, size + 1, 2**20, 2**32, 2**64 - 1))
    if random.random() < 0.7:
        buffer.data = None


@mutation("buffer-external")
def _buffer_external(tree: FileTree, random: Random) -> None:
    """Values that lie in another file."""
    found = _constant(tree, random)
    group, external = schema.ExternalBufferGroupT(), schema.ExternalBufferT()
    group.name = random.choice(("/etc/passwd", "/dev/zero", "../x", "", None, "x" * 5000))
    external.id, external.group = random.choice((0, 1, 2**32 - 1)), random.choice((0, 1, 2**31))
    external.offset, external.length = random.choice((0, 1, 2**63)), len(content(tree, found))
    external.packing = random.choice((None, "", "unpacked", "x" * 100))
    tree.model.externalBufferGroups, tree.model.externalBuffers = [group], [external]
    found.externalBuffer = random.choice((external.id, 1, 7))
    if random.random() < 0.5:
        found.buffer = 0


@mutation("constant-values")
def _values(tree: FileTree, random: Random) -> None:
    """Axes, shapes, paddings, kernels and biases with numbers of another size."""
    found = _constant(tree, random)
    data = content(tree, found)
    store(tree, found, _other_values(random, found.type, data))


@mutation("small-constant-values")
def _small_values(tree: FileTree, random: Random) -> None:
    """The same for whole numbers that say what an operator does."""
    wholes = (schema.TensorType.INT32, schema.TensorType.INT64)
    held = constants(tree, graph(tree, random))
    small = [c for c in held if c.type in wholes and len(content(tree, c)) <= 64]
    found = one_of(random, small)
    store(tree, found, _other_values(random, found.type, content(tree, found)))


def _other_values(random: Random, kind: int, data: bytes) -> bytes:
    """As many bytes, mostly with one number changed."""
    values = np.frombuffer(data, _dtype(kind, data)).copy()
    if not len(values):
        raise NotApplicableError
    place = slice(None) if random.random() < 0.25 else random.randrange(len(values))
    with np.errstate(all="ignore"):
        if values.dtype.kind == "f":
            values[place] = random.choice(FLOATS)
        else:
            limits = np.iinfo(values.dtype)
            wanted = random.choice((*INT32, *(-v for v in INT32), limits.min, limits.max))
            if random.random() < 0.4 and isinstance(place, int):
                wanted = int(values[place]) + random.choice((-1, 1))
            values[place] = min(max(wanted, limits.min), limits.max)
    return values.tobytes()


def _dtype(kind: int, data: bytes) -> Any:
    formats: dict[int, Any] = {
        schema.TensorType.FLOAT32: np.float32,
        schema.TensorType.FLOAT16: np.float16,
        schema.TensorType.INT32: np.int32,
        schema.TensorType.INT64: np.int64,
    }
    chosen = np.dtype(formats.get(kind, np.uint8))
    return chosen if len(data) % chosen.itemsize == 0 else np.dtype(np.uint8)


def _named(tree: FileTree, name: str, side: str) -> list[Any]:
    """Tensors that a signature calls by a name."""
    found: list[Any] = []
    for signature in tree.model.signatureDefs or ():
        for entry in getattr(signature, side) or ():
            given = entry.name.decode() if isinstance(entry.name, bytes) else entry.name
            if given == name and entry.tensorIndex < len(tree.graph.tensors):
                found.append(tree.graph.tensors[entry.tensorIndex])
    return found


def _state(tree: FileTree, random: Random) -> tuple[dict[str, Any], list[Any]]:
    """A state of the manifest, and its tensors."""
    if not isinstance(tree.manifest, dict):
        raise NotApplicableError
    state = one_of(random, tree.manifest.get("states") or ())
    tensors = [t for name in state["inputs"] for t in _named(tree, name, "inputs")]
    return state, [*tensors, *_named(tree, state["output"], "outputs")]
