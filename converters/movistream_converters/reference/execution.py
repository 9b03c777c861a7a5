"""Executes a network on a whole clip, or on any part of one, with TensorFlow.

This is the reference that every compiled step is judged against, and the differentiable form that
training uses: batch × time at once, starting from given states and returning the new ones, so that
a clip may be processed in pieces (stream-buffer training, arXiv 2103.11511, section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import tensorflow as tf

from movistream_converters.ir.network import (
    Activation,
    ActivationFunction,
    Add,
    AveragePool,
    BatchNormalization,
    Concatenate,
    Convolution,
    Image,
    Multiply,
    Network,
    Node,
    PositionalEncoding,
    Scale,
    SpatialMean,
    TemporalMean,
    encoding_frequencies,
)
from movistream_converters.ir.states import CLOCK, network_states

Tensor: TypeAlias = Any
"""A TensorFlow tensor (the library ships no types)."""

Statistics: TypeAlias = dict[str, tuple[Tensor, Tensor]]
"""Mean and variance, (channels,) each, of what batch norms saw, by node name."""

Rounding: TypeAlias = Callable[[Node, Tensor], Tensor]
"""What a node's output becomes in a precision below float32."""


def initial_states(network: Network, batch_size: int = 1) -> dict[str, Tensor]:
    """Zero states: buffers (batch, frames, height, width, channels), others with frames = 1."""
    return {
        state.name: tf.zeros((batch_size, state.frames, *state.shape))
        for state in network_states(network)
    }


def run_clip(
    network: Network,
    weights: Mapping[str, Tensor],
    images: Tensor,
    states: Mapping[str, Tensor] | None = None,
    statistics: Statistics | None = None,
    rounded: Rounding | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Runs consecutive frames of a batch of videos through a causal network.

    Args:
        network: a causal network.
        weights: arrays, tensors or variables by canonical name (:func:`.ir.network.weight_shapes`).
        images: float32 (batch, time, height, width, 3), values in [0, 1]; any height and width.
        states: what an earlier call returned; by default the start of a video.
        statistics: if given, batch norms normalise by the mean and variance of these very frames,
            as in training, and put them here.
        rounded: see :func:`run_nodes`.

    Returns:
        Logits (batch, time, classes), the ones after each frame, and the states after the last.
    """
    values, states = run_nodes(network, weights, images, states, statistics, rounded)
    logits = values[network.nodes[-1].name]
    return tf.squeeze(logits, (2, 3)), states


def run_nodes(
    network: Network,
    weights: Mapping[str, Tensor],
    images: Tensor,
    states: Mapping[str, Tensor] | None = None,
    statistics: Statistics | None = None,
    rounded: Rounding | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """As :func:`run_clip`, but returns the output of every node by name.

    Args:
        rounded: if given, what becomes of each node's output before other nodes read it.
    """
    images = tf.convert_to_tensor(images, tf.float32)
    if states is None:
        height, width = images.shape[2:4]
        sized = Network(network.name, network.nodes, (height, width), network.causal)
        states = initial_states(sized, images.shape[0])
    new_states: dict[str, Tensor] = {}
    values: dict[str, Tensor] = {}
    for node in network.nodes:
        inputs = [values[name] for name in node.inputs] if node.inputs else [images]
        value = _run_node(node, inputs, weights, states, new_states, statistics)
        values[node.name] = value if rounded is None else rounded(node, value)
    if CLOCK in states:
        new_states[CLOCK] = states[CLOCK] + tf.cast(tf.shape(images)[1], tf.float32)
    return values, new_states


def _run_node(
    node: Node,
    inputs: list[Tensor],
    weights: Mapping[str, Tensor],
    states: Mapping[str, Tensor],
    new_states: dict[str, Tensor],
    statistics: Statistics | None,
) -> Tensor:
    x = inputs[0]
    match node.layer:
        case Image():
            return x
        case Convolution():
            return _convolution(node, x, weights, states, new_states)
        case BatchNormalization(epsilon):
            mean, variance, gamma, beta = (
                weights[f"{node.name}.{key}"] for key in ("mean", "variance", "gamma", "beta")
            )
            if statistics is not None:
                mean, variance = statistics[node.name] = tf.nn.moments(x, (0, 1, 2, 3))
            return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)
        case Activation(function):
            return activate(function, x)
        case Scale():
            return x * weights[f"{node.name}.scale"]
        case AveragePool(size, stride):
            return _per_frame(
                lambda frames: tf.nn.avg_pool2d(frames, size, stride, padding="SAME"), x
            )
        case SpatialMean():
            return tf.reduce_mean(x, (2, 3), keepdims=True)
        case TemporalMean(horizon_frames):
            mean = _running_mean(x, states[node.name], states[CLOCK], horizon_frames)
            new_states[node.name] = mean[:, -1:]
            return mean
        case PositionalEncoding():
            position = states[CLOCK] + _frame_numbers(x)
            radians = position * encoding_frequencies(x.shape[-1])
            encoding = tf.concat([tf.sin(radians), tf.cos(radians)], axis=-1)
            return x + weights[f"{node.name}.scale"] * encoding
        case Concatenate():
            return tf.concat(inputs, axis=-1)
        case Multiply():
            return x * inputs[1]
        case Add():
            return x + inputs[1]


def activate(function: ActivationFunction, x: Tensor) -> Tensor:
    """Applies a pointwise function."""
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
        case ActivationFunction.HARD_SIGMOID:
            return tf.nn.relu6(x + 3.0) * 0.16667
        case ActivationFunction.HARD_SIGMOID_KERAS:
            return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


def _running_mean(x: Tensor, before: Tensor, seen: Tensor, horizon_frames: int | None) -> Tensor:
    """The mean after each frame, given the mean over the frames already seen."""
    if horizon_frames is None:
        return (before * seen + tf.cumsum(x, axis=1)) / (seen + _frame_numbers(x) + 1.0)
    weights = 1.0 / (tf.minimum(seen + _frame_numbers(x), horizon_frames - 1.0) + 1.0)
    means = []
    for index in range(x.shape[1]):
        now = slice(index, index + 1)
        before += (x[:, now] - before) * weights[:, now]
        means.append(before)
    return tf.concat(means, axis=1)


def _frame_numbers(x: Tensor) -> Tensor:
    """0, 1, 2 … along the time of a (batch, time, height, width, channels) tensor."""
    return tf.reshape(tf.range(tf.shape(x)[1], dtype=tf.float32), (1, -1, 1, 1, 1))


def _per_frame(function: Any, x: Tensor) -> Tensor:
    """Applies a function of (frames, height, width, channels) to every frame of a batch."""
    frames = function(tf.reshape(x, (-1, *x.shape[2:])))
    return tf.reshape(frames, (x.shape[0], -1, *frames.shape[1:]))


def _convolution(
    node: Node,
    x: Tensor,
    weights: Mapping[str, Tensor],
    states: Mapping[str, Tensor],
    new_states: dict[str, Tensor],
) -> Tensor:
    layer = node.layer
    assert isinstance(layer, Convolution)
    kernel = weights[f"{node.name}.kernel"]
    past_frames = layer.kernel[0] - 1
    frame_count = x.shape[1]
    if past_frames:
        x = tf.concat([states[node.name], x], axis=1)
        new_states[node.name] = x[:, -past_frames:]
    y = _spatial_convolution(layer, x[:, :frame_count], kernel[0])
    for tap in range(1, past_frames + 1):
        y += _spatial_convolution(layer, x[:, tap : tap + frame_count], kernel[tap])
    return y + weights[f"{node.name}.bias"] if layer.bias else y


def _spatial_convolution(layer: Convolution, x: Tensor, kernel: Tensor) -> Tensor:
    """One temporal tap: a 2-D convolution of every frame."""
    if layer.depthwise:
        if layer.kernel[1:] == (1, 1) and layer.stride == 1:
            return x * kernel[0, 0]
        strides = (1, layer.stride, layer.stride, 1)
        return _per_frame(
            lambda frames: tf.nn.depthwise_conv2d(frames, kernel[..., None], strides, "SAME"), x
        )
    return _per_frame(lambda frames: tf.nn.conv2d(frames, kernel, layer.stride, "SAME"), x)
