"""The states of a stream: what a causal network remembers between frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from movistream_converters.ir.network import (
    Network,
    PositionalEncoding,
    TemporalMean,
    node_shapes,
    temporal_convolutions,
)

Role = Literal["buffer", "pool", "clock"]

CLOCK = "clock"


@dataclass(frozen=True)
class NetworkState:
    """One thing remembered, before any file layout gives it tensors.

    Attributes:
        name: the node that it belongs to, or ``clock``.
        role: ``buffer`` holds a temporal convolution's past input frames, ``pool`` a running mean,
            ``clock`` the number of frames seen since the reset.
        frames: past frames kept; 1 for a pool and the clock.
        shape: (height, width, channels) of each.
    """

    name: str
    role: Role
    frames: int
    shape: tuple[int, int, int]


def network_states(network: Network) -> tuple[NetworkState, ...]:
    """The states of a causal network, in execution order, the clock last.

    There is one clock: every pool of a stream has seen the same frames.

    Raises:
        ValueError: if the network is not causal.
    """
    if not network.causal:
        raise ValueError(f"{network.name} is not causal: it has no streaming state")
    shapes = node_shapes(network)
    past_frames = {node.name: count for node, count in temporal_convolutions(network)}
    states: list[NetworkState] = []
    clock_needed = False
    for node in network.nodes:
        if node.name in past_frames:
            shape = shapes[node.inputs[0]]
            states.append(NetworkState(node.name, "buffer", past_frames[node.name], shape))
        elif isinstance(node.layer, TemporalMean):
            states.append(NetworkState(node.name, "pool", 1, shapes[node.name]))
        clock_needed |= isinstance(node.layer, TemporalMean | PositionalEncoding)
    if clock_needed:
        states.append(NetworkState(CLOCK, "clock", 1, (1, 1, 1)))
    return tuple(states)
