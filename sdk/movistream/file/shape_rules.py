"""The shapes that operators give, worked out from shapes, options and constants.

A shape that a file declares is compared with these, because engines compute some sizes anew and
take others from the file, and write over the end of a tensor where the two differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

Shape: TypeAlias = tuple[int, ...]

SAME = 0
"""Padding of convolutions and pools, as in the schema."""


class ShapeError(Exception):
    """Why an operator does not fit its operands."""


class Call(msgspec.Struct, frozen=True):
    """One use of an operator.

    Attributes:
        shapes: of the operands; None for one that is missing.
        options: by name; those that are not written have their defaults.
        result_count: how many results there are.
        values: gives the whole numbers that an operand holds, or None where they are not known
            before the model runs.
        steps: gives how far an operand is from another one, or None where it is not known.
    """

    shapes: tuple[Shape | None, ...]
    options: Mapping[str, Any]
    result_count: int
    values: Callable[[int], tuple[int, ...] | None]
    distance: Callable[[int, int], int | None]

    def shape(self, operand: int) -> Shape:
        """Of an operand that is there."""
        shape = self.shapes[operand]
        assert shape is not None
        return shape

    def known(self, operand: int) -> tuple[int, ...]:
        """The numbers of an operand that has to be constant."""
        values = self.values(operand)
        if values is None:
            raise ShapeError(f"operand {operand} has to be a constant")
        return values


Rule: TypeAlias = Callable[[Call], list[Shape]]
"""Gives the shape of each result; raises ShapeError where operands or options do not fit."""


def _same(call: Call) -> list[Shape]:
    return [call.shape(0)]


def _broadcast(call: Call) -> list[Shape]:
    shapes = [shape for shape in call.shapes if shape is not None]
    rank = max(len(shape) for shape in shapes)
    result = [1] * rank
    for shape in shapes:
        for axis, size in enumerate(shape, rank - len(shape)):
            if size != 1:
                _require(result[axis] in (1, size), f"shapes {_listed(shapes)} do not go together")
                result[axis] = size
    return [tuple(result)]


def _prelu(call: Call) -> list[Shape]:
    _require(_broadcast(call) == [call.shape(0)], "its slopes do not fit its input")
    return [call.shape(0)]


def _conv_2d(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0)
    outputs, kernel_height, kernel_width, inputs = call.shape(1)
    _require(inputs == channels, f"a kernel of {inputs} channels meets {channels}")
    _require(call.shape(2) == (outputs,), "its bias is not one number a channel")
    height, width = _windows(call, (height, width), (kernel_height, kernel_width))
    return [(batch, height, width, outputs)]


def _depthwise_conv_2d(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0)
    one, kernel_height, kernel_width, outputs = call.shape(1)
    multiplier = call.options["depth_multiplier"]
    _require(
        one == 1 and outputs == channels * multiplier,
        f"a kernel of {outputs} channels meets {channels}, {multiplier} times",
    )
    _require(call.shape(2) == (outputs,), "its bias is not one number a channel")
    height, width = _windows(call, (height, width), (kernel_height, kernel_width))
    return [(batch, height, width, outputs)]


def _pool_2d(call: Call) -> list[Shape]:
    batch, height, width, channels = call.shape(0)
    kernel = call.options["filter_height"], call.options["filter_width"]
    height, width = _windows(call, (height, width), kernel)
    return [(batch, height, width, channels)]


def _windows(call: Call, sizes: Shape, kernel: Shape) -> Shape:
    """How many positions a kernel has along height and width."""
    options, results = call.options, []
    for size, kernel_size, axis in zip(sizes, kernel, "hw", strict=True):
        stride = options[f"stride_{axis}"]
        reach = (kernel_size - 1) * options.get(f"dilation_{axis}_factor", 1) + 1
        if options["padding"] == SAME:
            results.append(-(-size // stride))
        else:
            _require(reach <= size, f"a kernel reaches over {reach} of {size} pixels")
            results.append((size - reach) // stride + 1)
    return tuple(results)


def _fully_connected(call: Call) -> list[Shape]:
    shape = call.shape(0)
    outputs, inputs = call.shape(1)
    _require(call.shapes[2:] in ((), (None,), ((outputs,),)), "its bias is not one number a unit")
    if call.options["keep_num_dims"]:
        _require(shape[-1] == inputs, f"a kernel of {inputs} inputs meets {shape[-1]}")
        return [(*shape[:-1], outputs)]
    size = math.prod(shape)
    _require(size % inputs == 0, f"a kernel of {inputs} inputs meets {size}")
    return [(size // inputs, outputs)]


def _batch_matmul(call: Call) -> list[Shape]:
    first, second = call.shape(0), call.shape(1)
    rows, inner = first[-2:] if not call.options["adj_x"] else first[:-3:-1]
    also_inner, columns = second[-2:] if not call.options["adj_y"] else second[:-3:-1]
    fits = first[:-2] == second[:-2] and inner == also_inner
    _require(fits, f"matrices {_listed([first, second])} do not go together")
    return [(*first[:-2], rows, columns)]


def _concatenation(call: Call) -> list[Shape]:
    first = call.shape(0)
    axis = _axis(call.options["axis"], len(first))
    total = 0
    for operand in range(len(call.shapes)):
        shape = call.shape(operand)
        fits = len(shape) == len(first) and _without(shape, axis) == _without(first, axis)
        _require(fits, f"shapes {_listed([first, shape])} do not go together")
        total += shape[axis]
    return [(*first[:axis], total, *first[axis + 1 :])]


def _reduce(call: Call) -> list[Shape]:
    shape = call.shape(0)
    axes = _axes(call.known(1), len(shape))
    if call.options["keep_dims"]:
        return [tuple(1 if axis in axes else size for axis, size in enumerate(shape))]
    return [tuple(size for axis, size in enumerate(shape) if axis not in axes)]


def _reshape(call: Call) -> list[Shape]:
    # Engines follow a second operand, even one that is missing.
    _require(call.shapes[1:] != (None,), "its shape is missing")
    given = call.known(1) if len(call.shapes) > 1 else None
    option = call.options["new_shape"]
    _require(given is None or option in ((), given), "it is told two shapes")
    target = option if given is None else given
    size = math.prod(call.shape(0))
    if target.count(-1) == 1:
        known = -math.prod(target)
        _require(known > 0 and size % known == 0, f"{size} numbers do not fill {list(target)}")
        target = tuple(size // known if entry == -1 else entry for entry in target)
    fits = all(entry > 0 for entry in target) and math.prod(target) == size
    _require(fits, f"{size} numbers do not fill {list(target)}")
    return [target]


def _squeeze(call: Call) -> list[Shape]:
    shape = call.shape(0)
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1)
    axes = _axes(call.options["squeeze_dims"] or ones, len(shape))
    _require(axes <= set(ones), "it leaves out an axis that has entries")
    return [tuple(size for axis, size in enumerate(shape) if axis not in axes)]


def _expand_dims(call: Call) -> list[Shape]:
    shape = call.shape(0)
    axis = _axis(_single(call.known(1)), len(shape) + 1)
    return [(*shape[:axis], 1, *shape[axis:])]


def _transpose(call: Call) -> list[Shape]:
    shape, axes = call.shape(0), call.known(1)
    _require(sorted(axes) == list(range(len(shape))), "its axes are no permutation")
    return [tuple(shape[axis] for axis in axes)]


def _slice(call: Call) -> list[Shape]:
    shape, begin, size = call.shape(0), call.known(1), call.known(2)
    _require(len(begin) == len(size) == len(shape), "it does not name each axis")
    result = []
    for whole, first, count in zip(shape, begin, size, strict=True):
        count = whole - first if count == -1 else count
        _require(first >= 0 and 1 <= count <= whole - first, "it reaches over an end")
        result.append(count)
    return [tuple(result)]


def _strided_slice(call: Call) -> list[Shape]:
    shape, options = call.shape(0), call.options
    begin, end, strides = call.known(1), call.known(2), call.known(3)
    _require(len(begin) == len(end) == len(strides) <= len(shape), "it names other axes")
    _require(min(strides) > 0, "it does not step forwards")
    result = []
    for axis, whole in enumerate(shape):
        bit = 1 << axis
        if axis >= len(begin):
            result.append(whole)
            continue
        first = 0 if options["begin_mask"] & bit else _clamped(begin[axis], whole)
        last = whole if options["end_mask"] & bit else _clamped(end[axis], whole)
        if options["shrink_axis_mask"] & bit:
            first = begin[axis] + (whole if begin[axis] < 0 else 0)
            _require(0 <= first < whole and not options["begin_mask"] & bit, "it is outside")
            continue
        _require(first < last, "nothing is left of it")
        result.append(-((first - last) // strides[axis]))
    return [tuple(result)]


def _split(call: Call) -> list[Shape]:
    shape, parts = call.shape(1), call.options["num_splits"]
    axis = _axis(_single(call.known(0)), len(shape))
    fits = parts == call.result_count and shape[axis] % parts == 0
    _require(fits, f"{shape[axis]} entries do not make {parts} parts")
    return [(*shape[:axis], shape[axis] // parts, *shape[axis + 1 :])] * parts


def _pack(call: Call) -> list[Shape]:
    first, count = call.shape(0), len(call.shapes)
    _require(call.options["values_count"] == count, "it has another number of parts")
    _require(all(shape == first for shape in call.shapes), "its parts differ in shape")
    axis = _axis(call.options["axis"], len(first) + 1)
    return [(*first[:axis], count, *first[axis:])]


def _unpack(call: Call) -> list[Shape]:
    shape = call.shape(0)
    axis = _axis(call.options["axis"], len(shape))
    fits = call.options["num"] == call.result_count == shape[axis]
    _require(fits, "it has another number of results")
    return [_without(shape, axis)] * call.result_count


def _gather(call: Call) -> list[Shape]:
    shape, indices = call.shape(0), call.known(1)
    axis = _axis(call.options["axis"], len(shape))
    inside = min(indices) >= 0 and max(indices) < shape[axis]
    _require(inside, f"an index is outside the {shape[axis]} entries")
    return [(*shape[:axis], *call.shape(1), *shape[axis + 1 :])]


def _pad(call: Call) -> list[Shape]:
    shape, paddings = call.shape(0), call.known(1)
    fits = call.shape(1) == (len(shape), 2) and min(paddings) >= 0
    _require(fits, "its paddings are not two numbers from 0 on for each axis")
    return [
        tuple(
            before + size + after
            for size, before, after in zip(shape, paddings[::2], paddings[1::2], strict=True)
        )
    ]


def _tile(call: Call) -> list[Shape]:
    shape, multiples = call.shape(0), call.known(1)
    _require(len(multiples) == len(shape) and min(multiples) > 0, "it does not name each axis")
    return [tuple(size * times for size, times in zip(shape, multiples, strict=True))]


def _broadcast_to(call: Call) -> list[Shape]:
    shape, target = call.shape(0), call.known(1)
    own = target[len(target) - len(shape) :]
    fits = len(target) >= len(shape) and min(target) > 0
    fits = fits and all(size in (1, wanted) for size, wanted in zip(shape, own, strict=True))
    _require(fits, f"{list(shape)} cannot be repeated to {list(target)}")
    return [target]


def _range(call: Call) -> list[Shape]:
    span, step = call.distance(0, 1), _single(call.known(2))
    if span is None:
        raise ShapeError("how many numbers it gives is not known before it runs")
    _require(step != 0 and span // step > 0, "it gives no numbers")
    return [(-(-span // step),)]


SHAPE_RULES: dict[str, Rule] = {
    "same": _same,
    "broadcast": _broadcast,
    "prelu": _prelu,
    "conv_2d": _conv_2d,
    "depthwise_conv_2d": _depthwise_conv_2d,
    "pool_2d": _pool_2d,
    "fully_connected": _fully_connected,
    "batch_matmul": _batch_matmul,
    "concatenation": _concatenation,
    "reduce": _reduce,
    "reshape": _reshape,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    "transpose": _transpose,
    "slice": _slice,
    "strided_slice": _strided_slice,
    "split": _split,
    "pack": _pack,
    "unpack": _unpack,
    "gather": _gather,
    "pad": _pad,
    "tile": _tile,
    "broadcast_to": _broadcast_to,
    "range": _range,
}


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ShapeError(reason)


def _axis(axis: int, rank: int) -> int:
    _require(-rank <= axis < rank, f"there is no axis {axis} of {rank}")
    return axis % rank


def _axes(axes: tuple[int, ...], rank: int) -> set[int]:
    found = {_axis(axis, rank) for axis in axes}
    _require(len(found) == len(axes), "it names an axis twice")
    return found


def _single(values: tuple[int, ...]) -> int:
    _require(len(values) == 1, "one number is needed")
    return values[0]


def _clamped(index: int, size: int) -> int:
    """A place between entries, counted from the end if negative."""
    return min(max(index + size if index < 0 else index, 0), size)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _listed(shapes: list[Shape]) -> str:
    return " and ".join(str(list(shape)) for shape in shapes)
