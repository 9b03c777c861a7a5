"""The operators that lowering writes, each as one function with its options spelled out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.ir.network import same_padding_size
from movistream_converters.tflite.builder import GraphBuilder, Quantization, TensorRef

Fused = Literal["NONE", "RELU", "RELU6"]
"""An activation that an operator applies to its own output."""

FloatArray = npt.NDArray[np.float32]


def conv_2d(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    strides: tuple[int, int],
    fused: Fused = "NONE",
    quantization: Quantization | None = None,
) -> TensorRef:
    """SAME-padded convolution; kernel (height, width, in, out).

    Args:
        quantization: of the output, where x is int8.
    """
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH, options.strideW = strides
    options.fusedActivationFunction = _fused(fused)
    shape = (*_strided(x, strides), kernel.shape[3])
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
    strides: tuple[int, int],
    fused: Fused = "NONE",
    quantization: Quantization | None = None,
) -> TensorRef:
    """SAME-padded depthwise convolution; kernel (height, width, channels).

    Args:
        quantization: of the output, where x is int8.
    """
    options = _depthwise_options(schema.Padding.SAME, strides, fused)
    shape = (*_strided(x, strides), x.shape[3])
    return _depthwise(graph, x, name, kernel, bias, shape, options, quantization)


def temporal_conv_2d(
    graph: GraphBuilder,
    frames: Sequence[TensorRef],
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    fused: Fused = "NONE",
    quantization: Quantization | None = None,
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
    quantization: Quantization | None,
) -> TensorRef:
    if x.quantization is not None:
        inputs = (x, *_int8_weights(graph, name, kernel[None], bias, x.quantization, axis=3))
        return graph.operator(
            "DEPTHWISE_CONV_2D", inputs, name, shape, options, quantization=quantization, version=3
        )
    version = 2 if options.dilationHFactor > 1 else 1
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


def quantize(graph: GraphBuilder, x: TensorRef, name: str, quantization: Quantization) -> TensorRef:
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
    quantization: Quantization | None = None,
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


def average_pool_2d(
    graph: GraphBuilder, x: TensorRef, name: str, size: int, stride: int
) -> TensorRef:
    """SAME-padded mean over size × size windows; padding is not counted."""
    options = schema.Pool2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH = options.strideW = stride
    options.filterHeight = options.filterWidth = size
    return graph.operator(
        "AVERAGE_POOL_2D", (x,), name, (*_strided(x, (stride, stride)), x.shape[3]), options
    )


def spatial_mean(
    graph: GraphBuilder, x: TensorRef, name: str, quantization: Quantization | None = None
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


def take_first_axis(graph: GraphBuilder, x: TensorRef, name: str, index: int) -> TensorRef:
    """``x[index : index + 1]``."""
    rank = len(x.shape)
    begin = graph.constant(f"{name}.begin", np.array([index] + [0] * (rank - 1), np.int32))
    size = graph.constant(f"{name}.size", np.array([1, *x.shape[1:]], np.int32))
    return graph.operator(
        "SLICE",
        (x, begin, size),
        name,
        (1, *x.shape[1:]),
        schema.SliceOptionsT(),
        quantization=x.quantization,
        version=1 if x.quantization is None else 2,
    )


def _bias(graph: GraphBuilder, name: str, bias: FloatArray) -> TensorRef:
    return graph.constant(f"{name}.bias", bias)


def _int8_weights(
    graph: GraphBuilder,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    quantization: Quantization,
    axis: int,
) -> tuple[TensorRef, TensorRef]:
    """Kernel and bias of an operator whose input is int8; the axis is that of the channels."""
    weights, scales = graph.int8_kernel(f"{name}.kernel", kernel, axis)
    return weights, graph.int32_bias(f"{name}.bias", bias, scales * np.float32(quantization.scale))


def _fused(fused: Fused) -> int:
    return int(getattr(schema.ActivationFunctionType, fused))


def _strided(x: TensorRef, strides: tuple[int, int]) -> tuple[int, int, int]:
    batch, height, width, _ = x.shape
    return batch, same_padding_size(height, strides[0]), same_padding_size(width, strides[1])


def _broadcast(x: TensorRef, y: TensorRef) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(x.shape, y.shape))
