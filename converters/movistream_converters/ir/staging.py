"""Divides a network into stages: parts between which one value goes from layer to layer."""

from __future__ import annotations

from msgspec.structs import replace

from movistream_converters.ir.layers import Convolution, Dense, Previous
from movistream_converters.ir.network import Network, Node
from movistream_converters.ir.tags import stage

_WITH_KERNEL = (Convolution, Dense)


def with_stages(network: Network) -> Network:
    """The same network, each node tagged with the part that it belongs to.

    A part ends where all that comes later reads nothing of it but its last value: behind a residual
    sum, and not within its branches; behind a recurrent cell, and not within. Each part has a
    kernel, after which it is called.
    """
    nodes: list[Node] = []
    for part in _with_kernels(_parts(network)):
        name = next((n.name for n in part if isinstance(n.layer, _WITH_KERNEL)), part[-1].name)
        nodes += [replace(node, tags=(*node.tags, stage(name))) for node in part]
    return replace(network, nodes=tuple(nodes))


def _parts(network: Network) -> list[list[Node]]:
    index_of = {node.name: index for index, node in enumerate(network.nodes)}
    last_read = {name: index for index, node in enumerate(network.nodes) for name in node.inputs}
    parts: list[list[Node]] = [[]]
    open_until = 0
    for index, node in enumerate(network.nodes):
        parts[-1].append(node)
        if isinstance(node.layer, Previous):
            open_until = max(open_until, index_of[node.inputs[0]])
        if open_until <= index:
            parts.append([])
        open_until = max(open_until, last_read.get(node.name, 0))
    return [part for part in parts if part]


def _with_kernels(parts: list[list[Node]]) -> list[list[Node]]:
    """What has no kernel of its own goes with the part before it, or else behind it."""
    joined: list[list[Node]] = []
    for part in parts:
        has_kernel = any(isinstance(node.layer, _WITH_KERNEL) for node in part)
        began = joined and any(isinstance(node.layer, _WITH_KERNEL) for node in joined[-1])
        if joined and not (has_kernel and began):
            joined[-1] += part
        else:
            joined.append(part)
    return joined
