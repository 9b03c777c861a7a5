"""How each layer becomes operators of a step.

One row of :data:`RULES` for each layer of the vocabulary. A vector is a tensor (1, channels), a
frame one of (1, height, width, channels); a frame of one pixel is taken for a vector where that is
cheaper, and back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from movistream_converters.ir.layers import (
    HARD_SIGMOIDS,
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    ChannelNormalization,
    Concatenate,
    Convolution,
    Delay,
    Dense,
    Image,
    Layer,
    LeakyRelu,
    Multiply,
    ParametricRelu,
    Pool,
    PositionalEncoding,
    Previous,
    Scale,
    Slice,
    Softmax,
    SpatialMean,
    TemporalMean,
    WindowMean,
    encoding_frequencies,
    padding_amounts,
)
from movistream_converters.ir.network import Node
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import (
    QuantizationParameters,
    TensorRef,
)
from movistream_converters.tflite.context import Context, FloatArray
from movistream_converters.tflite.fusing import FUSED
from movistream_converters.tflite.pixel_pairs import PAIR, gives_pairs, paired_kernel

Rule: TypeAlias = Callable[[Context, Node], TensorRef]
"""Writes a node's operators and returns its output."""


def _image(context: Context, node: Node) -> TensorRef:
    height, width, channels = context.shapes[node.name]
    stored = context.plan.tensors.get(node.name)
    return context.writer.image(height, width, channels, stored)


def _convolution(context: Context, node: Node) -> TensorRef:
    layer = node.layer
    assert isinstance(layer, Convolution)
    quantization = context.plan.output(node.name)
    if quantization is not None and gives_pairs(layer, context.shapes[node.inputs[0]]):
        return _paired_convolution(context, node, layer)
    x = context.value(node.inputs[0], int8=quantization is not None)
    kernel, bias = context.kernel_and_bias(node.name)
    fused = context.fused.get(node.name, "NONE")
    if layer.kernel[0] == 1:
        return spatial_convolution(
            context, layer, x, node.name, kernel[0], bias, fused, quantization
        )
    frames = _frames_with_past(context, node, x, int8=quantization is not None)
    taps = frames[:: layer.dilation[0]]
    if _has_one_pixel_window(layer):
        if len(x.shape) == 2:
            return _temporal_vectors(context, layer, taps, node.name, kernel[:, 0, 0], bias, fused)
        if layer.depthwise:
            return op.temporal_conv_2d(
                context.graph, taps, node.name, kernel[:, 0, 0], bias, fused, quantization
            )
    return _temporal_sum(context, node.name, layer, taps, kernel, bias, fused)


def _has_one_pixel_window(layer: Convolution) -> bool:
    unpadded = layer.padding == "same" or not any(layer.padding)
    return layer.kernel[1:] == (1, 1) and layer.stride == (1, 1) and unpadded


def _paired_convolution(context: Context, node: Node, layer: Convolution) -> TensorRef:
    """See :mod:`.pixel_pairs`."""
    source = node.inputs[0]
    kernel, bias = context.kernel_and_bias(node.name)
    paired = paired_kernel(kernel[0], layer.stride[0], context.shapes[source][1])
    return op.conv_2d(
        context.graph,
        context.value(source, int8=True, pixels=PAIR * layer.stride[0]),
        node.name,
        paired,
        np.tile(bias, PAIR),
        op.Window((paired.shape[0], paired.shape[1]), (layer.stride[0], 1)),
        context.fused.get(node.name, "NONE"),
        context.plan.output(node.name),
    )


def _frames_with_past(context: Context, node: Node, x: TensorRef, *, int8: bool) -> list[TensorRef]:
    """The past frames of a node's buffer, oldest first, and the present one."""
    past = context.remembered(node.name, context.stored(node.inputs[0]))
    if not int8:
        past = [
            frame
            if frame.quantization is None
            else op.dequantize(context.graph, frame, f"{node.name}.past_{age}")
            for age, frame in zip(range(len(past), 0, -1), past, strict=True)
        ]
    return [*past, x]


def _temporal_vectors(
    context: Context,
    layer: Convolution,
    taps: list[TensorRef],
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    fused: op.Fused,
) -> TensorRef:
    """A temporal kernel over vectors: one dense layer over all of them side by side."""
    if layer.groups > 1 or layer.depthwise:
        lifted = [context.as_frame(tap, f"{name}.lifted_{i}") for i, tap in enumerate(taps)]
        if layer.depthwise:
            y = op.temporal_conv_2d(context.graph, lifted, name, kernel, bias, fused)
        else:
            y = _temporal_sum(context, name, layer, lifted, kernel[:, None, None], bias, fused)
        return context.as_vector(y, f"{name}.vector")
    joined = op.concatenate(context.graph, taps, f"{name}.frames", axis=1)
    flat = kernel.reshape(-1, layer.filters)
    return op.fully_connected(context.graph, joined, name, flat, bias, fused)


def _temporal_sum(
    context: Context,
    name: str,
    layer: Convolution,
    taps: list[TensorRef],
    kernel: FloatArray,
    bias: FloatArray,
    fused: op.Fused,
) -> TensorRef:
    """The sum over frames of 2-D convolutions, the newest frame's with the bias."""
    newest = len(taps) - 1
    total = spatial_convolution(
        context, layer, taps[newest], f"{name}.tap_{newest}", kernel[newest], bias, "NONE"
    )
    zeros = np.zeros_like(bias)
    for tap, frame in enumerate(taps[:-1]):
        tap_name = f"{name}.tap_{tap}"
        term = spatial_convolution(context, layer, frame, tap_name, kernel[tap], zeros, "NONE")
        last = tap == newest - 1
        sum_name = name if last else f"{name}.sum_{tap}"
        total = op.add(context.graph, total, term, sum_name, fused if last else "NONE")
    return total


def spatial_convolution(
    context: Context,
    layer: Convolution,
    x: TensorRef,
    name: str,
    kernel: FloatArray,
    bias: FloatArray,
    fused: op.Fused,
    quantization: QuantizationParameters | None = None,
) -> TensorRef:
    """A convolution of one frame, or of a vector."""
    graph = context.graph
    if len(x.shape) == 2:
        if _has_one_pixel_window(layer) and layer.groups == 1 and not layer.depthwise:
            int4 = name in context.plan.int4_kernels
            return op.fully_connected(graph, x, name, kernel[0, 0], bias, fused, int4=int4)
        x = context.as_frame(x, f"{name}.frame")
    window = op.Window(layer.kernel[1:], layer.stride, layer.dilation[1:], layer.padding)
    if layer.depthwise:
        return op.depthwise_conv_2d(graph, x, name, kernel, bias, window, fused, quantization)
    if layer.groups == 1:
        return op.conv_2d(graph, x, name, kernel, bias, window, fused, quantization)
    if kernel.shape[2] == 1:
        # One input each: a depthwise convolution of several outputs to an input.
        own = kernel[:, :, 0]
        return op.depthwise_conv_2d(graph, x, name, own, bias, window, fused, quantization)
    read, given = kernel.shape[2], layer.filters // layer.groups
    parts = []
    for group in range(layer.groups):
        filters = slice(group * given, (group + 1) * given)
        part = op.take(graph, x, f"{name}.group_{group}", 3, group * read, read)
        own, own_bias = kernel[..., filters], bias[filters]
        parts.append(op.conv_2d(graph, part, f"{name}.{group}", own, own_bias, window, fused))
    return op.concatenate(graph, parts, name, axis=3)


def _dense(context: Context, node: Node) -> TensorRef:
    layer = node.layer
    assert isinstance(layer, Dense)
    kernel, bias = context.kernel_and_bias(node.name)
    x = context.as_vector(context.value(node.inputs[0], int8=False), f"{node.name}.flat")
    return op.fully_connected(
        context.graph,
        x,
        node.name,
        kernel.reshape(-1, layer.units),
        bias,
        context.fused.get(node.name, "NONE"),
    )


def _pool(context: Context, node: Node) -> TensorRef:
    layer, graph = node.layer, context.graph
    assert isinstance(layer, Pool)
    x = context.as_frame(context.value(node.inputs[0], int8=False), f"{node.name}.frame")
    window = op.Window(layer.size, layer.stride, padding=layer.padding)
    size = x.shape[1], x.shape[2]
    amounts = padding_amounts(layer.padding, size, layer.size, layer.stride)
    same = padding_amounts("same", size, layer.size, layer.stride)
    pads_itself = layer.padding == "same" or not any(amounts) or amounts == same
    if layer.kind == "max" and not pads_itself:
        x = _surrounded(context, x, node.name, window)
        window = op.Window(layer.size, layer.stride, padding=(0, 0, 0, 0))
    if layer.kind == "max" or (pads_itself and not layer.counts_padding):
        return op.pool_2d(graph, x, node.name, layer.kind, window)
    x = op.pad(graph, x, f"{node.name}.padded", amounts) if any(amounts) else x
    inner = op.Window(layer.size, layer.stride, padding=(0, 0, 0, 0))
    if layer.counts_padding or not any(amounts):
        return op.pool_2d(graph, x, node.name, "average", inner)
    means = op.pool_2d(graph, x, f"{node.name}.with_padding", "average", inner)
    shares = _shares_of_frame(context.shapes[node.inputs[0]][:2], amounts, layer)
    factor = graph.constant(f"{node.name}.factor", shares)
    return op.multiply(graph, means, factor, node.name)


def _surrounded(context: Context, x: TensorRef, name: str, window: op.Window) -> TensorRef:
    """A frame inside numbers that no maximum is."""
    graph = context.graph
    for axis, (before, behind) in ((1, window.amounts(x)[:2]), (2, window.amounts(x)[2:])):
        parts = []
        for amount, side in ((before, "before"), (0, ""), (max(behind, 0), "behind")):
            if side and amount:
                shape = list(x.shape)
                shape[axis] = amount
                lowest = np.full(shape, np.finfo(np.float32).min, np.float32)
                parts.append(graph.constant(f"{name}.{side}_{axis}", lowest))
            elif not side:
                parts.append(x)
        if len(parts) > 1:
            x = op.concatenate(graph, parts, f"{name}.surrounded_{axis}", axis)
    return x


def _shares_of_frame(
    size: tuple[int, int], amounts: tuple[int, int, int, int], layer: Pool
) -> FloatArray:
    """What makes a mean over a window the mean over its part inside the frame."""
    inside = np.pad(np.ones(size), (amounts[:2], amounts[2:]))
    windows = np.lib.stride_tricks.sliding_window_view(inside, layer.size)
    counts = windows[:: layer.stride[0], :: layer.stride[1]].sum((2, 3))
    shares: FloatArray = (np.prod(layer.size) / counts).astype(np.float32)[None, ..., None]
    return shares


def _spatial_mean(context: Context, node: Node) -> TensorRef:
    quantization = context.plan.output(node.name)
    x = context.value(node.inputs[0], int8=quantization is not None)
    if len(x.shape) == 2:
        return x
    return op.spatial_mean(context.graph, x, node.name, quantization)


def _activation(context: Context, node: Node) -> TensorRef:
    """Computed in float; between int8 tensors, XNNPACK makes one table lookup of it."""
    assert isinstance(node.layer, Activation)
    source = node.inputs[0]
    if source in context.fused:
        return context.tensors[source]
    x = context.value(source, int8=False, pixels=context.pixels(source))
    values = _float_activation(context, node.layer.function, x, node.name)
    if context.tensors[source].quantization is None or node.name not in context.plan.tensors:
        return values
    stored = context.plan.tensors[node.name]
    return op.quantize(context.graph, values, f"{node.name}.int8", stored)


def _float_activation(
    context: Context, function: ActivationFunction, x: TensorRef, name: str
) -> TensorRef:
    graph = context.graph
    match function:
        case ActivationFunction.RELU | ActivationFunction.RELU6:
            return op.unary(graph, FUSED[function], x, name)
        case ActivationFunction.HARD_SWISH:
            return op.unary(graph, "HARD_SWISH", x, name)
        case ActivationFunction.SIGMOID:
            return op.unary(graph, "LOGISTIC", x, name)
        case ActivationFunction.TANH:
            return op.unary(graph, "TANH", x, name)
        case ActivationFunction.SWISH:
            return op.multiply(graph, x, op.unary(graph, "LOGISTIC", x, f"{name}.sigmoid"), name)
        case (
            ActivationFunction.HARD_SIGMOID
            | ActivationFunction.HARD_SIGMOID_KERAS
            | ActivationFunction.HARD_SIGMOID_SIXTH
        ):
            return _hard_sigmoid(context, x, name, *HARD_SIGMOIDS[function])
        case ActivationFunction.GELU:
            return op.gelu(graph, x, name, approximate=False)
        case ActivationFunction.GELU_TANH:
            return op.gelu(graph, x, name, approximate=True)


def _hard_sigmoid(
    context: Context, x: TensorRef, name: str, slope: float, factor: float
) -> TensorRef:
    """factor · relu6(slope · x + 3)."""
    graph = context.graph
    if slope != 1.0:
        x = op.multiply(graph, x, context.number(slope), f"{name}.slope")
    clipped = op.add(graph, x, context.number(3.0), f"{name}.relu6", "RELU6")
    return op.multiply(graph, clipped, context.number(factor), name)


def _leaky_relu(context: Context, node: Node) -> TensorRef:
    assert isinstance(node.layer, LeakyRelu)
    x = context.value(node.inputs[0], int8=False)
    return op.leaky_relu(context.graph, x, node.name, node.layer.slope)


def _parametric_relu(context: Context, node: Node) -> TensorRef:
    x = context.value(node.inputs[0], int8=False)
    return op.parametric_relu(context.graph, x, node.name, context.weights[f"{node.name}.slope"])


def _softmax(context: Context, node: Node) -> TensorRef:
    return op.softmax(context.graph, context.value(node.inputs[0], int8=False), node.name)


def _batch_normalization(context: Context, node: Node) -> TensorRef:
    """One that no convolution before it could take in."""
    assert isinstance(node.layer, BatchNormalization)
    gamma, beta, mean, variance = (
        context.weights[f"{node.name}.{name}"].astype(np.float64)
        for name in ("gamma", "beta", "mean", "variance")
    )
    factor = gamma / np.sqrt(variance + node.layer.epsilon)
    return _affine(context, node, factor, beta - mean * factor)


def _affine(context: Context, node: Node, factor: np.ndarray, offset: np.ndarray) -> TensorRef:
    graph, x = context.graph, context.value(node.inputs[0], int8=False)
    first = graph.constant(f"{node.name}.factor", factor.astype(np.float32)[None])
    second = graph.constant(f"{node.name}.offset", offset.astype(np.float32)[None])
    return op.add(graph, op.multiply(graph, x, first, f"{node.name}.scaled"), second, node.name)


def _channel_normalization(context: Context, node: Node) -> TensorRef:
    layer, graph, name = node.layer, context.graph, node.name
    assert isinstance(layer, ChannelNormalization)
    x = context.value(node.inputs[0], int8=False)
    mean = op.channel_mean(graph, x, f"{name}.mean")
    squares = op.squared_difference(graph, x, mean, f"{name}.squares")
    variance = op.channel_mean(graph, squares, f"{name}.variance")
    above = op.add(graph, variance, context.number(layer.epsilon), f"{name}.above_zero")
    factor = op.unary(graph, "RSQRT", above, f"{name}.rsqrt")
    centred = op.subtract(graph, x, mean, f"{name}.centred")
    normalised = op.multiply(graph, centred, factor, f"{name}.normalised")
    gamma = graph.constant(f"{name}.gamma", context.weights[f"{name}.gamma"][None])
    beta = graph.constant(f"{name}.beta", context.weights[f"{name}.beta"][None])
    return op.add(graph, op.multiply(graph, normalised, gamma, f"{name}.scaled"), beta, name)


def _scale(context: Context, node: Node) -> TensorRef:
    """One that no convolution before it could take in."""
    x = context.value(node.inputs[0], int8=False)
    factor = context.number(float(context.weights[f"{node.name}.scale"]))
    return op.multiply(context.graph, x, factor, node.name)


def _add(context: Context, node: Node) -> TensorRef:
    x, y = (context.value(name, int8=False) for name in node.inputs)
    return op.add(context.graph, x, y, node.name, context.fused.get(node.name, "NONE"))


def _multiply(context: Context, node: Node) -> TensorRef:
    quantization = context.plan.output(node.name)
    x, y = (context.value(name, int8=quantization is not None) for name in node.inputs)
    return op.multiply(context.graph, x, y, node.name, quantization)


def _concatenate(context: Context, node: Node) -> TensorRef:
    inputs = [context.value(name, int8=False) for name in node.inputs]
    if len({len(x.shape) for x in inputs}) > 1:
        inputs = [
            context.as_vector(x, f"{node.name}.vector_{index}") for index, x in enumerate(inputs)
        ]
    return op.concatenate(context.graph, inputs, node.name, len(inputs[0].shape) - 1)


def _slice(context: Context, node: Node) -> TensorRef:
    layer = node.layer
    assert isinstance(layer, Slice)
    x = context.value(node.inputs[0], int8=False)
    axis = len(x.shape) - 1
    return op.take(context.graph, x, node.name, axis, layer.start, layer.stop - layer.start)


def _temporal_mean(context: Context, node: Node) -> TensorRef:
    x = context.value(node.inputs[0], int8=False)
    return context.writer.running_mean(
        context.states[node.name], x, for_float16=context.for_float16
    )


def _window_mean(context: Context, node: Node) -> TensorRef:
    assert isinstance(node.layer, WindowMean)
    frames, x = node.layer.frames, context.value(node.inputs[0], int8=False)
    if frames == 1:
        return x
    graph = context.graph
    total = x
    for index, frame in enumerate(reversed(context.remembered(node.name, x))):
        total = op.add(graph, total, frame, f"{node.name}.sum_{index}")
    weight = context.writer.window_weight(frames, node.delay_frames)
    return op.multiply(graph, total, weight, node.name)


def _delay(context: Context, node: Node) -> TensorRef:
    return context.remembered(node.name, context.stored(node.inputs[0]))[0]


def _previous(context: Context, node: Node) -> TensorRef:
    """Its new state is written when it is known."""
    layer = node.layer
    assert isinstance(layer, Previous)
    shape = (1, layer.shape[2]) if layer.shape[:2] == (1, 1) else (1, *layer.shape)
    return context.writer.previous(context.states[node.name], shape)


def _positional_encoding(context: Context, node: Node) -> TensorRef:
    graph, x = context.graph, context.value(node.inputs[0], int8=False)
    position = context.writer.position(node.state or node.name, node.delay_frames)
    channels = x.shape[-1]
    if (position.index, channels) not in context.encodings:
        name = f"encoding_{channels}" if position.shape == (1, 1) else f"{node.name}.encoding"
        frequencies = encoding_frequencies(channels)[None]
        radians = op.multiply(
            graph, position, graph.constant(f"{name}.frequencies", frequencies), f"{name}.radians"
        )
        halves = [op.unary(graph, code, radians, f"{name}.{code}") for code in ("SIN", "COS")]
        context.encodings[position.index, channels] = op.concatenate(graph, halves, name, axis=1)
    scale = context.number(float(context.weights[f"{node.name}.scale"]))
    encoding = context.encodings[position.index, channels]
    scaled = op.multiply(graph, encoding, scale, f"{node.name}.scaled")
    return op.add(graph, x, scaled, node.name)


RULES: dict[type[Layer], Rule] = {
    Image: _image,
    Convolution: _convolution,
    Dense: _dense,
    Pool: _pool,
    SpatialMean: _spatial_mean,
    Activation: _activation,
    LeakyRelu: _leaky_relu,
    ParametricRelu: _parametric_relu,
    Softmax: _softmax,
    BatchNormalization: _batch_normalization,
    ChannelNormalization: _channel_normalization,
    Scale: _scale,
    Add: _add,
    Multiply: _multiply,
    Concatenate: _concatenate,
    Slice: _slice,
    TemporalMean: _temporal_mean,
    WindowMean: _window_mean,
    Delay: _delay,
    Previous: _previous,
    PositionalEncoding: _positional_encoding,
}
