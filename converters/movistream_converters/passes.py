"""Passes over a network that leave the function it computes unchanged.

Each takes a network and its weights and returns both with fewer, cheaper layers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from movistream_converters.network import (
    BatchNormalization,
    Convolution,
    Network,
    Node,
    Scale,
    consumers,
)
from movistream_converters.weights import Weights


def fold(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """All passes, in order."""
    for layer_pass in (fold_batch_normalization, fold_scale):
        network, weights = layer_pass(network, weights)
    return network, weights


def fold_batch_normalization(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """Puts each batch norm behind a convolution into that convolution's kernel and bias."""
    return _fold_into_convolutions(network, weights, BatchNormalization)


def fold_scale(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """Puts each ReZero scale behind a convolution into that convolution's kernel and bias."""
    return _fold_into_convolutions(network, weights, Scale)


def _fold_into_convolutions(
    network: Network, weights: Weights, kind: type[BatchNormalization] | type[Scale]
) -> tuple[Network, Weights]:
    weights = dict(weights)
    readers = consumers(network)
    nodes: dict[str, Node] = {}
    renamed: dict[str, str] = {}
    for node in network.nodes:
        node = replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs))
        before = nodes.get(node.inputs[0]) if node.inputs else None
        if (
            isinstance(node.layer, kind)
            and before is not None
            and isinstance(before.layer, Convolution)
            and len(readers[before.name]) == 1
        ):
            factor, offset = _affine(node, weights)
            kernel, bias = f"{before.name}.kernel", f"{before.name}.bias"
            old_bias = weights.get(bias, np.zeros(before.layer.filters, np.float32))
            weights[kernel] = (weights[kernel] * factor).astype(np.float32)
            weights[bias] = (old_bias * factor + offset).astype(np.float32)
            nodes[before.name] = replace(before, layer=replace(before.layer, bias=True))
            renamed[node.name] = before.name
        else:
            nodes[node.name] = node
    kept = {name: w for name, w in weights.items() if name.rpartition(".")[0] in nodes}
    return replace(network, nodes=tuple(nodes.values())), kept


def _affine(
    node: Node, weights: Weights
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(factor, offset) such that the layer computes factor · x + offset."""
    if isinstance(node.layer, BatchNormalization):
        mean, variance, gamma, beta = (
            weights[f"{node.name}.{key}"].astype(np.float64)
            for key in ("mean", "variance", "gamma", "beta")
        )
        factor = gamma / np.sqrt(variance + node.layer.epsilon)
        return factor, beta - mean * factor
    scale = weights[f"{node.name}.scale"].astype(np.float64)
    return scale, np.zeros_like(scale)
