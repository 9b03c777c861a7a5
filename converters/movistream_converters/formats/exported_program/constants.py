"""Operators on constants: masks, counts, zeros. What they give is computed, with numpy."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.formats.exported_program.call import Call, Rule, Value

_MOST_NUMBERS = 2**24
"""In what an operator computes; zeros and ones take no room."""

_TYPES: Mapping[int, Any] = MappingProxyType(
    {
        1: np.uint8,
        2: np.int8,
        3: np.int16,
        4: np.int32,
        5: np.int64,
        6: np.float32,
        7: np.float32,
        8: np.float64,
        11: np.bool_,
        12: np.bool_,
        13: np.float32,
    }
)
"""By PyTorch's numbers of its types."""


def uniform(array: npt.NDArray[Any]) -> bool:
    """Whether all numbers of a constant are one, which may take the room of one."""
    return not any(step for step, size in zip(array.strides, array.shape, strict=True) if size > 1)


def is_zero(call: Call, constant: Any) -> bool:
    """Whether a constant is 0 everywhere."""
    return not np.any(reduced(call, np.asarray(constant)))


def reduced(call: Call, constant: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A constant, as one number if all of its numbers are one; it may be computed with then."""
    if uniform(constant) and constant.size:
        return np.asarray(constant[(0,) * constant.ndim])
    check_size(call, constant.shape)
    return constant


def filled(call: Call, shape: Any, value: Any, dtype: int | None = None) -> npt.NDArray[Any]:
    """A constant of one number, which takes the room of one."""
    sizes = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    if not all(isinstance(size, int) and 0 <= size < 2**31 for size in sizes):
        call.refuse(f"makes a constant of {list(sizes)}")
    kind = _TYPES.get(dtype, np.float32) if dtype is not None else None
    array = np.asarray(value, kind)
    array = array.astype(np.float32) if dtype is None and array.dtype == np.float64 else array
    return np.broadcast_to(array, sizes)


def _full(call: Call) -> Value:
    return filled(call, call.get("size"), call.get("fill_value"), call.get("dtype", None))


def _fill(value: float, *, like: bool) -> Rule:
    def rule(call: Call) -> Value:
        given = call.get("self") if like else call.get("size")
        shape = given if not like else getattr(given, "sizes", None) or given.shape
        return filled(call, shape, np.float32(value), call.get("dtype", None))

    return rule


def _full_like(call: Call) -> Value:
    given = call.get("self")
    shape = given.sizes if hasattr(given, "sizes") else given.shape
    name = "fill_value" if "fill_value" in call.arguments else "value"
    return filled(call, shape, call.get(name), call.get("dtype", None))


def _arange(call: Call) -> Value:
    start, end, step = call.get("start", 0), call.get("end"), call.get("step", 1)
    numbers = (start, end, step)
    if not all(isinstance(each, int | float) for each in numbers) or not step:
        call.refuse(f"counts from {start} to {end} by {step}")
    if not 0 <= (end - start) / step <= _MOST_NUMBERS:
        call.refuse(f"counts from {start} to {end} by {step}, which is too far")
    dtype = call.get("dtype", None)
    counts = np.arange(start, end, step)
    return counts if dtype is None else counts.astype(_type(call, dtype))


def _type(call: Call, dtype: int) -> Any:
    if dtype not in _TYPES:
        call.refuse(f"makes numbers of the unknown type {dtype}")
    return _TYPES[dtype]


def _converted(call: Call) -> Value:
    dtype = call.get("dtype", None)
    array = call.get("self")
    return array if dtype is None else array.astype(_type(call, dtype))


def _binary(function: Callable[..., Any]) -> Rule:
    def rule(call: Call) -> Value:
        first, second = np.asarray(call.get("self")), np.asarray(call.get("other"))
        check_size(call, np.broadcast_shapes(first.shape, second.shape))
        if alpha := call.get("alpha", None):
            second = second * alpha
        with np.errstate(all="ignore"):
            return np.asarray(function(first, second))

    return rule


def _divide(call: Call) -> Value:
    if call.get("rounding_mode", None) is not None:
        call.refuse("rounds")
    first, second = np.asarray(call.get("self")), np.asarray(call.get("other"))
    check_size(call, np.broadcast_shapes(first.shape, second.shape))
    with np.errstate(all="ignore"):
        return np.asarray(np.true_divide(first, second), np.float32)


def _unary(function: Callable[..., Any]) -> Rule:
    def rule(call: Call) -> Value:
        with np.errstate(all="ignore"):
            return np.asarray(function(call.get("self")))

    return rule


def _triangle(function: Callable[..., Any]) -> Rule:
    def rule(call: Call) -> Value:
        array = call.get("self")
        check_size(call, array.shape)
        return function(array, call.integer("diagonal", 0))

    return rule


def check_size(call: Call, shape: tuple[int, ...]) -> None:
    """Refuses constants that are too large to compute with."""
    if math.prod(shape) > _MOST_NUMBERS:
        call.refuse(f"computes a constant of {list(shape)}, which is too large")


def _reshape(call: Call) -> Value:
    array = call.get("self")
    sizes = call.get("shape" if "shape" in call.arguments else "size")
    if uniform(array) and array.size:
        known = math.prod(size for size in sizes if size != -1)
        sizes = [array.size // known if size == -1 else size for size in sizes]
        if math.prod(sizes) == array.size:
            return np.broadcast_to(array.flat[0], sizes)
    return array.reshape(sizes)


def _permute(call: Call) -> Value:
    return call.get("self").transpose(call.get("dims"))


def _transpose(call: Call) -> Value:
    return np.swapaxes(call.get("self"), call.get("dim0", -2), call.get("dim1", -1))


def _unsqueeze(call: Call) -> Value:
    return np.expand_dims(call.get("self"), call.get("dim"))


def _squeeze(call: Call) -> Value:
    array = call.get("self")
    given = call.get("dim", list(range(array.ndim)))
    names = given if isinstance(given, list) else [given]
    gone = [each for each in names if array.shape[each] == 1]
    return array.squeeze(tuple(gone)) if gone else array


def _expand(call: Call) -> Value:
    array, sizes = call.get("self"), list(call.get("size"))
    own = [1] * (len(sizes) - array.ndim) + list(array.shape)
    return np.broadcast_to(
        array, [there if here == -1 else here for here, there in zip(sizes, own, strict=True)]
    )


def _slice(call: Call) -> Value:
    array = call.get("self")
    at = call.dimension(array.ndim, default=0)
    taken = slice(call.get("start", None), call.get("end", None), call.get("step", 1))
    return array[(slice(None),) * at + (taken,)]


def _select(call: Call) -> Value:
    array = call.get("self")
    return array[(slice(None),) * call.dimension(array.ndim) + (call.get("index"),)]


def _cumulative_sum(call: Call) -> Value:
    array = call.get("self")
    check_size(call, array.shape)
    return np.cumsum(array, call.get("dim"))


def _flip(call: Call) -> Value:
    return np.flip(call.get("self"), tuple(call.get("dims")))


def _roll(call: Call) -> Value:
    dims = tuple(call.get("dims", [])) or None
    shifts = tuple(call.get("shifts"))
    return np.roll(call.get("self"), shifts if dims else shifts[0], dims)


def _cat(call: Call) -> Value:
    arrays = call.get("tensors")
    check_size(call, (sum(array.size for array in arrays),))
    return np.concatenate(arrays, call.get("dim", 0))


def _where(call: Call) -> Value:
    parts = [np.asarray(call.get(name)) for name in ("condition", "self", "other")]
    check_size(call, np.broadcast_shapes(*(part.shape for part in parts)))
    return np.where(*parts)


def _masked_fill(call: Call) -> Value:
    array, mask, value = (np.asarray(call.get(name)) for name in ("self", "mask", "value"))
    check_size(call, np.broadcast_shapes(array.shape, mask.shape))
    return np.where(mask, value.astype(array.dtype), array)


def _same(call: Call) -> Value:
    return call.get("self")


def _weight_norm(call: Call) -> Value:
    """g · v / |v|, of each entry of a dimension (arXiv 1602.07868)."""
    v, g = call.array("v"), call.array("g")
    if v is None or g is None:
        call.refuse("has no weights")
    kept = call.dimension(v.ndim, default=0)
    others = tuple(axis for axis in range(v.ndim) if axis != kept)
    with np.errstate(all="ignore"):
        return np.asarray(g * v / np.sqrt(np.sum(np.square(v), others, keepdims=True)), np.float32)


def _power(call: Call) -> Value:
    with np.errstate(all="ignore"):
        return np.asarray(np.power(call.get("self"), call.get("exponent")))


CREATING: Mapping[str, Rule] = MappingProxyType(
    {
        "zeros": _fill(0.0, like=False),
        "ones": _fill(1.0, like=False),
        "empty": _fill(0.0, like=False),
        "new_empty": _fill(0.0, like=False),
        "empty_like": _fill(0.0, like=True),
        "full": _full,
        "new_zeros": _fill(0.0, like=False),
        "new_ones": _fill(1.0, like=False),
        "new_full": _full,
        "zeros_like": _fill(0.0, like=True),
        "ones_like": _fill(1.0, like=True),
        "full_like": _full_like,
        "fill": _full_like,
        "zero": _fill(0.0, like=True),
        "arange": _arange,
    }
)
"""Operators that give constants, even of frames, of which they take the size."""

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "to": _converted,
        "_to_copy": _converted,
        "type_as": _same,
        "clone": _same,
        "contiguous": _same,
        "detach": _same,
        "detach_": _same,
        "alias": _same,
        "lift_fresh_copy": _same,
        "lift_fresh": _same,
        "view": _reshape,
        "reshape": _reshape,
        "permute": _permute,
        "transpose": _transpose,
        "t": _transpose,
        "mT": _transpose,
        "unsqueeze": _unsqueeze,
        "squeeze": _squeeze,
        "expand": _expand,
        "_weight_norm": _weight_norm,
        "pow": _power,
        "slice": _slice,
        "select": _select,
        "cumsum": _cumulative_sum,
        "flip": _flip,
        "roll": _roll,
        "cat": _cat,
        "where": _where,
        "masked_fill": _masked_fill,
        "add": _binary(np.add),
        "sub": _binary(np.subtract),
        "rsub": _binary(lambda first, second: second - first),
        "mul": _binary(np.multiply),
        "div": _divide,
        "gt": _binary(np.greater),
        "ge": _binary(np.greater_equal),
        "lt": _binary(np.less),
        "le": _binary(np.less_equal),
        "eq": _binary(np.equal),
        "ne": _binary(np.not_equal),
        "logical_and": _binary(np.logical_and),
        "logical_or": _binary(np.logical_or),
        "bitwise_and": _binary(np.bitwise_and),
        "bitwise_or": _binary(np.bitwise_or),
        "__and__": _binary(np.bitwise_and),
        "__or__": _binary(np.bitwise_or),
        "tril": _triangle(np.tril),
        "triu": _triangle(np.triu),
        "logical_not": _unary(np.logical_not),
        "bitwise_not": _unary(np.invert),
        "reciprocal": _unary(lambda array: 1.0 / np.asarray(array)),
        "neg": _unary(np.negative),
        "exp": _unary(np.exp),
        "sqrt": _unary(np.sqrt),
        "rsqrt": _unary(lambda array: 1.0 / np.sqrt(array)),
        "softplus": _unary(lambda array: np.logaddexp(array, 0.0)),
        "sigmoid": _unary(lambda array: 1.0 / (1.0 + np.exp(-np.asarray(array)))),
        "tanh": _unary(np.tanh),
    }
)

SIZES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "floordiv": operator.floordiv,
        "mod": operator.mod,
        "neg": operator.neg,
        "eq": operator.eq,
        "ne": operator.ne,
        "ge": operator.ge,
        "gt": operator.gt,
        "le": operator.le,
        "lt": operator.lt,
        "sym_max": max,
        "sym_min": min,
    }
)
"""Arithmetic of sizes."""
