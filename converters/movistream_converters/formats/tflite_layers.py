"""Recognises layers with their activations in the graph of a .tflite file.

Converters fold batch norms into kernels, fuse activations, lay tensors out anew and bring numbers
to int8. Each function here takes a tensor and tells what gave it; what stands elsewhere is named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.errors import ConversionError
from movistream_converters.formats.tflite_graph import FloatArray, Operation, TracedGraph
from movistream_converters.network import HARD_SIGMOIDS, ActivationFunction

FACTOR_TOLERANCE = 0.02
"""Int8 files hold factors with some rounding."""

_NOTHING_FUSED = schema.ActivationFunctionType.NONE
_FUSED = {
    schema.ActivationFunctionType.RELU: ActivationFunction.RELU,
    schema.ActivationFunctionType.RELU6: ActivationFunction.RELU6,
}
_UNARY = {
    "RELU": ActivationFunction.RELU,
    "RELU6": ActivationFunction.RELU6,
    "HARD_SWISH": ActivationFunction.HARD_SWISH,
}
_LAYER_OPTIONS = {
    "CONV_2D": schema.Conv2DOptionsT,
    "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptionsT,
    "FULLY_CONNECTED": schema.FullyConnectedOptionsT,
}
LAYER_OPERATORS = frozenset(_LAYER_OPTIONS)
"""Operators with a kernel."""

_AFFINE = ("MUL", "ADD", "SUB")
_MOST_FACTORS = 4


@dataclass(frozen=True)
class Linear:
    """A convolution or dense layer, with what was folded into it.

    Attributes:
        source: the tensor that it reads.
        kernel: (height, width, in, out), or (height, width, channels, 1) if depthwise.
        bias: (out,).
        same_padding: as against none.
        function: the activation behind it.
    """

    source: int
    kernel: FloatArray
    bias: FloatArray
    stride: int = 1
    depthwise: bool = False
    same_padding: bool = True
    function: ActivationFunction | None = None


class UnlikeError(ConversionError):
    """Something else is there where a part of a MoViNet should be."""


def unlike(graph: TracedGraph, tensor: int, what: str) -> UnlikeError:
    """Says what is there in place of what was looked for."""
    origin = graph.origin(tensor)
    name = graph.tensors[tensor].name if tensor >= 0 else ""
    found = "an input or a constant" if origin is None else origin.name
    return UnlikeError(f"where {what} should be, there is {found} ({name!r})")


def origin_of(graph: TracedGraph, tensor: int, what: str) -> Operation:
    """The operator that gave a tensor.

    Raises:
        UnlikeError: if it is an input or a constant.
    """
    origin = graph.origin(tensor)
    if origin is None:
        raise unlike(graph, tensor, what)
    return origin


def activated(graph: TracedGraph, tensor: int, what: str) -> Linear:
    """A layer with the activation behind it.

    Raises:
        UnlikeError: if there is no such layer.
    """
    origin = origin_of(graph, tensor, what)
    if (unary := _UNARY.get(origin.name)) is not None:
        return replace(linear(graph, origin.inputs[0], what), function=unary)
    factor, tensors = factors(graph, tensor)
    if len(tensors) == 2:
        for x, other in (tensors, tensors[::-1]):
            if (own := _own_factor(graph, x, other, factor)) is not None:
                return replace(linear(graph, x, what), function=own)
    found = linear(graph, tensor, what)
    if found.function is None:
        raise unlike(graph, tensor, f"an activation behind {what}")
    return found


def gated(graph: TracedGraph, tensor: int, what: str) -> Linear:
    """A layer with the sigmoid behind it, or one of those that stand for it.

    Raises:
        UnlikeError: if there is no such layer.
    """
    origin = origin_of(graph, tensor, what)
    if origin.name == "LOGISTIC":
        found = linear(graph, origin.inputs[0], what)
        return replace(found, function=ActivationFunction.SIGMOID)
    if (clipped := _clipped_to_one(graph, origin)) is not None:
        # It is clip(y, 0, 1), to be told as clip(0.2 x + 0.5, 0, 1).
        found = linear(graph, clipped, what)
        slope, factor = HARD_SIGMOIDS[ActivationFunction.HARD_SIGMOID_KERAS]
        kernel = found.kernel / np.float32(slope * factor)
        bias = (found.bias - np.float32(3 * factor)) / np.float32(slope * factor)
        function = ActivationFunction.HARD_SIGMOID_KERAS
        return replace(found, kernel=kernel, bias=bias, function=function)
    factor, tensors = factors(graph, tensor)
    _, expected = HARD_SIGMOIDS[ActivationFunction.HARD_SIGMOID]
    if len(tensors) == 1 and math.isclose(factor, expected, rel_tol=FACTOR_TOLERANCE):
        found = activated(graph, tensors[0], what)
        if found.function is ActivationFunction.RELU6:
            bias = found.bias - np.float32(3)
            return replace(found, bias=bias, function=ActivationFunction.HARD_SIGMOID)
    raise unlike(graph, tensor, f"a sigmoid or hard-sigmoid of {what}")


def linear(graph: TracedGraph, tensor: int, what: str) -> Linear:
    """A layer with the constants that its results are multiplied by and added to.

    Its function is an activation that is fused into it.

    Raises:
        UnlikeError: if there is no such layer.
    """
    factor, offset = np.ones(1), np.zeros(1)
    outermost = origin = origin_of(graph, tensor, what)
    while origin.name in _AFFINE and (parts := with_constant(graph, origin)) is not None:
        constant, tensor = parts
        value = _by_channel(graph, constant, tensor, what)
        if origin.name == "MUL":
            factor = factor * value
        else:
            offset = offset + factor * (value if origin.name == "ADD" else -value)
        origin = origin_of(graph, tensor, what)
        if _fused(graph, origin) is not None:
            raise unlike(graph, tensor, f"{what} without an activation inside")
    found = _layer(graph, origin, what)
    kernel = found.kernel * (factor[:, None] if found.depthwise else factor)
    return replace(
        found,
        kernel=kernel.astype(np.float32),
        bias=(found.bias * factor + offset).astype(np.float32),
        function=_fused(graph, outermost),
    )


def factors(graph: TracedGraph, tensor: int) -> tuple[float, list[int]]:
    """A product's constant part, of one number, and its other factors."""
    factor, found, waiting = 1.0, list[int](), [tensor]
    while waiting:
        operand = waiting.pop(0)
        origin, constant = graph.origin(operand), graph.constant(operand)
        if constant is not None and constant.size and (constant == constant.flat[0]).all():
            factor *= float(constant.flat[0])
        elif origin is not None and origin.name == "MUL" and _fused(graph, origin) is None:
            waiting += origin.inputs
        else:
            found.append(operand)
        if len(found) + len(waiting) > _MOST_FACTORS:
            return 1.0, [tensor]
    return factor, found


def both_ways(origin: Operation) -> list[tuple[int, int]]:
    """(one operand, the other), either way, of an operator that has two."""
    if len(origin.inputs) != 2:
        return []
    first, second = origin.inputs
    return [(first, second), (second, first)]


def with_constant(graph: TracedGraph, origin: Operation) -> tuple[FloatArray, int] | None:
    """An operator's constant operand, which is not empty, and the other one."""
    for operand, other in both_ways(origin):
        constant = graph.constant(operand)
        reads_as_offset = origin.name != "SUB" or operand == origin.inputs[1]
        if constant is not None and constant.size and reads_as_offset:
            return constant, other
    return None


def is_sum(graph: TracedGraph, origin: Operation) -> bool:
    """Whether it adds two tensors, neither of which is constant."""
    return origin.name == "ADD" and bool(both_ways(origin)) and not with_constant(graph, origin)


def _own_factor(graph: TracedGraph, x: int, other: int, factor: float) -> ActivationFunction | None:
    """The function that x · other · factor is of x, if it is one."""
    origin = graph.origin(other)
    if origin is not None and origin.name == "LOGISTIC":
        is_own = graph.source(origin.inputs[0]) == graph.source(x) and factor == 1
        return ActivationFunction.SWISH if is_own else None
    if origin is not None and origin.name == "RELU6":
        origin = graph.origin(origin.inputs[0])
    if origin is None or origin.name != "ADD" or (parts := with_constant(graph, origin)) is None:
        return None
    constant, rest = parts
    is_own = graph.source(rest) == graph.source(x) and (constant == 3).all()
    is_sixth = math.isclose(factor, 1 / 6, rel_tol=FACTOR_TOLERANCE)
    return ActivationFunction.HARD_SWISH if is_own and is_sixth else None


def _clipped_to_one(graph: TracedGraph, origin: Operation) -> int | None:
    """What is clipped to [0, 1], if anything is.

    In int8 files, the upper limit is cut to the largest value that was seen.
    """
    if origin.name == "RELU_0_TO_1":
        return origin.inputs[0]
    outer = _limit(graph, origin)
    inside = None if outer is None else graph.origin(outer[2])
    inner = None if inside is None else _limit(graph, inside)
    if outer is None or inner is None:
        return None
    limits = {kind: limit for kind, limit, _ in (outer, inner)}
    is_unit = limits.get("MAXIMUM") == 0 and 0 < limits.get("MINIMUM", 0) <= 1 + FACTOR_TOLERANCE
    return inner[2] if is_unit else None


def _limit(graph: TracedGraph, origin: Operation) -> tuple[str, float, int] | None:
    """(MINIMUM or MAXIMUM, with which number, of what) for an operator that is one of them."""
    if origin.name == "RELU":
        return "MAXIMUM", 0.0, origin.inputs[0]
    if origin.name not in ("MAXIMUM", "MINIMUM"):
        return None
    parts = with_constant(graph, origin)
    return None if parts is None else (origin.name, float(parts[0].flat[0]), parts[1])


def _layer(graph: TracedGraph, origin: Operation, what: str) -> Linear:
    """A layer by itself."""
    kind = _LAYER_OPTIONS.get(origin.name)
    if kind is None or not isinstance(origin.options, kind):
        raise unlike(graph, origin.output, what)
    source, *constants = origin.inputs
    kernel, bias = [*map(graph.constant, constants[:2]), None, None][:2]
    dense, depthwise = origin.name == "FULLY_CONNECTED", origin.name == "DEPTHWISE_CONV_2D"
    if kernel is None or kernel.ndim != (2 if dense else 4):
        raise unlike(graph, origin.output, f"{what} with a constant kernel")
    kernel = kernel.T[None, None] if dense else kernel.transpose(1, 2, 3, 0)
    channels, filters = (graph.tensors[t].shape[-1] for t in (source, origin.output))
    if bias is None:
        bias = np.zeros(filters, np.float32)
    if bias.shape != (filters,) or kernel.shape[2:] != (channels, 1 if depthwise else filters):
        raise unlike(graph, origin.output, f"{what} for {channels} channels")
    if dense:
        return Linear(source, kernel, bias)
    options = origin.options
    steps = (options.strideW, options.dilationHFactor, options.dilationWFactor)
    if steps != (options.strideH, 1, 1):
        raise unlike(graph, origin.output, f"{what}, as wide as high")
    same = options.padding == schema.Padding.SAME
    return Linear(source, kernel, bias, options.strideH, depthwise, same)


def _by_channel(
    graph: TracedGraph, constant: FloatArray, tensor: int, what: str
) -> npt.NDArray[np.float64]:
    """A constant as one number, or one per channel."""
    rows = constant.reshape(-1, constant.shape[-1] if constant.ndim else 1)
    if (rows != rows[0]).any() or rows.shape[1] not in (1, graph.tensors[tensor].shape[-1]):
        raise unlike(graph, tensor, f"{what} with one number per channel")
    values: npt.NDArray[np.float64] = rows[0].astype(np.float64)
    return values


def _fused(graph: TracedGraph, origin: Operation) -> ActivationFunction | None:
    """The activation that an operator applies to its result."""
    code = getattr(origin.options, "fusedActivationFunction", _NOTHING_FUSED)
    if code not in (_NOTHING_FUSED, *_FUSED):
        raise unlike(graph, origin.output, "a known activation")
    return _FUSED.get(code)
