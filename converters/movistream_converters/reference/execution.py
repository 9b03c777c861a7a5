"""Executes a network on a whole clip, or on any part of one, with TensorFlow.

This is the reference that every compiled step is judged against, and the differentiable form that
training uses: batch × time at once, starting from given states and returning the new ones, so that
a clip may be processed in pieces (stream-buffer training, arXiv 2103.11511, section 3.2). What each
layer computes is in :mod:`.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec
import tensorflow as tf

from movistream_converters.ir.layers import Previous
from movistream_converters.ir.network import Network, Node
from movistream_converters.ir.states import CLOCK, network_states
from movistream_converters.reference.rules import RULES, Execution, Statistics, Tensor, activate

__all__ = [
    "Rounding",
    "Statistics",
    "Tensor",
    "activate",
    "initial_states",
    "run_clip",
    "run_nodes",
]

Rounding: TypeAlias = Callable[[Node, Tensor], Tensor]
"""What a node's output becomes in a precision below float32."""


def initial_states(network: Network, batch_size: int = 1) -> dict[str, Tensor]:
    """Zero states by node: buffers (batch, frames, height, width, channels), others with one frame.

    Beside them ``clock``, the frames seen since the reset, where something goes by it. A network
    that is not causal has none.
    """
    if not network.causal:
        return {}
    states = network_states(network)
    zeros = {
        state.node: tf.zeros((batch_size, state.frames, *state.shape))
        for state in states
        if state.role != "clock"
    }
    if any(state.role == "clock" or state.delay_frames for state in states):
        zeros[CLOCK] = tf.zeros((batch_size, 1, 1, 1, 1))
    return zeros


def run_clip(
    network: Network,
    weights: Mapping[str, Tensor],
    images: Tensor,
    states: Mapping[str, Tensor] | None = None,
    statistics: Statistics | None = None,
    rounded: Rounding | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Runs consecutive frames of a batch of videos through a network.

    Args:
        network: one that is not causal takes whole clips.
        weights: arrays, tensors or variables by canonical name (:func:`.ir.network.weight_shapes`).
        images: float32 (batch, time, height, width, channels), as the network sees them (see
            :class:`.layers.Image`); any height and width.
        states: what an earlier call returned; by default the start of a video.
        statistics: if given, batch norms normalise by the mean and variance of these very frames,
            as in training, and put them here.
        rounded: see :func:`run_nodes`.

    Returns:
        Logits (batch, time, classes), the ones after each frame, and the states after the last.
        A network that is not causal gives logits of the clip, with a time of 1.

    Raises:
        ValueError: if the statistics of a recurrent network are asked for.
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
        sized = msgspec.structs.replace(network, image_size=(height, width))
        states = initial_states(sized, images.shape[0])
    if not any(isinstance(node.layer, Previous) for node in network.nodes):
        return _run(network, weights, images, states, statistics, rounded)
    if statistics is not None:
        raise ValueError(
            f"{network.name} is recurrent: it runs frame by frame, so batch norms cannot normalise"
            " by the statistics of all frames"
        )
    each: list[dict[str, Tensor]] = []
    for index in range(images.shape[1]):
        now = images[:, index : index + 1]
        values, states = _run(network, weights, now, states, None, rounded)
        each.append(values)
    return {name: tf.concat([v[name] for v in each], axis=1) for name in each[0]}, dict(states)


def _run(
    network: Network,
    weights: Mapping[str, Tensor],
    images: Tensor,
    states: Mapping[str, Tensor],
    statistics: Statistics | None,
    rounded: Rounding | None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    run = Execution(weights, network.causal, states, statistics=statistics)
    values: dict[str, Tensor] = {}
    for node in network.nodes:
        is_previous = isinstance(node.layer, Previous)
        inputs = [] if is_previous else [values[name] for name in node.inputs]
        value = RULES[type(node.layer)](run, node, inputs or [images])
        values[node.name] = value if rounded is None else rounded(node, value)
    for node in network.nodes:
        if isinstance(node.layer, Previous):
            kept = values[node.inputs[0]]
            run.new_states[node.name] = run.of_the_video(node, kept, run.states[node.name])
    if CLOCK in states:
        run.new_states[CLOCK] = states[CLOCK] + tf.cast(tf.shape(images)[1], tf.float32)
    return values, run.new_states
