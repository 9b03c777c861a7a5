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
        node: that it belongs to, or a clock's own name.
        name: in files.
        role: ``buffer`` holds a node's past frames, ``pool`` a running mean, ``clock`` the number
            of frames seen since the reset.
        frames: past frames kept; 1 for a pool and the clock.
        shape: (height, width, channels) of each.
        delay_frames: it stays as after a reset until so many frames have been seen.
    """

    node: str
    name: str
    role: Role
    frames: int
    shape: Shape
    delay_frames: int = 0


def network_states(network: Network) -> tuple[NetworkState, ...]:
    """The states of a causal network, in execution order, the clocks last.

    Pools that began with the same frame have seen the same frames, and share a clock.

    Raises:
        ValueError: if the network is not causal.
    """
    if not network.causal:
        raise ValueError(f"{network.name} is not causal: it has no streaming state")
    states = [
        NetworkState(
            node.name,
            node.state or node.name,
            state.role,
            state.frames,
            state.shape,
            node.delay_frames,
        )
        for node, state in layer_states(network)
    ]
    counting = (node for node in network.nodes if RULES[type(node.layer)].counts_frames)
    for delay in sorted({node.delay_frames for node in counting}):
        name = clock_name(delay)
        states.append(NetworkState(name, name, "clock", 1, (1, 1, 1), delay))
    return tuple(states)


def clock_name(delay_frames: int) -> str:
    """What the clock is called that begins to count so late."""
    return _begun(CLOCK, delay_frames)


def position_name(delay_frames: int) -> str:
    """What the position is called that begins to count so late."""
    return _begun("position", delay_frames)


def window_name(frames: int, delay_frames: int) -> str:
    """What windows of so many frames are called whose means begin so late."""
    return _begun(f"window_{frames}", delay_frames)


def _begun(name: str, delay_frames: int) -> str:
    return f"{name}_{delay_frames}" if delay_frames else name
