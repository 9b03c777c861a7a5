"""What a network costs, computed from its description: parameters, multiply-adds, memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from movistream_converters.ir.layers import RULES, SpatialMean, TemporalMean
from movistream_converters.ir.network import Network, multiply_adds, node_shapes, weight_shapes
from movistream_converters.ir.states import network_states
from movistream_converters.ir.weights import STATISTICS, node_and_weight

BYTES_PER_VALUE = 4


@dataclass(frozen=True)
class Cost:
    """Figures of one network at its image size, in float32.

    Attributes:
        parameters: stored numbers, batch norm's statistics included.
        trained_parameters: those that gradients change.
        multiply_adds_per_frame: of convolutions, for one frame of a long video. A base network's
            per-clip layers (after its mean over time) are not in it.
        multiply_adds_per_clip: of convolutions run once per clip; 0 for a stream network, where
            every layer runs on every frame.
        state_bytes: carried from frame to frame; 0 for a base network.
    """

    parameters: int
    trained_parameters: int
    multiply_adds_per_frame: int
    multiply_adds_per_clip: int
    state_bytes: int


def network_cost(network: Network) -> Cost:
    """Prices a network."""
    per_clip = set() if network.causal else _per_clip_nodes(network)
    work = multiply_adds(network)
    states = network_states(network) if network.causal else ()
    sizes = {name: math.prod(shape) for name, shape in weight_shapes(network).items()}
    return Cost(
        parameters=sum(sizes.values()),
        trained_parameters=sum(
            size for name, size in sizes.items() if node_and_weight(name)[1] not in STATISTICS
        ),
        multiply_adds_per_frame=sum(count for name, count in work.items() if name not in per_clip),
        multiply_adds_per_clip=sum(work[name] for name in per_clip),
        state_bytes=sum(BYTES_PER_VALUE * s.frames * math.prod(s.shape) for s in states),
    )


def peak_activation_bytes(network: Network, frames: int = 1) -> int:
    """The most that a network's activations take at once, in float32, from layer to layer.

    Pointwise layers write over what they read, where nobody reads it afterwards. States are not
    in it.

    Args:
        frames: that go through together: a base network's whole clip.
    """
    shapes = node_shapes(network)
    once = _per_clip_nodes(network) if not network.causal else set()
    last_reader = {name: index for index, node in enumerate(network.nodes) for name in node.inputs}
    alive: dict[str, int] = {}
    owner: dict[str, str] = {}
    peak = 0
    for index, node in enumerate(network.nodes):
        in_place = RULES[type(node.layer)].is_pointwise and last_reader[node.inputs[0]] == index
        owner[node.name] = owner[node.inputs[0]] if in_place else node.name
        count = 1 if node.name in once else frames
        alive[owner[node.name]] = BYTES_PER_VALUE * count * math.prod(shapes[node.name])
        peak = max(peak, sum(alive.values()))
        for name in node.inputs:
            if last_reader[name] == index and owner[name] != owner[node.name]:
                alive.pop(owner[name], None)
    return peak


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
