"""Operators with drawn shapes, options and scales: sound, and unlike those of any model."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from movistream.file.operators import STREAM_OPERATORS
from tests.fuzz.single_operators import ROWS
from tests.fuzz.sketch import Computed, Constant, Result, Row, Scales

_SIZES = (1, 1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64)
_ROWS = [row for row in ROWS if row.code in STREAM_OPERATORS]
_FIXED = ("LOGISTIC", "TANH")
"""Whose results have scales of their own."""
_STEPS = (1, 1, 1, 2, 3, 4, 5, 9, 64, 4096)
_SCALE_VALUES = (2.0**-30, 2.0**-20, 1e-5, 0.001, 0.02, 0.5, 1.0, 7.0, 255.0, 1e4, 2.0**20, 2.0**30)
_MOST_VALUES = 20_000


def drawn_row(random: Random) -> Row:
    """An operator; results have no shape yet, which the runtime's rules tell."""
    row = random.choice(_ROWS)
    draw = _DRAWN.get(row.code, _like)
    return draw(row, random)


def _shape(random: Random, rank: int) -> tuple[int, ...]:
    while True:
        shape = tuple(random.choice(_SIZES) for _ in range(rank))
        if np.prod(shape, dtype=int) <= _MOST_VALUES:
            return shape


def _scales(random: Random, count: int = 1, axis: int = 0, *, symmetric: bool = False) -> Scales:
    base = random.choice((0.02, 0.5, random.choice(_SCALE_VALUES)))
    scales = tuple(base * random.choice((1, 1, 1, 0.5, 3)) for _ in range(count))
    zero_point = 0 if symmetric else random.choice((0, 0, 3, -128, 127))
    return Scales(scales, zero_point, axis)


def _values(random: Random, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    generator = np.random.default_rng(random.randrange(2**32))
    if dtype == "int8":
        return generator.integers(-128, 128, shape).astype(np.int8)
    if dtype == "int32":
        return generator.integers(-1000, 1000, shape).astype(np.int32)
    scale = random.choice((1.0, 1.0, 1e-30, 1e30))
    return (generator.standard_normal(shape) * scale).astype(np.float32)


def _row(
    row: Row,
    operands: tuple[Any, ...],
    random: Random,
    options: dict[str, Any] | None = None,
    *,
    like: Scales | None = None,
) -> Row:
    """With one result of the type that the row's has."""
    results = tuple(
        Result((1,), result.dtype, _result_scales(row, result, random, like))
        for result in row.results
    )
    return Row(row.code, operands, results, row.options | (options or {}), row.kind, row.version)


def _result_scales(row: Row, result: Result, random: Random, like: Scales | None) -> Scales | None:
    if result.scales is None or row.code in _FIXED:
        return result.scales
    return like or random.choice((result.scales, _scales(random)))


def _like(row: Row, random: Random) -> Row:
    """Elementwise operators, and others whose operands may all have one drawn shape."""
    shape = _shape(random, random.randint(0, 5))
    scales = _scales(random)
    operands: list[Any] = []
    for operand in row.operands:
        own = tuple(size if random.random() < 0.8 else 1 for size in shape)
        own = own[random.choice((0, 0, 0, 1)) :]
        quantized = None if getattr(operand, "scales", None) is None else scales
        if isinstance(operand, Computed):
            operands.append(Computed(own, operand.dtype, quantized))
        elif isinstance(operand, Constant):
            dtype = operand.dtype or operand.array.dtype.name
            kind = dtype if dtype in ("int8", "int32") else "float32"
            with np.errstate(over="ignore"):
                values = _values(random, own, kind).astype(operand.array.dtype)
            operands.append(Constant(values, quantized, operand.dtype))
        else:
            operands.append(None)
    return _row(row, tuple(operands), random, like=scales if random.random() < 0.6 else None)


def _windowed(row: Row, random: Random) -> Row:
    """Convolutions and pools: kernels beyond the picture, strides beyond the kernel."""
    batch, height, width, channels = _shape(random, 4)
    names = ("strideW", "strideH", "dilationWFactor", "dilationHFactor", "filterWidth")
    options = {n: random.choice(_STEPS) for n in (*names, "filterHeight") if n in row.options}
    options["padding"] = random.choice((0, 0, 1))
    options["fusedActivationFunction"] = random.choice((0, 0, 1, 2, 3))
    first = row.operands[0]
    scales = _scales(random)
    picture = Computed((batch, height, width, channels), first.dtype, first.scales and scales)
    if len(row.operands) == 1:
        return _row(row, (picture,), random, options, like=scales)
    kernel, bias = row.operands[1], row.operands[2]
    rows, columns = random.choice(_SIZES[:12]), random.choice(_SIZES[:12])
    axis, outputs = 0, random.choice(_SIZES)
    shape = (outputs, rows, columns, channels)
    if row.code == "DEPTHWISE_CONV_2D":
        options["depthMultiplier"] = random.choice((1, 1, 2, 5))
        outputs = channels * options["depthMultiplier"]
        axis, shape = 3, (1, rows, columns, outputs)
    if np.prod(shape, dtype=int) > _MOST_VALUES:
        shape = (*shape[:1], 1, 1, *shape[3:])
    dtype = kernel.array.dtype.name
    weights, biases = None, None
    if kernel.scales is not None:
        count = outputs if random.random() < 0.8 else 1
        weights = _scales(random, count, axis, symmetric=True)
    if bias is not None and bias.scales is not None and weights is not None:
        products = tuple(scale * scales.scales[0] for scale in weights.scales)
        biases = Scales(products, 0, 0)
    operands = (
        picture,
        Constant(_values(random, shape, dtype), weights),
        None
        if bias is None
        else Constant(_values(random, (outputs,), bias.array.dtype.name), biases),
    )
    return _row(row, operands, random, options)


def _dense(row: Row, random: Random) -> Row:
    shape = _shape(random, random.randint(1, 4))
    inputs, outputs = shape[-1], random.choice(_SIZES)
    first, kernel, bias = row.operands
    scales = _scales(random)
    weights, biases = None, None
    if kernel.scales is not None:
        weights = _scales(random, outputs if random.random() < 0.8 else 1, 0, symmetric=True)
    if bias is not None and bias.scales is not None and weights is not None:
        biases = Scales(tuple(scale * scales.scales[0] for scale in weights.scales), 0, 0)
    if kernel.dtype == "int4":
        inputs += inputs % 2
        shape = (*shape[:-1], inputs)
    values = _values(random, (outputs, inputs), kernel.array.dtype.name)
    operands = (
        Computed(shape, first.dtype, first.scales and scales),
        Constant(values, weights, kernel.dtype),
        None
        if bias is None
        else Constant(_values(random, (outputs,), bias.array.dtype.name), biases),
    )
    options = {"keepNumDims": random.random() < 0.5}
    options["fusedActivationFunction"] = random.choice((0, 1, 2, 3))
    return _row(row, operands, random, options)


def _with_numbers(row: Row, random: Random) -> Row:
    """Operators that whole numbers tell what to do, on a drawn shape."""
    rank = random.randint(1, 5)
    shape = _shape(random, rank)
    place = next(i for i, o in enumerate(row.operands) if isinstance(o, Computed))
    given = row.operands[place]
    scales = _scales(random)
    picture = Computed(shape, given.dtype, given.scales and scales)
    axis = random.randrange(-rank, rank)
    begin = [random.randrange(size) for size in shape]
    some = random.sample(range(rank), random.randint(1, rank))
    numbers: dict[str, list[Any]] = {
        "TRANSPOSE": [random.sample(range(rank), rank)],
        "MEAN": [some],
        "SUM": [some],
        "REDUCE_MAX": [some],
        "TILE": [[random.choice((1, 1, 2, 7)) for _ in shape]],
        "PAD": [[[random.choice((0, 0, 1, 9)) for _ in range(2)] for _ in shape]],
        "SLICE": [
            begin,
            [random.choice((-1, size - b)) for size, b in zip(shape, begin, strict=True)],
        ],
        "STRIDED_SLICE": [begin, list(shape), [random.choice(_STEPS[:7]) for _ in shape]],
        "EXPAND_DIMS": [axis],
        "SPLIT": [axis],
        "GATHER": [[random.randrange(shape[axis]) for _ in range(random.choice(_SIZES))]],
        "BROADCAST_TO": [[*([2] * random.randint(0, 5 - rank)), *shape]],
        "RESHAPE": [[-1, 1] if random.random() < 0.5 else [int(np.prod(shape, dtype=int))]],
    }
    constants = [Constant(np.array(values, np.int32)) for values in numbers[row.code]]
    operands = (*constants, picture) if row.code == "SPLIT" else (picture, *constants)
    options: dict[str, Any] = {"keepDims": random.random() < 0.5, "axis": axis}
    if row.code == "STRIDED_SLICE":
        options |= {
            n: random.randrange(2**rank) for n in ("beginMask", "endMask", "shrinkAxisMask")
        }
    if row.code == "RESHAPE":
        options["newShape"] = None
    chosen = {name: value for name, value in options.items() if name in row.options}
    return _row(row, operands, random, chosen, like=scales)


def _several(row: Row, random: Random) -> Row:
    """Many parts of one shape, brought together along an axis."""
    rank = random.randint(1, 4)
    shape = _shape(random, rank)
    scales = _scales(random)
    first = row.operands[0]
    count = random.choice((1, 2, 3, 9, 40))
    part = Computed(shape, first.dtype, first.scales and scales)
    options: dict[str, Any] = {"axis": random.randrange(-rank, rank)}
    if row.code == "PACK":
        options["valuesCount"] = count
    return _row(row, (part,) * count, random, options, like=scales)


def _matrices(row: Row, random: Random) -> Row:
    *outer, rows, inner = _shape(random, random.randint(2, 4))
    columns = random.choice(_SIZES)
    options = {"adjX": random.random() < 0.5, "adjY": random.random() < 0.5}
    first = (inner, rows) if options["adjX"] else (rows, inner)
    second = (columns, inner) if options["adjY"] else (inner, columns)
    operands = tuple(Computed((*outer, *pair), "float32") for pair in (first, second))
    return _row(row, operands, random, options)


_DRAWN = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"), _windowed),
    "FULLY_CONNECTED": _dense,
    "CONCATENATION": _several,
    "PACK": _several,
    "BATCH_MATMUL": _matrices,
    **dict.fromkeys(
        (
            *("TRANSPOSE", "MEAN", "SUM", "REDUCE_MAX", "TILE", "PAD", "SLICE", "STRIDED_SLICE"),
            *("EXPAND_DIMS", "SPLIT", "GATHER", "BROADCAST_TO", "RESHAPE"),
        ),
        _with_numbers,
    ),
}
