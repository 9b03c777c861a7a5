"""The states of a stream: what a causal network remembers between frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from movistream_converters.ir.layers import RULES, Shape
from movistream_converters.ir.network import Network, layer_states

Role = Literal["buffer", "pool", "clock"]

CLOCK = "clock"


@dataclass(frozen=True)
class NetworkState:
    """One thing remembered, before any file layout gives it tensors.

    Attributes:
        node: that it belongs to, or ``clock``.
        name: in files.
        role: ``buffer`` holds a node's past frames, ``pool`` a running mean, ``clock`` the number
            of frames seen since the reset.
        frames: past frames kept; 1 for a pool and the clock.
        shape: (height, width, channels) of each.
    """

    node: str
    name: str
    role: Role
    frames: int
    shape: Shape


def network_states(network: Network) -> tuple[NetworkState, ...]:
    """The states of a causal network, in execution order, the clock last.

    There is one clock: every pool of a stream has seen the same frames.

    Raises:
        ValueError: if the network is not causal.
    """
    if not network.causal:
        raise ValueError(f"{network.name} is not causal: it has no streaming state")
    states = [
        NetworkState(node.name, node.state or node.name, state.role, state.frames, state.shape)
        for node, state in layer_states(network)
    ]
    if any(RULES[type(node.layer)].counts_frames for node in network.nodes):
        states.append(NetworkState(CLOCK, CLOCK, "clock", 1, (1, 1, 1)))
    return tuple(states)
