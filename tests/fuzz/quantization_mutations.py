"""What stored numbers stand for."""

from __future__ import annotations

from random import Random
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tests.fuzz.mutation import (
    FLOATS,
    graph,
    ints,
    mutation,
    number,
    one_of,
    tensor,
)
from tests.fuzz.tree import FileTree


def _quantized(tree: FileTree, random: Random) -> Any:
    """A tensor with a scale."""
    found = [
        t
        for t in graph(tree, random).tensors
        if t.quantization is not None and t.quantization.scale is not None
    ]
    several = [t for t in found if len(t.quantization.scale) > 1]
    return one_of(random, several if several and random.random() < 0.5 else found)


def _scales(quantization: Any) -> list[float]:
    return [float(scale) for scale in quantization.scale]


@mutation("quantization-removed")
def _removed(tree: FileTree, random: Random) -> None:
    found = _quantized(tree, random)
    if random.random() < 0.5:
        found.quantization = None
    else:
        found.quantization.scale = random.choice((None, []))


@mutation("quantization-emptied-in-part")
def _emptied(tree: FileTree, random: Random) -> None:
    found = _quantized(tree, random)
    found.quantization.zeroPoint = random.choice((None, []))


@mutation("scale")
def _scale(tree: FileTree, random: Random) -> None:
    found = _quantized(tree, random)
    scales = _scales(found.quantization)
    place = slice(None) if random.random() < 0.3 else random.randrange(len(scales))
    value = random.choice(FLOATS)
    if isinstance(place, slice):
        scales = [value] * len(scales)
    else:
        scales[place] = value
    found.quantization.scale = scales


@mutation("scale-far-from-others")
def _ratio(tree: FileTree, random: Random) -> None:
    """A scale that is fine by itself, 2^8 to 2^60 times another's."""
    found = _quantized(tree, random)
    factor = 2.0 ** random.choice((8, 9, 16, 30, 31, 32, 60, -8, -9, -31, -60))
    found.quantization.scale = [scale * factor for scale in _scales(found.quantization)]


@mutation("scale-per-channel-count", loud=True)
def _count(tree: FileTree, random: Random) -> None:
    found = _quantized(tree, random)
    scales = _scales(found.quantization)
    zero_points = ints(found.quantization.zeroPoint) or [0]
    count = random.choice((0, 1, 2, len(scales) - 1, len(scales) + 1, len(scales) * 2, 1000))
    found.quantization.scale = (scales * (count // len(scales) + 1))[:count]
    if random.random() < 0.6:
        found.quantization.zeroPoint = (zero_points * (count // len(zero_points) + 1))[:count]


@mutation("scale-per-channel-instead")
def _per_channel(tree: FileTree, random: Random) -> None:
    """A tensor with one scale gets one per entry of an axis, or the other way round."""
    found = _quantized(tree, random)
    scales = _scales(found.quantization)
    shape = ints(found.shape)
    if len(scales) > 1:
        found.quantization.scale = scales[:1]
        found.quantization.zeroPoint = ints(found.quantization.zeroPoint)[:1]
        return
    axis = random.randrange(len(shape)) if shape else 0
    count = min(shape[axis], 4096) if shape else 2
    found.quantization.scale = scales * max(count, 1)
    found.quantization.zeroPoint = (ints(found.quantization.zeroPoint) or [0])[:1] * max(count, 1)
    found.quantization.quantizedDimension = axis


@mutation("scale-axis", loud=True)
def _axis(tree: FileTree, random: Random) -> None:
    found = _quantized(tree, random)
    rank = len(ints(found.shape))
    axes = (-1, 0, 1, 2, 3, rank - 1, rank, rank + 1, 2**31 - 1, -(2**31))
    found.quantization.quantizedDimension = random.choice(axes)


@mutation("zero-point")
def _zero_point(tree: FileTree, random: Random) -> None:
    found = _quantized(tree, random)
    zero_points = ints(found.quantization.zeroPoint) or [0]
    values = (-129, -128, 0, 1, 127, 128, 255, 256, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63))
    place = random.randrange(len(zero_points))
    zero_points[place] = random.choice(values)
    if random.random() < 0.3:
        zero_points = [zero_points[place]] * len(zero_points)
    found.quantization.zeroPoint = zero_points


@mutation("zero-point-count", loud=True)
def _zero_point_count(tree: FileTree, random: Random) -> None:
    found = _quantized(tree, random)
    zero_points = ints(found.quantization.zeroPoint) or [0]
    found.quantization.zeroPoint = (zero_points * 8)[: random.choice((0, 1, 2, 3, 7))]


@mutation("quantization-given")
def _given(tree: FileTree, random: Random) -> None:
    """A float tensor, or one of whole numbers, gets a scale."""
    found = tensor(tree, random)
    quantization = schema.QuantizationParametersT()
    count = 1
    shape = ints(found.shape)
    axis = random.randrange(len(shape)) if shape else 0
    if shape and random.random() < 0.4:
        count = max(min(shape[axis], 4096), 1)
    quantization.scale = [random.choice((0.1, 1.0, *FLOATS))] * count
    quantization.zeroPoint = [random.choice((0, 3, -128, 500))] * count
    quantization.quantizedDimension = axis
    found.quantization = quantization
    if random.random() < 0.3:
        found.type = schema.TensorType.INT8


@mutation("quantization-of-another")
def _of_another(tree: FileTree, random: Random) -> None:
    tensor(tree, random).quantization = _quantized(tree, random).quantization


@mutation("quantization-custom")
def _custom(tree: FileTree, random: Random) -> None:
    found = tensor(tree, random)
    if found.quantization is None:
        found.quantization = schema.QuantizationParametersT()
    kind = random.choice(("CustomQuantization", "BlockwiseQuantization", "MultiAxisQuantization"))
    details = getattr(schema, f"{kind}T")()
    for name, value in vars(details).items():
        if isinstance(value, int):
            setattr(details, name, random.choice((0, 1, 32, 2**31 - 1)))
        elif name == "custom":
            details.custom = [1, 2, 3]
    found.quantization.details = details
    found.quantization.detailsType = getattr(schema.QuantizationDetails, kind)
    if random.random() < 0.3:
        found.quantization.detailsType = random.choice((0, 1, 2, 3, 4, 200))


@mutation("quantization-range")
def _range(tree: FileTree, random: Random) -> None:
    found = tensor(tree, random)
    if found.quantization is None:
        found.quantization = schema.QuantizationParametersT()
    found.quantization.min = [random.choice(FLOATS)] * random.choice((0, 1, 2, 100))
    found.quantization.max = [random.choice(FLOATS)] * random.choice((0, 1, 2, 100))


@mutation("bias-scale")
def _bias(tree: FileTree, random: Random) -> None:
    """A bias, in units that are not those of the products it is added to."""
    found = [
        t
        for t in graph(tree, random).tensors
        if t.type == schema.TensorType.INT32 and t.quantization is not None
    ]
    chosen = one_of(random, found)
    count = len(_scales(chosen.quantization)) if chosen.quantization.scale is not None else 1
    chosen.quantization.scale = [abs(random.choice(FLOATS)) for _ in range(count)]
    if random.random() < 0.3:
        chosen.quantization.zeroPoint = [number(random)] * count
