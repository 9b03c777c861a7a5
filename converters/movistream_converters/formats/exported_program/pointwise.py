"""Operators that work on each number by itself: functions of one, and arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.constants import reduced
from movistream_converters.formats.exported_program.parts import blanked_before
from movistream_converters.formats.exported_program.values import Axis, Frames, aligned, furthest
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    AnyLayer,
    BatchNormalization,
    LeakyRelu,
    Multiply,
    ParametricRelu,
    Scale,
    Softmax,
    TemporalMean,
)

_SIX = 6.0
"""Where relu6 ends, of which all clipping is made."""


def function(call: Call, value: Frames, layer: AnyLayer, *, keeps_zero: bool) -> Frames:
    """A layer that works on each number, or each pixel, by itself."""
    value = value if keeps_zero else call.known(value)
    return call.gives(value, call.add(layer, value.node))


def affine(
    call: Call, value: Frames, factor: npt.NDArray[Any] | float, offset: npt.NDArray[Any] | float
) -> Frames:
    """factor · x + offset, each one number or one of each channel."""
    if np.all(np.equal(offset, 0.0)) and np.ndim(factor) == 0:
        if factor == 1.0:
            return value
        node = call.add(Scale(), value.node, weights={"scale": np.asarray(factor)}, part="scale")
        return call.gives(value, node)
    channels = value.shape[2]
    gamma, beta = (np.broadcast_to(np.asarray(each), (channels,)) for each in (factor, offset))
    if beta.any():
        value = call.known(value)
    weights = {
        "gamma": gamma,
        "beta": beta,
        "mean": np.zeros(channels),
        "variance": np.ones(channels),
    }
    node = call.add(BatchNormalization(epsilon=0.0), value.node, weights=weights, part="affine")
    return call.gives(value, node)


def _activation(name: ActivationFunction, *, keeps_zero: bool = True) -> Rule:
    def rule(call: Call) -> Value:
        return function(call, call.frames("self"), Activation(name), keeps_zero=keeps_zero)

    return rule


def _gelu(call: Call) -> Value:
    kinds = {"none": ActivationFunction.GELU, "tanh": ActivationFunction.GELU_TANH}
    kind = kinds.get(call.get("approximate", "none"))
    if kind is None:
        call.refuse("is an approximation that is not known")
    return function(call, call.frames("self"), Activation(kind), keeps_zero=True)


def _leaky_relu(call: Call) -> Value:
    slope = float(call.get("negative_slope", 0.01))
    return function(call, call.frames("self"), LeakyRelu(slope), keeps_zero=True)


def _prelu(call: Call) -> Value:
    value, slope = call.frames("self"), call.array("weight")
    if slope is None or slope.size not in (1, value.shape[2]):
        call.refuse("has a slope for something else than each channel")
    weights = {"slope": np.broadcast_to(slope.reshape(-1), (value.shape[2],))}
    return call.gives(value, call.add(ParametricRelu(), value.node, weights=weights))


def _clipped(call: Call) -> Value:
    given = call.node.operator.rstrip("_")
    low, high = ("min_val", "max_val") if given == "hardtanh" else ("min", "max")
    defaults = (-1.0, 1.0) if given == "hardtanh" else (None, None)
    ends = [call.get(low, defaults[0]), call.get(high, defaults[1])]
    value = call.frames("self")
    if ends == [0, None]:
        return function(call, value, Activation(ActivationFunction.RELU), keeps_zero=True)
    if not all(isinstance(end, int | float) for end in ends) or not ends[0] < ends[1]:
        call.refuse(f"keeps numbers between {ends[0]} and {ends[1]}, which the vocabulary lacks")
    least, most = map(float, ends)
    # Frames before the clip stay zero only together: the parts would see other numbers.
    if not least <= 0.0 <= most or value.lead > 0:
        value = call.known(value)
    before = replace(value, lead=min(value.lead, 0), begins=0)
    factor = _SIX / (most - least)
    scaled = affine(call, before, factor, -least * factor)
    clipped = function(call, scaled, Activation(ActivationFunction.RELU6), keeps_zero=True)
    after = affine(call, clipped, 1.0 / factor, least)
    return replace(value, node=after.node)


def _softmax(call: Call) -> Value:
    value = call.frames("self")
    if value.dimensions[call.dimension(len(value.dimensions))] not in (("C",), ()):
        call.refuse("is over something else than channels, which the vocabulary lacks")
    return function(call, value, Softmax(), keeps_zero=False)


def _add(call: Call) -> Value:
    return _sum(call, call.get("self"), call.get("other"), float(call.get("alpha", 1)))


def _subtract(call: Call) -> Value:
    return _sum(call, call.get("self"), call.get("other"), -float(call.get("alpha", 1)))


def _reversed_subtract(call: Call) -> Value:
    return _sum(call, call.get("other"), call.get("self"), -float(call.get("alpha", 1)))


def _sum(call: Call, first: Value, second: Value, factor: float) -> Frames:
    """first + factor · second."""
    if isinstance(first, Frames) and isinstance(second, Frames):
        return together(call, Add(), first, affine(call, call.plain(second), factor, 0.0))
    if isinstance(first, Frames):
        value = call.plain(first)
        return affine(call, value, 1.0, _of_channels(call, value, np.asarray(second)) * factor)
    value = call.plain(second)
    return affine(call, value, factor, _of_channels(call, value, np.asarray(first)))


def _multiply(call: Call) -> Value:
    first, second = call.get("self"), call.get("other")
    if isinstance(first, Frames) and isinstance(second, Frames):
        return together(call, Multiply(), first, second)
    if not isinstance(first, Frames):
        first, second = second, first
    return _times(call, first, np.asarray(second))


def _divide(call: Call) -> Value:
    first, second = call.get("self"), call.get("other")
    if call.get("rounding_mode", None) is not None:
        call.refuse("rounds, which the vocabulary lacks")
    if isinstance(second, Frames):
        call.refuse("divides by what is computed from frames, which the vocabulary lacks")
    return _times(call, first, np.asarray(second), divides=True)


def _negative(call: Call) -> Value:
    return affine(call, call.frames("self"), -1.0, 0.0)


def together(call: Call, layer: Add | Multiply, first: Frames, second: Frames) -> Frames:
    """The sum or the product of two values of frames."""
    values = [call.plain(first), call.plain(second)]
    kept = max(value.unknown for value in values)
    if isinstance(layer, Multiply) and min(value.lead for value in values) > 0:
        # A gate before the clip is no number: the product there is 0 all the same.
        clean = [value for value in values if not value.unknown]
        if clean and len({(v.lead, v.length) for v in values}) == 1:
            kept = 0
    one, other = call.met(values)
    dimensions: tuple[Any, ...] = ()

    def joined() -> Frames:
        nonlocal dimensions
        dimensions = aligned(one, other)
        return one

    call.laid_out(joined)
    node = call.add(layer, one.node, other.node)
    shape = call.run.writing.shapes[node]
    result = replace(one, node=node, shape=shape, dimensions=dimensions, unknown=kept)
    return furthest(result, values)


def _times(
    call: Call, value: Frames, constant: npt.NDArray[Any], *, divides: bool = False
) -> Frames:
    """Frames times a constant, or divided by it: a factor, one of each channel, or one of each
    frame that makes a mean of a sum, or blanks what is before the clip."""
    axes, factors = _reduced(call, value, constant)
    if divides:
        if not np.all(factors):
            call.refuse("divides by zero")
        factors = 1.0 / factors.astype(np.float64)
    over_time = factors.reshape(-1).astype(np.float64) if axes == {"T"} else None
    if value.to_divide:
        if not _divides_by_counts(value, over_time):
            call.plain(value)
        mean = replace(value, to_divide=False)
        return call.gives(mean, call.add(TemporalMean(), value.node, begins=max(-value.lead, 0)))
    value = call.plain(value)
    if over_time is None:
        return affine(call, value, _of_each_channel(call, axes, factors), 0.0)
    blank = int(np.argmax(over_time != 0)) if over_time.any() else len(over_time)
    behind = call.run.frames + value.lead
    if not np.all(over_time[blank:behind] == 1.0):
        call.refuse(
            "multiplies each frame by a number of its own, which depends on when the clip began"
        )
    return blanked_before(value, blank)


def larger(call: Call, first: Frames, second: Frames) -> Frames:
    """The larger of two numbers: relu(a − b) + b."""
    first, second = call.met([call.plain(first), call.plain(second)])
    difference = together(call, Add(), first, affine(call, second, -1.0, 0.0))
    more = function(call, difference, Activation(ActivationFunction.RELU), keeps_zero=True)
    return together(call, Add(), more, second)


def _maximum(call: Call) -> Value:
    first, second = call.get("self"), call.get("other")
    if not isinstance(first, Frames) or not isinstance(second, Frames):
        call.refuse("compares frames with a constant: use clamp or relu")
    return larger(call, first, second)


def _minimum(call: Call) -> Value:
    first, second = call.get("self"), call.get("other")
    if not isinstance(first, Frames) or not isinstance(second, Frames):
        call.refuse("compares frames with a constant: use clamp")
    negative = [affine(call, call.plain(value), -1.0, 0.0) for value in (first, second)]
    return affine(call, larger(call, *negative), -1.0, 0.0)


def _absolute(call: Call) -> Value:
    value = call.frames("self")
    relu = Activation(ActivationFunction.RELU)
    parts = [
        function(call, each, relu, keeps_zero=True)
        for each in (value, affine(call, value, -1.0, 0.0))
    ]
    return together(call, Add(), *parts)


def _square(call: Call) -> Value:
    value = call.frames("self")
    if call.node.operator.startswith("pow") and call.get("exponent") != 2:
        call.refuse(f"is a power of {call.get('exponent')}, and only squares are read")
    return together(call, Multiply(), value, value)


def _divides_by_counts(value: Frames, factors: npt.NDArray[np.float64] | None) -> bool:
    """Whether factors of each frame are 1, 1/2, 1/3 …, of a sum over all frames so far."""
    counts = np.arange(1, value.length + 1)
    return (
        factors is not None
        and factors.shape == counts.shape
        and np.allclose(factors * counts, 1.0, rtol=1e-5, atol=0.0)
    )


def _of_channels(
    call: Call, value: Frames, constant: npt.NDArray[Any]
) -> npt.NDArray[np.float64] | float:
    """A constant as one number, or as one of each channel."""
    return _of_each_channel(call, *_reduced(call, value, constant))


def _of_each_channel(
    call: Call, axes: set[Axis], constant: npt.NDArray[Any]
) -> npt.NDArray[np.float64] | float:
    if not axes:
        return float(constant.reshape(-1)[0])
    if axes != {"C"}:
        what = {"T": "frame to frame", "H": "row to row", "W": "column to column"}
        differs = ", ".join(sorted(what[axis] for axis in axes - {"C"}))
        call.refuse(f"has a constant that differs from {differs}, which the vocabulary lacks")
    return constant.reshape(-1).astype(np.float64)


def _reduced(
    call: Call, value: Frames, constant: npt.NDArray[Any]
) -> tuple[set[Axis], npt.NDArray[Any]]:
    """The axes along which a constant differs, and it with one entry along all others."""
    sizes = value.sizes
    shape = (1,) * (len(sizes) - constant.ndim) + constant.shape
    if len(shape) > len(sizes) or any(
        there not in (1, here) for there, here in zip(shape, sizes, strict=True)
    ):
        call.refuse(f"brings together {list(sizes)} and a constant of {list(constant.shape)}")
    constant = reduced(call, constant)
    if not constant.ndim:
        return set(), constant
    constant = constant.reshape(shape)
    differing: set[Axis] = set()
    for place, axes in enumerate(value.dimensions):
        first = constant.take([0], axis=place)
        if shape[place] == 1 or np.array_equal(np.broadcast_to(first, constant.shape), constant):
            constant = first
        else:
            differing |= set(axes)
    return differing, constant


_FUNCTION = ActivationFunction
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "relu": _activation(_FUNCTION.RELU),
        "relu6": _activation(_FUNCTION.RELU6),
        "silu": _activation(_FUNCTION.SWISH),
        "hardswish": _activation(_FUNCTION.HARD_SWISH),
        "sigmoid": _activation(_FUNCTION.SIGMOID, keeps_zero=False),
        "hardsigmoid": _activation(_FUNCTION.HARD_SIGMOID_SIXTH, keeps_zero=False),
        "tanh": _activation(_FUNCTION.TANH),
        "gelu": _gelu,
        "leaky_relu": _leaky_relu,
        "prelu": _prelu,
        "hardtanh": _clipped,
        "clamp": _clipped,
        "softmax": _softmax,
        "_softmax": _softmax,
        "add": _add,
        "sub": _subtract,
        "rsub": _reversed_subtract,
        "mul": _multiply,
        "div": _divide,
        "true_divide": _divide,
        "neg": _negative,
        "maximum": _maximum,
        "minimum": _minimum,
        "abs": _absolute,
        "square": _square,
        "pow": _square,
    }
)
