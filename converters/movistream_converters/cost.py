"""What a network costs, computed from its description: parameters, multiply-adds, memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from movistream_converters.network import (
    Convolution,
    Network,
    Node,
    SpatialMean,
    TemporalMean,
    node_shapes,
    weight_shapes,
)
from movistream_converters.states import network_states

BYTES_PER_VALUE = 4


@dataclass(frozen=True)
class Cost:
    """Figures of one network at its image size, in float32.

    Attributes:
        parameters: trained numbers, batch norm's statistics included.
        multiply_adds_per_frame: of convolutions, for one frame of a long video. A base network's
            per-clip layers (after its mean over time) are not in it.
        multiply_adds_per_clip: of convolutions run once per clip; 0 for a stream network, where
            every layer runs on every frame.
        state_bytes: carried from frame to frame; 0 for a base network.
        largest_activation_bytes: of one frame's largest layer input plus output.
    """

    parameters: int
    multiply_adds_per_frame: int
    multiply_adds_per_clip: int
    state_bytes: int
    largest_activation_bytes: int


def network_cost(network: Network) -> Cost:
    """Prices a network."""
    shapes = node_shapes(network)
    per_clip = set() if network.causal else _per_clip_nodes(network)
    multiply_adds = {node.name: _multiply_adds(node, shapes) for node in network.nodes}
    activations = (
        math.prod(shapes[node.name]) + sum(math.prod(shapes[name]) for name in node.inputs)
        for node in network.nodes
    )
    states = network_states(network) if network.causal else ()
    return Cost(
        parameters=sum(math.prod(shape) for shape in weight_shapes(network).values()),
        multiply_adds_per_frame=sum(
            count for name, count in multiply_adds.items() if name not in per_clip
        ),
        multiply_adds_per_clip=sum(multiply_adds[name] for name in per_clip),
        state_bytes=sum(BYTES_PER_VALUE * s.frames * math.prod(s.shape) for s in states),
        largest_activation_bytes=BYTES_PER_VALUE * max(activations),
    )


def _multiply_adds(node: Node, shapes: dict[str, tuple[int, int, int]]) -> int:
    if not isinstance(node.layer, Convolution):
        return 0
    inputs = 1 if node.layer.depthwise else shapes[node.inputs[0]][2]
    return math.prod(shapes[node.name]) * math.prod(node.layer.kernel) * inputs


def _per_clip_nodes(network: Network) -> set[str]:
    """Nodes whose output has no time left: behind a mean over the clip, before the gate's frames.

    A spatial mean keeps time, and so does whatever reads one frame-wise input.
    """
    once: set[str] = set()
    for node in network.nodes:
        inputs_once = bool(node.inputs) and all(name in once for name in node.inputs)
        if isinstance(node.layer, TemporalMean) or (
            inputs_once and not isinstance(node.layer, SpatialMean)
        ):
            once.add(node.name)
    return once
