"""What each layer computes, on a batch of clips, with TensorFlow.

One row of :data:`RULES` for each layer of the vocabulary. Tensors are
(batch, time, height, width, channels); what a mean over a whole clip gives has a time of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import tensorflow as tf

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
from movistream_converters.ir.states import CLOCK

Tensor: TypeAlias = Any
"""A TensorFlow tensor (the library ships no types)."""

Statistics: TypeAlias = dict[str, tuple[Tensor, Tensor]]
"""Mean and variance, (channels,) each, of what batch norms saw, by node name."""


@dataclass
class Execution:
    """One run over consecutive frames.

    Attributes:
        weights: by canonical name.
        causal: whether time is padded in the past only, and means are cumulative.
        states: before the first of the frames, by node.
        new_states: after the last, filled while nodes run.
        statistics: filled by batch norms that normalise by the frames themselves; None if they
            take what is stored.
    """

    weights: Mapping[str, Tensor]
    causal: bool
    states: Mapping[str, Tensor]
    new_states: dict[str, Tensor] = field(default_factory=dict)
    statistics: Statistics | None = None

    def weight(self, node: Node, name: str) -> Tensor:
        """A weight of a node."""
        return self.weights[f"{node.name}.{name}"]

    def frames_before(self, node: Node, x: Tensor) -> Tensor:
        """How many frames a node had seen before each of these; below 0 before its first."""
        return self.states[CLOCK] + _frame_numbers(x) - node.delay_frames

    def of_the_video(self, node: Node, x: Tensor, otherwise: Tensor) -> Tensor:
        """Frames that a node reads, where they are of the video and not from before it."""
        if not node.delay_frames:
            return x
        return tf.where(self.frames_before(node, x) >= 0, x, otherwise)

    def with_past(self, node: Node, x: Tensor, past_frames: int) -> Tensor:
        """Frames with those before them; the last ones are kept for the next run."""
        if not past_frames:
            return x
        if not self.causal:
            before = past_frames // 2
            return tf.pad(x, ((0, 0), (before, past_frames - before), (0, 0), (0, 0), (0, 0)))
        x = tf.concat([self.states[node.name], self.of_the_video(node, x, 0.0)], axis=1)
        self.new_states[node.name] = x[:, -past_frames:]
        return x


Rule: TypeAlias = Callable[[Execution, Node, list[Tensor]], Tensor]

_LEAST_FUSED_EPSILON = 1.001e-5
"""Of batch norms; below it, the fused operator takes this in its place."""


def _image(_: Execution, __: Node, inputs: list[Tensor]) -> Tensor:
    return inputs[0]


def _convolution(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    layer, x = node.layer, inputs[0]
    assert isinstance(layer, Convolution)
    kernel, frame_count = run.weight(node, "kernel"), x.shape[1]
    frames = run.with_past(node, x, layer.past_frames)
    if _is_temporal(layer) and not node.delay_frames:
        y = _temporal_convolution(frames, kernel)
        return y + run.weight(node, "bias") if layer.bias else y
    y = 0.0
    for tap in range(layer.kernel[0]):
        first = tap * layer.dilation[0]
        # The present frame is seen even where it is from before the video.
        is_present = run.causal and first == layer.past_frames
        seen = x if is_present else frames[:, first : first + frame_count]
        y += _spatial_convolution(layer, seen, kernel[tap])
    return y + run.weight(node, "bias") if layer.bias else y


def _is_temporal(layer: Convolution) -> bool:
    """Whether it mixes neighbouring frames of each pixel and channel, and nothing else."""
    around = layer.kernel[1:], layer.stride, layer.padding, layer.dilation[0]
    return layer.depthwise and layer.kernel[0] > 1 and around == ((1, 1), (1, 1), "same", 1)


def _temporal_convolution(frames: Tensor, kernel: Tensor) -> Tensor:
    """As a 2-D convolution over frames and pixels: its gradient takes a 25th of the time that those
    of slices of frames take.
    """
    _, count, height, width, channels = frames.shape
    rows = tf.reshape(frames, (-1, count, height * width, channels))
    taps = kernel[:, 0, 0][:, None, :, None]
    mixed = tf.nn.depthwise_conv2d(rows, taps, (1, 1, 1, 1), "VALID")
    return tf.reshape(mixed, (-1, count - kernel.shape[0] + 1, height, width, channels))


def _spatial_convolution(layer: Convolution, x: Tensor, kernel: Tensor) -> Tensor:
    """One temporal tap: a 2-D convolution of every frame."""
    per_pixel = (layer.kernel[1:], layer.stride, layer.padding) == ((1, 1), (1, 1), "same")
    if layer.depthwise and per_pixel:
        return x * kernel[0, 0]
    dilation = layer.dilation[1:]
    # TensorFlow has no depthwise convolution with strides that differ, or with a dilation too, and
    # its others with strides that differ read beyond their input (oneDNN, one channel, one column).
    stride = layer.stride if layer.stride[0] == layer.stride[1] else (1, 1)
    if (
        layer.padding == "same"
        and (dilation, layer.groups) == ((1, 1), 1)
        and stride == layer.stride
    ):
        if not layer.depthwise:
            return per_frame(lambda frames: tf.nn.conv2d(frames, kernel, stride, "SAME"), x)
        return per_frame(
            lambda frames: tf.nn.depthwise_conv2d(
                frames, kernel[..., None], (1, *stride, 1), "SAME"
            ),
            x,
        )
    x = _padded(x, layer.padding, layer.kernel[1:], layer.stride, dilation)
    if layer.depthwise:
        stride = (1, 1)
        y = per_frame(
            lambda frames: tf.nn.depthwise_conv2d(
                frames, kernel[..., None], (1, 1, 1, 1), "VALID", dilations=dilation
            ),
            x,
        )
    else:
        parts = zip(
            tf.split(x, layer.groups, axis=-1), tf.split(kernel, layer.groups, axis=-1), strict=True
        )
        y = tf.concat(
            [
                per_frame(
                    lambda frames, k=k: tf.nn.conv2d(
                        frames, k, stride, "VALID", dilations=dilation
                    ),
                    part,
                )
                for part, k in parts
            ],
            axis=-1,
        )
    return y if stride == layer.stride else y[:, :, :: layer.stride[0], :: layer.stride[1]]


def _padded(
    x: Tensor,
    padding: Any,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
    value: float = 0.0,
) -> Tensor:
    size = x.shape[2], x.shape[3]
    top, bottom, left, right = padding_amounts(padding, size, kernel, stride, dilation)
    if not (top or bottom or left or right):
        return x
    return tf.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _dense(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, Dense)
    y = tf.einsum("bthwc,hwcu->btu", inputs[0], run.weight(node, "kernel"))[:, :, None, None]
    return y + run.weight(node, "bias") if node.layer.bias else y


def _batch_normalization(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, BatchNormalization)
    mean, variance, gamma, beta = (
        run.weight(node, name) for name in ("mean", "variance", "gamma", "beta")
    )
    if run.statistics is None:
        return tf.nn.batch_normalization(inputs[0], mean, variance, beta, gamma, node.layer.epsilon)
    if node.layer.epsilon < _LEAST_FUSED_EPSILON:
        mean, variance = run.statistics[node.name] = tf.nn.moments(inputs[0], (0, 1, 2, 3))
        return tf.nn.batch_normalization(inputs[0], mean, variance, beta, gamma, node.layer.epsilon)
    # One operator, whose gradient takes a third of the time.
    flat = tf.reshape(inputs[0], (-1, *inputs[0].shape[2:]))
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        flat, gamma, beta, epsilon=node.layer.epsilon, is_training=True
    )
    # It gives the unbiased variance, and normalises by the other.
    count = tf.cast(tf.reduce_prod(tf.shape(flat)[:3]), tf.float32)
    run.statistics[node.name] = mean, variance * (count - 1.0) / count
    return tf.reshape(y, tf.shape(inputs[0]))


def _channel_normalization(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, ChannelNormalization)
    mean, variance = tf.nn.moments(inputs[0], -1, keepdims=True)
    gamma, beta = run.weight(node, "gamma"), run.weight(node, "beta")
    return tf.nn.batch_normalization(inputs[0], mean, variance, beta, gamma, node.layer.epsilon)


def activate(function: ActivationFunction, x: Tensor) -> Tensor:
    """Applies a function of one number."""
    match function:
        case ActivationFunction.RELU:
            return tf.nn.relu(x)
        case ActivationFunction.RELU6:
            return tf.nn.relu6(x)
        case ActivationFunction.SWISH:
            return x * tf.sigmoid(x)
        case ActivationFunction.HARD_SWISH:
            return x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)
        case ActivationFunction.SIGMOID:
            return tf.sigmoid(x)
        case ActivationFunction.HARD_SIGMOID | ActivationFunction.HARD_SIGMOID_SIXTH:
            return tf.nn.relu6(x + 3.0) * HARD_SIGMOIDS[function][1]
        case ActivationFunction.HARD_SIGMOID_KERAS:
            return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)
        case ActivationFunction.TANH:
            return tf.tanh(x)
        case ActivationFunction.GELU:
            return tf.nn.gelu(x, approximate=False)
        case ActivationFunction.GELU_TANH:
            return tf.nn.gelu(x, approximate=True)


def _activation(_: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, Activation)
    return activate(node.layer.function, inputs[0])


def _leaky_relu(_: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, LeakyRelu)
    return tf.maximum(inputs[0], 0.0) + node.layer.slope * tf.minimum(inputs[0], 0.0)


def _parametric_relu(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    return tf.maximum(inputs[0], 0.0) + run.weight(node, "slope") * tf.minimum(inputs[0], 0.0)


def _softmax(_: Execution, __: Node, inputs: list[Tensor]) -> Tensor:
    return tf.nn.softmax(inputs[0])


def _scale(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    return inputs[0] * run.weight(node, "scale")


def _pool(_: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    layer, x = node.layer, inputs[0]
    assert isinstance(layer, Pool)
    if layer.kind == "max":
        x = _padded(x, layer.padding, layer.size, layer.stride, value=x.dtype.min)
        return per_frame(
            lambda frames: tf.nn.max_pool2d(frames, layer.size, layer.stride, "VALID"), x
        )
    if layer.padding == "same" and not layer.counts_padding:
        return per_frame(
            lambda frames: tf.nn.avg_pool2d(frames, layer.size, layer.stride, "SAME"), x
        )

    def means(values: Tensor) -> Tensor:
        padded = _padded(values, layer.padding, layer.size, layer.stride)
        return per_frame(
            lambda frames: tf.nn.avg_pool2d(frames, layer.size, layer.stride, "VALID"), padded
        )

    return means(x) if layer.counts_padding else means(x) / means(tf.ones_like(x[:1, :1, ..., :1]))


def _spatial_mean(_: Execution, __: Node, inputs: list[Tensor]) -> Tensor:
    return tf.reduce_mean(inputs[0], (2, 3), keepdims=True)


def _temporal_mean(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, TemporalMean)
    if not run.causal:
        return tf.reduce_mean(inputs[0], 1, keepdims=True)
    before = run.states[node.name]
    x = run.of_the_video(node, inputs[0], 0.0)
    seen = tf.maximum(run.frames_before(node, x), 0.0)
    mean = _running_mean(x, before, seen, node.layer.horizon_frames)
    run.new_states[node.name] = mean[:, -1:]
    return run.of_the_video(node, mean, inputs[0])


def _running_mean(x: Tensor, before: Tensor, seen: Tensor, horizon_frames: int | None) -> Tensor:
    """The mean after each frame, given the mean over the frames already seen.

    Args:
        seen: how many those are, before each frame.
    """
    if horizon_frames is None:
        return (before * seen[:, :1] + tf.cumsum(x, axis=1)) / (seen + 1.0)
    weights = 1.0 / (tf.minimum(seen, horizon_frames - 1.0) + 1.0)
    means = []
    for index in range(x.shape[1]):
        now = slice(index, index + 1)
        before += (x[:, now] - before) * weights[:, now]
        means.append(before)
    return tf.concat(means, axis=1)


def _window_mean(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, WindowMean)
    frames, count = node.layer.frames, inputs[0].shape[1]
    x = run.with_past(node, inputs[0], frames - 1)
    total = inputs[0]
    for first in range(frames - 1):
        total += x[:, first : first + count]
    seen = tf.maximum(run.frames_before(node, inputs[0]), 0.0) + 1.0
    return total / tf.minimum(seen, float(frames))


def _delay(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, Delay)
    return run.with_past(node, inputs[0], node.layer.frames)[:, : inputs[0].shape[1]]


def _previous(run: Execution, node: Node, _: list[Tensor]) -> Tensor:
    return run.states[node.name]


def _positional_encoding(run: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    x = inputs[0]
    index = tf.maximum(run.frames_before(node, x), 0.0) if run.causal else _frame_numbers(x)
    radians = index * encoding_frequencies(x.shape[-1])
    encoding = tf.concat([tf.sin(radians), tf.cos(radians)], axis=-1)
    return x + run.weight(node, "scale") * encoding


def _frame_numbers(x: Tensor) -> Tensor:
    """0, 1, 2 … along the time of a (batch, time, height, width, channels) tensor."""
    return tf.reshape(tf.range(tf.shape(x)[1], dtype=tf.float32), (1, -1, 1, 1, 1))


def _add(_: Execution, __: Node, inputs: list[Tensor]) -> Tensor:
    return inputs[0] + inputs[1]


def _multiply(_: Execution, __: Node, inputs: list[Tensor]) -> Tensor:
    return inputs[0] * inputs[1]


def _concatenate(_: Execution, __: Node, inputs: list[Tensor]) -> Tensor:
    longest = max(x.shape[1] for x in inputs)
    return tf.concat(
        [x if x.shape[1] == longest else tf.repeat(x, longest, axis=1) for x in inputs], axis=-1
    )


def _slice(_: Execution, node: Node, inputs: list[Tensor]) -> Tensor:
    assert isinstance(node.layer, Slice)
    return inputs[0][..., node.layer.start : node.layer.stop]


def per_frame(function: Any, x: Tensor) -> Tensor:
    """Applies a function of (frames, height, width, channels) to every frame of a batch."""
    frames = function(tf.reshape(x, (-1, *x.shape[2:])))
    return tf.reshape(frames, (x.shape[0], -1, *frames.shape[1:]))


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
