"""The operators that lowering writes, each as one function with its options spelled out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.ir.layers import Padding, padding_amounts, window_places
from movistream_converters.tflite.builder import GraphBuilder, QuantizationParameters, TensorRef

Fused = Literal["NONE", "RELU", "RELU6"]
"""An activation that an operator applies to its own output."""

FloatArray = npt.NDArray[np.float32]

MOST_JOINED = 5
"""Tensors that XNNPACK concatenates at once."""


@dataclass(frozen=True)
class Window:
    """Where a kernel or a pool's window lies.

    Attributes:
        size: (height, width), as all that follow.
        stride: from place to place.
        dilation: from tap to tap.
        padding: around the frame.
    """

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding = "same"

    def amounts(self, x: TensorRef) -> tuple[int, int, int, int]:
        """Pixels (top, bottom, left, right) around a tensor that are read."""
        _, *size, _ = x.shape
        top, _, left, _ = padding_amounts(
            self.padding, (size[0], size[1]), self.size, self.stride, self.dilation
        )
        height, width = self.places(x)
        reach = self._reach()
        # No place reads what is left over behind the last one.
        bottom = (height - 1) * self.stride[0] + reach[0] - size[0] - top
        right = (width - 1) * self.stride[1] + reach[1] - size[1] - left
        return top, bottom, left, right

    def places(self, x: TensorRef) -> tuple[int, int]:
        """How many places there are."""
        size = x.shape[1], x.shape[2]
        return window_places(self.padding, size, self.size, self.stride, self.dilation)

    def _reach(self) -> tuple[int, int]:
        return (
            (self.size[0] - 1) * self.dilation[0] + 1,
            (self.size[1] - 1) * self.dilation[1] + 1,
        )


def fitted(
    graph: GraphBuilder, x: TensorRef, name: str, window: Window
) -> tuple[TensorRef, int, tuple[int, int]]:
    """A frame padded as far as operators do not pad it themselves.

    Returns:
        The frame, the operators' padding, and how many places there are.
    """
    top, bottom, left, right = window.amounts(x)
    places = window.places(x)
    same = replace(window, padding="same")
    if (top, bottom, left, right) == same.amounts(x) and places == same.places(x):
        return x, schema.Padding.SAME, places
    # What is cut off is never read: an operator that does not pad leaves it out by itself.
    amounts = top, max(bottom, 0), left, max(right, 0)
    if any(amounts):
        x = pad(graph, x, f"{name}.padded", amounts)
    return x, schema.Padding.VALID, places


def pad(
    graph: GraphBuilder, x: TensorRef, name: str, amounts: tuple[int, int, int, int]
) -> TensorRef:
    """Zeros around a frame: (top, bottom, left, right)."""
    top, bottom, left, right = amounts
    paddings = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
    _, height, width, channels = x.shape
    return graph.operator(
        "PAD",
        (x, graph.constant(f"{name}.amounts", paddings)),
        name,
        (1, top + height + bottom, left + width + right, channels),
        schema.PadOptionsT(),
        quantization=x.quantization,
        version=1 if x.quantization is None else 2,
    )


def conv_2d(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    window: Window,
    fused: Fused = "NONE",
    quantization: QuantizationParameters | None = None,
) -> TensorRef:
    """Convolution; kernel (height, width, in, out).

    Args:
        quantization: of the output, where x is int8.
    """
    x, padding, places = fitted(graph, x, name, window)
    options = schema.Conv2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = window.stride
    options.dilationHFactor, options.dilationWFactor = window.dilation
    options.fusedActivationFunction = _fused(fused)
    shape = (1, *places, kernel.shape[3])
    kernel = kernel.transpose(3, 0, 1, 2)
    if x.quantization is not None:
        inputs = (x, *_int8_weights(graph, name, kernel, bias, x.quantization, axis=0))
        return graph.operator(
            "CONV_2D", inputs, name, shape, options, quantization=quantization, version=3
        )
    weights = graph.weight(f"{name}.kernel", kernel, per_channel=True)
    inputs = (x, weights, _bias(graph, name, bias))
    version = 5 if weights.dtype == "int8" else 1
    return graph.operator("CONV_2D", inputs, name, shape, options, version=version)


def depthwise_conv_2d(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    window: Window,
    fused: Fused = "NONE",
    quantization: QuantizationParameters | None = None,
) -> TensorRef:
    """Depthwise convolution; kernel (height, width, outputs), as many of one input side by side.

    Args:
        quantization: of the output, where x is int8.
    """
    x, padding, places = fitted(graph, x, name, window)
    options = _depthwise_options(padding, window.stride, fused)
    options.dilationHFactor, options.dilationWFactor = window.dilation
    options.depthMultiplier = kernel.shape[2] // x.shape[3]
    shape = (1, *places, kernel.shape[2])
    return _depthwise(graph, x, name, kernel, bias, shape, options, quantization)


def temporal_conv_2d(
    graph: GraphBuilder,
    frames: Sequence[TensorRef],
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    fused: Fused = "NONE",
    quantization: QuantizationParameters | None = None,
) -> TensorRef:
    """Depthwise convolution over frames (1, height, width, channels), oldest first.

    The frames are stacked along height, and a kernel (frames, 1) reads every height-th row.

    Args:
        kernel: (frames, channels).
        quantization: of the output, where the frames are int8.
    """
    height = frames[0].shape[1]
    stacked = concatenate(graph, frames, f"{name}.frames", axis=1)
    options = _depthwise_options(schema.Padding.VALID, (1, 1), fused)
    options.dilationHFactor = height
    return _depthwise(
        graph, stacked, name, kernel[:, None], bias, frames[0].shape, options, quantization
    )


def _depthwise_options(padding: int, strides: tuple[int, int], fused: Fused) -> Any:
    options = schema.DepthwiseConv2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = strides
    options.depthMultiplier = 1
    options.fusedActivationFunction = _fused(fused)
    return options


def _depthwise(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    shape: tuple[int, ...],
    options: Any,
    quantization: QuantizationParameters | None,
) -> TensorRef:
    if x.quantization is not None:
        inputs = (x, *_int8_weights(graph, name, kernel[None], bias, x.quantization, axis=3))
        return graph.operator(
            "DEPTHWISE_CONV_2D", inputs, name, shape, options, quantization=quantization, version=3
        )
    version = 2 if max(options.dilationHFactor, options.dilationWFactor) > 1 else 1
    inputs = (x, graph.weight(f"{name}.kernel", kernel[None]), _bias(graph, name, bias))
    return graph.operator("DEPTHWISE_CONV_2D", inputs, name, shape, options, version=version)


def fully_connected(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    fused: Fused = "NONE",
    *,
    int4: bool = False,
) -> TensorRef:
    """Kernel (in, out) on a float tensor of shape (1, in).

    Args:
        int4: hold the kernel as int4.
    """
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = _fused(fused)
    weights = (
        graph.int4_kernel(f"{name}.kernel", kernel.T)
        if int4
        else graph.weight(f"{name}.kernel", kernel.T, per_channel=True)
    )
    small = weights.dtype in ("int8", "int4")
    options.asymmetricQuantizeInputs = small
    inputs = (x, weights, _bias(graph, name, bias))
    shape = (1, kernel.shape[1])
    # Before version 12, only the first channel's scale was looked at.
    version = 12 if small else 1
    return graph.operator("FULLY_CONNECTED", inputs, name, shape, options, version=version)


def quantize(
    graph: GraphBuilder, x: TensorRef, name: str, quantization: QuantizationParameters
) -> TensorRef:
    """A float tensor as int8."""
    options = schema.QuantizeOptionsT()
    return graph.operator("QUANTIZE", (x,), name, x.shape, options, quantization=quantization)


def dequantize(graph: GraphBuilder, x: TensorRef, name: str) -> TensorRef:
    """An int8 tensor as float32."""
    return graph.operator("DEQUANTIZE", (x,), name, x.shape, schema.DequantizeOptionsT(), version=2)


def add(
    graph: GraphBuilder, x: TensorRef, y: TensorRef, name: str, fused: Fused = "NONE"
) -> TensorRef:
    """The sum; a smaller tensor is broadcast. Works on float32 and int32."""
    options = schema.AddOptionsT()
    options.fusedActivationFunction = _fused(fused)
    return graph.operator("ADD", (x, y), name, _broadcast(x, y), options, dtype=x.dtype)


def subtract(graph: GraphBuilder, x: TensorRef, y: TensorRef, name: str) -> TensorRef:
    """x − y."""
    return graph.operator("SUB", (x, y), name, _broadcast(x, y), schema.SubOptionsT())


def multiply(
    graph: GraphBuilder,
    x: TensorRef,
    y: TensorRef,
    name: str,
    quantization: QuantizationParameters | None = None,
) -> TensorRef:
    """The product; a smaller tensor is broadcast.

    Args:
        quantization: of the output, where the operands are int8.
    """
    return graph.operator(
        "MUL",
        (x, y),
        name,
        _broadcast(x, y),
        schema.MulOptionsT(),
        quantization=quantization,
        version=1 if quantization is None else 2,
    )


def divide(graph: GraphBuilder, x: TensorRef, y: TensorRef, name: str) -> TensorRef:
    """x / y."""
    return graph.operator("DIV", (x, y), name, _broadcast(x, y), schema.DivOptionsT())


def unary(graph: GraphBuilder, code: str, x: TensorRef, name: str) -> TensorRef:
    """A pointwise operator without options, such as LOGISTIC."""
    return graph.operator(code, (x,), name, x.shape)


def cast_to_float(graph: GraphBuilder, x: TensorRef, name: str) -> TensorRef:
    """An int32 tensor as float32."""
    options = schema.CastOptionsT()
    options.inDataType = schema.TensorType.INT32
    options.outDataType = schema.TensorType.FLOAT32
    return graph.operator("CAST", (x,), name, x.shape, options)


def pool_2d(graph: GraphBuilder, x: TensorRef, name: str, kind: str, window: Window) -> TensorRef:
    """The mean or the maximum (``average``, ``max``) of windows; what operators pad is no part."""
    x, padding, places = fitted(graph, x, name, window)
    options = schema.Pool2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = window.stride
    options.filterHeight, options.filterWidth = window.size
    return graph.operator(f"{kind.upper()}_POOL_2D", (x,), name, (1, *places, x.shape[3]), options)


def spatial_mean(
    graph: GraphBuilder, x: TensorRef, name: str, quantization: QuantizationParameters | None = None
) -> TensorRef:
    """(1, height, width, channels) to (1, channels).

    Args:
        quantization: of the output, where x is int8.
    """
    axes = graph.constant("spatial_axes", np.array([1, 2], np.int32))
    return graph.operator(
        "MEAN",
        (x, axes),
        name,
        (1, x.shape[3]),
        schema.ReducerOptionsT(),
        quantization=quantization,
        version=1 if quantization is None else 2,
    )


def concatenate(graph: GraphBuilder, xs: Sequence[TensorRef], name: str, axis: int) -> TensorRef:
    """Joins tensors along one axis; int8 ones share a quantisation."""
    if len(xs) > MOST_JOINED:
        xs = [
            concatenate(graph, xs[i : i + MOST_JOINED], f"{name}.{len(xs)}_from_{i}", axis)
            for i in range(0, len(xs), MOST_JOINED)
        ]
        return concatenate(graph, xs, name, axis)
    if len(xs) == 1:
        return xs[0]
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    quantization = xs[0].quantization
    version = 1 if quantization is None else 2
    return graph.operator(
        "CONCATENATION", xs, name, shape, options, quantization=quantization, version=version
    )


def reshape(graph: GraphBuilder, x: TensorRef, name: str, shape: Sequence[int]) -> TensorRef:
    """The same values in another shape."""
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    target = graph.constant(f"{name}.shape", np.array(shape, np.int32))
    return graph.operator(
        "RESHAPE", (x, target), name, shape, options, dtype=x.dtype, quantization=x.quantization
    )


def take(
    graph: GraphBuilder, x: TensorRef, name: str, axis: int, start: int, count: int
) -> TensorRef:
    """So many entries of one axis."""
    begin, shape = [0] * len(x.shape), list(x.shape)
    begin[axis], shape[axis] = start, count
    return graph.operator(
        "SLICE",
        (
            x,
            graph.constant(f"{name}.begin", np.array(begin, np.int32)),
            graph.constant(f"{name}.size", np.array(shape, np.int32)),
        ),
        name,
        shape,
        schema.SliceOptionsT(),
        quantization=x.quantization,
        version=1 if x.quantization is None else 2,
    )


def channel_mean(graph: GraphBuilder, x: TensorRef, name: str) -> TensorRef:
    """The mean of each pixel's channels, which stay an axis of length 1."""
    axis = len(x.shape) - 1
    options = schema.ReducerOptionsT()
    options.keepDims = True
    axes = graph.constant(f"axis_{axis}", np.array([axis], np.int32))
    return graph.operator("MEAN", (x, axes), name, (*x.shape[:-1], 1), options)


def squared_difference(graph: GraphBuilder, x: TensorRef, y: TensorRef, name: str) -> TensorRef:
    """(x − y)²."""
    options = schema.SquaredDifferenceOptionsT()
    return graph.operator("SQUARED_DIFFERENCE", (x, y), name, _broadcast(x, y), options)


def minimum(graph: GraphBuilder, x: TensorRef, y: TensorRef, name: str) -> TensorRef:
    """The smaller of two numbers."""
    options = schema.MaximumMinimumOptionsT()
    return graph.operator("MINIMUM", (x, y), name, _broadcast(x, y), options)


def leaky_relu(graph: GraphBuilder, x: TensorRef, name: str, slope: float) -> TensorRef:
    """x where it is positive, slope · x elsewhere."""
    options = schema.LeakyReluOptionsT()
    options.alpha = slope
    return graph.operator("LEAKY_RELU", (x,), name, x.shape, options)


def parametric_relu(graph: GraphBuilder, x: TensorRef, name: str, slopes: FloatArray) -> TensorRef:
    """x where it is positive, its channel's slope times x elsewhere."""
    shaped = slopes.reshape((1,) * (len(x.shape) - 2) + (-1,))
    return graph.operator("PRELU", (x, graph.constant(f"{name}.slopes", shaped)), name, x.shape)


def gelu(graph: GraphBuilder, x: TensorRef, name: str, *, approximate: bool) -> TensorRef:
    """x · Φ(x)."""
    options = schema.GeluOptionsT()
    options.approximate = approximate
    return graph.operator("GELU", (x,), name, x.shape, options)


def softmax(graph: GraphBuilder, x: TensorRef, name: str) -> TensorRef:
    """exp(x) over the sum of exp(x) along channels."""
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return graph.operator("SOFTMAX", (x,), name, x.shape, options)


def _bias(graph: GraphBuilder, name: str, bias: FloatArray) -> TensorRef:
    return graph.constant(f"{name}.bias", bias)


def _int8_weights(
    graph: GraphBuilder,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    quantization: QuantizationParameters,
    axis: int,
) -> tuple[TensorRef, TensorRef]:
    """Kernel and bias of an operator whose input is int8; the axis is that of the channels."""
    weights, scales = graph.int8_kernel(f"{name}.kernel", kernel, axis)
    return weights, graph.int32_bias(f"{name}.bias", bias, scales * np.float32(quantization.scale))


def _fused(fused: Fused) -> int:
    return int(getattr(schema.ActivationFunctionType, fused))


def _broadcast(x: TensorRef, y: TensorRef) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(x.shape, y.shape))
