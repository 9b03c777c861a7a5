"""Recognises layers with their activations in the graph of a .tflite file.

Converters fold batch norms into kernels, fuse activations, lay tensors out anew and bring numbers
to int8. Each function here takes a tensor and tells what gave it; what stands elsewhere is named,
and an activation that does not belong there too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.formats.tflite.graph import (
    FloatArray,
    Operation,
    TracedGraph,
    UnlikeError,
    kernel_and_bias,
)
from movistream_converters.ir.layers import HARD_SIGMOIDS, ActivationFunction

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


def unlike(graph: TracedGraph, tensor: int, what: str) -> UnlikeError:
    """Says what is there in place of what was looked for."""
    origin = graph.origin(tensor)
    name = graph.tensors[tensor].name if tensor >= 0 else ""
    found = "an input or a constant" if origin is None else origin.name
    if origin is not None and (code := _fused_code(origin)) != _NOTHING_FUSED:
        names = {value: key for key, value in vars(schema.ActivationFunctionType).items()}
        found += f", {names.get(code, code)}"
    return UnlikeError(f"where {what} should be, there is {found} ({name!r})")


def bare(graph: TracedGraph, tensor: int, *names: str) -> Operation | None:
    """The operator that gave a tensor, if it is one of these and applies no activation."""
    origin = graph.origin(tensor)
    if origin is None or origin.name not in names or _fused_code(origin) != _NOTHING_FUSED:
        return None
    return origin


def activated(graph: TracedGraph, tensor: int, what: str) -> Linear:
    """A layer with the activation behind it.

    Raises:
        UnlikeError: if there is no such layer.
    """
    if (unary := bare(graph, tensor, *_UNARY)) is not None:
        return replace(plain(graph, unary.inputs[0], what), function=_UNARY[unary.name])
    factor, tensors = factors(graph, tensor)
    if len(tensors) == 2:
        for x, other in (tensors, tensors[::-1]):
            if (own := _own_factor(graph, x, other, factor)) is not None:
                return replace(plain(graph, x, what), function=own)
    found = _linear(graph, tensor, what)
    if found.function is None:
        raise unlike(graph, tensor, f"an activation behind {what}")
    return found


def plain(graph: TracedGraph, tensor: int, what: str) -> Linear:
    """A layer without an activation behind it.

    Raises:
        UnlikeError: if there is no such layer.
    """
    found = _linear(graph, tensor, what)
    if found.function is not None:
        raise unlike(graph, tensor, f"{what}, without an activation,")
    return found


def gated(graph: TracedGraph, tensor: int, what: str) -> Linear:
    """A layer with the sigmoid behind it, or one of those that stand for it.

    Raises:
        UnlikeError: if there is no such layer.
    """
    if (sigmoid := bare(graph, tensor, "LOGISTIC")) is not None:
        found = plain(graph, sigmoid.inputs[0], what)
        return replace(found, function=ActivationFunction.SIGMOID)
    if (clipped := _clipped_to_one(graph, tensor)) is not None:
        # It is clip(y, 0, 1), to be told as clip(0.2 x + 0.5, 0, 1).
        found = plain(graph, clipped, what)
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


def factors(graph: TracedGraph, tensor: int) -> tuple[float, list[int]]:
    """A product's constant part, of one number, and its other factors."""
    factor, found, waiting = 1.0, list[int](), [tensor]
    while waiting:
        operand = waiting.pop(0)
        constant = graph.constant(operand)
        if constant is not None and constant.size and (constant == constant.flat[0]).all():
            factor *= float(constant.flat[0])
        elif (product := bare(graph, operand, "MUL")) is not None:
            waiting += product.inputs
        else:
            found.append(operand)
        if len(found) + len(waiting) > _MOST_FACTORS:
            return 1.0, [tensor]
    return factor, found


def both_ways(origin: Operation | None) -> list[tuple[int, int]]:
    """(one operand, the other), either way, of an operator that has two."""
    if origin is None or len(origin.inputs) != 2:
        return []
    first, second = origin.inputs
    return [(first, second), (second, first)]


def with_constant(graph: TracedGraph, origin: Operation | None) -> tuple[FloatArray, int] | None:
    """An operator's constant operand, which is not empty, and the other one."""
    ways = both_ways(origin)
    if origin is not None and origin.name == "SUB":
        ways = ways[1:]  # A constant minus something is no offset.
    for operand, other in ways:
        constant = graph.constant(operand)
        if constant is not None and constant.size:
            return constant, other
    return None


def sum_of(graph: TracedGraph, tensor: int) -> Operation | None:
    """The operator that adds two tensors, neither of which is constant, if one gave a tensor."""
    total = bare(graph, tensor, "ADD")
    return total if both_ways(total) and with_constant(graph, total) is None else None


def _own_factor(graph: TracedGraph, x: int, other: int, factor: float) -> ActivationFunction | None:
    """The function that x · other · factor is of x, if it is one."""
    if (sigmoid := bare(graph, other, "LOGISTIC")) is not None:
        is_own = graph.source(sigmoid.inputs[0]) == graph.source(x) and factor == 1
        return ActivationFunction.SWISH if is_own else None
    shifted = graph.origin(other)
    if (clipped := bare(graph, other, "RELU6")) is not None:
        shifted = bare(graph, clipped.inputs[0], "ADD")
    elif (
        shifted is None or shifted.name != "ADD" or _fused(shifted) is not ActivationFunction.RELU6
    ):
        return None
    if (parts := with_constant(graph, shifted)) is None:
        return None
    constant, rest = parts
    is_own = graph.source(rest) == graph.source(x) and (constant == 3).all()
    is_sixth = math.isclose(factor, 1 / 6, rel_tol=FACTOR_TOLERANCE)
    return ActivationFunction.HARD_SWISH if is_own and is_sixth else None


def _clipped_to_one(graph: TracedGraph, tensor: int) -> int | None:
    """What is clipped to [0, 1], if anything is.

    In int8 files, the upper limit is cut to the largest value that was seen.
    """
    if (clip := bare(graph, tensor, "RELU_0_TO_1")) is not None:
        return clip.inputs[0]
    outer = _limit(graph, tensor)
    inner = None if outer is None else _limit(graph, outer[2])
    if outer is None or inner is None:
        return None
    limits = {kind: limit for kind, limit, _ in (outer, inner)}
    is_unit = limits.get("MAXIMUM") == 0 and 0 < limits.get("MINIMUM", 0) <= 1 + FACTOR_TOLERANCE
    return inner[2] if is_unit else None


def _limit(graph: TracedGraph, tensor: int) -> tuple[str, float, int] | None:
    """(MINIMUM or MAXIMUM, with which number, of what) if one of them gave a tensor."""
    if (relu := bare(graph, tensor, "RELU")) is not None:
        return "MAXIMUM", 0.0, relu.inputs[0]
    origin = bare(graph, tensor, "MINIMUM", "MAXIMUM")
    parts = with_constant(graph, origin)
    if origin is None or parts is None or (parts[0] != parts[0].flat[0]).any():
        return None
    return origin.name, float(parts[0].flat[0]), parts[1]


def _linear(graph: TracedGraph, tensor: int, what: str) -> Linear:
    """A layer with the constants that its results are multiplied by and added to.

    Its function is an activation that is fused into the last operator.
    """
    factor, offset = np.ones(1), np.zeros(1)
    origin = graph.origin(tensor)
    function = None if origin is None else _fused(origin)
    if origin is None or (function is None and _fused_code(origin) != _NOTHING_FUSED):
        raise unlike(graph, tensor, what)
    while origin.name in _AFFINE and (parts := with_constant(graph, origin)) is not None:
        constant, tensor = parts
        value = _by_channel(graph, constant, tensor, what)
        if origin.name == "MUL":
            factor = factor * value
        else:
            offset = offset + factor * (value if origin.name == "ADD" else -value)
        origin = bare(graph, tensor, *_AFFINE, *LAYER_OPERATORS)
        if origin is None:
            raise unlike(graph, tensor, what)
    found = _layer(graph, origin, what)
    kernel = found.kernel * (factor[:, None] if found.depthwise else factor)
    return replace(
        found,
        kernel=kernel.astype(np.float32),
        bias=(found.bias * factor + offset).astype(np.float32),
        function=function,
    )


def _layer(graph: TracedGraph, origin: Operation, what: str) -> Linear:
    """A layer by itself."""
    kind = _LAYER_OPTIONS.get(origin.name)
    if kind is None or not isinstance(origin.options, kind):
        raise unlike(graph, origin.output, what)
    dense, depthwise = origin.name == "FULLY_CONNECTED", origin.name == "DEPTHWISE_CONV_2D"
    constants = kernel_and_bias(graph, origin)
    if constants is None or constants[0].ndim != (2 if dense else 4):
        raise unlike(graph, origin.output, f"{what}, with a constant kernel and bias,")
    kernel, bias = constants
    kernel = kernel.T[None, None] if dense else kernel.transpose(1, 2, 3, 0)
    source = origin.inputs[0]
    channels, filters = (graph.channels(t) for t in (source, origin.output))
    if bias.shape != (filters,) or kernel.shape[2:] != (channels, 1 if depthwise else filters):
        raise unlike(graph, origin.output, f"{what}, for {channels} channels,")
    if dense:
        return Linear(source, kernel, bias)
    options = origin.options
    steps = (options.strideW, options.dilationHFactor, options.dilationWFactor)
    if steps != (options.strideH, 1, 1):
        raise unlike(graph, origin.output, f"{what}, as wide as high and without holes,")
    same = options.padding == schema.Padding.SAME
    return Linear(source, kernel, bias, options.strideH, depthwise, same)


def _by_channel(
    graph: TracedGraph, constant: FloatArray, tensor: int, what: str
) -> npt.NDArray[np.float64]:
    """A constant as one number, or one per channel."""
    rows = constant.reshape(-1, constant.shape[-1] if constant.ndim else 1)
    if (rows != rows[0]).any() or rows.shape[1] not in (1, graph.channels(tensor)):
        raise unlike(graph, tensor, f"{what}, with one number per channel,")
    values: npt.NDArray[np.float64] = rows[0].astype(np.float64)
    return values


def _fused_code(origin: Operation) -> int:
    return int(getattr(origin.options, "fusedActivationFunction", _NOTHING_FUSED))


def _fused(origin: Operation) -> ActivationFunction | None:
    """The activation that an operator applies to its result, if it is a known one."""
    return _FUSED.get(_fused_code(origin))
