"""The operators that lowering writes, each as one function with its options spelled out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from movistream_converters.network import same_padding_size
from movistream_converters.tflite_builder import GraphBuilder, TensorRef

Fused = Literal["NONE", "RELU", "RELU6"]
"""An activation that an operator applies to its own output."""

FloatArray = npt.NDArray[np.float32]


def conv_2d(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    stride: int,
    fused: Fused = "NONE",
) -> TensorRef:
    """SAME-padded convolution; kernel (height, width, in, out)."""
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH = options.strideW = stride
    options.fusedActivationFunction = _fused(fused)
    weights = graph.weight(f"{name}.kernel", kernel.transpose(3, 0, 1, 2), per_channel=True)
    shape = (*_strided(x, stride), kernel.shape[3])
    inputs = (x, weights, _bias(graph, name, bias))
    version = 5 if weights.dtype == "int8" else 1
    return graph.operator("CONV_2D", inputs, name, shape, options, version=version)


def depthwise_conv_2d(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    stride: int,
    fused: Fused = "NONE",
) -> TensorRef:
    """SAME-padded depthwise convolution; kernel (height, width, channels)."""
    options = schema.DepthwiseConv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH = options.strideW = stride
    options.depthMultiplier = 1
    options.fusedActivationFunction = _fused(fused)
    weights = graph.weight(f"{name}.kernel", kernel[None])
    shape = (*_strided(x, stride), x.shape[3])
    inputs = (x, weights, _bias(graph, name, bias))
    return graph.operator("DEPTHWISE_CONV_2D", inputs, name, shape, options)


def fully_connected(
    graph: GraphBuilder,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    fused: Fused = "NONE",
) -> TensorRef:
    """Kernel (in, out) on a tensor of shape (1, in)."""
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = _fused(fused)
    weights = graph.weight(f"{name}.kernel", kernel.T, per_channel=True)
    options.asymmetricQuantizeInputs = weights.dtype == "int8"
    inputs = (x, weights, _bias(graph, name, bias))
    shape = (1, kernel.shape[1])
    # Before version 12, only the first channel's scale was looked at.
    version = 12 if weights.dtype == "int8" else 1
    return graph.operator("FULLY_CONNECTED", inputs, name, shape, options, version=version)


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


def multiply(graph: GraphBuilder, x: TensorRef, y: TensorRef, name: str) -> TensorRef:
    """The product; a smaller tensor is broadcast."""
    return graph.operator("MUL", (x, y), name, _broadcast(x, y), schema.MulOptionsT())


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
        "AVERAGE_POOL_2D", (x,), name, (*_strided(x, stride), x.shape[3]), options
    )


def spatial_mean(graph: GraphBuilder, x: TensorRef, name: str) -> TensorRef:
    """(1, height, width, channels) to (1, channels)."""
    axes = graph.constant("spatial_axes", np.array([1, 2], np.int32))
    return graph.operator("MEAN", (x, axes), name, (1, x.shape[3]), schema.ReducerOptionsT())


def concatenate(graph: GraphBuilder, xs: Sequence[TensorRef], name: str, axis: int) -> TensorRef:
    """Joins tensors along one axis."""
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return graph.operator("CONCATENATION", xs, name, shape, options)


def reshape(graph: GraphBuilder, x: TensorRef, name: str, shape: Sequence[int]) -> TensorRef:
    """The same values in another shape."""
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    target = graph.constant(f"{name}.shape", np.array(shape, np.int32))
    return graph.operator("RESHAPE", (x, target), name, shape, options, dtype=x.dtype)


def take_first_axis(graph: GraphBuilder, x: TensorRef, name: str, index: int) -> TensorRef:
    """``x[index : index + 1]``."""
    rank = len(x.shape)
    begin = graph.constant(f"{name}.begin", np.array([index] + [0] * (rank - 1), np.int32))
    size = graph.constant(f"{name}.size", np.array([1, *x.shape[1:]], np.int32))
    return graph.operator(
        "SLICE", (x, begin, size), name, (1, *x.shape[1:]), schema.SliceOptionsT()
    )


def _bias(graph: GraphBuilder, name: str, bias: FloatArray) -> TensorRef:
    return graph.constant(f"{name}.bias", bias)


def _fused(fused: Fused) -> int:
    return int(getattr(schema.ActivationFunctionType, fused))


def _strided(x: TensorRef, stride: int) -> tuple[int, int, int]:
    batch, height, width, _ = x.shape
    return batch, same_padding_size(height, stride), same_padding_size(width, stride)


def _broadcast(x: TensorRef, y: TensorRef) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(x.shape, y.shape))
