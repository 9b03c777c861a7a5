"""The weights that a training from nothing begins with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.layers import AnyLayer, Convolution, SpatialMean, TemporalMean
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.weights import Weights, node_and_weight

_EDGE_FILTERS = 0.7
"""The share of spatial filters whose weights sum to zero."""

_SPREAD = 0.1
"""How far temporal kernels begin from pure delays."""


def initial_weights(network: Network, seed: int) -> Weights:
    """He-normal kernels, neutral batch norms, biases of zero.

    Two things differ from custom, because photographs are mostly brightness and neighbouring frames
    mostly alike: most spatial filters begin as edge filters, which do not see brightness, and each
    channel of a temporal convolution begins by passing on one frame of those that it sees.
    """
    generator = np.random.default_rng(seed)
    weights: Weights = {}
    layers = {node.name: node.layer for node in network.nodes}
    for name, shape in weight_shapes(network).items():
        node, weight = node_and_weight(name)
        match weight:
            case "kernel":
                fan_in = math.prod(shape[:-1] if len(shape) == 5 else shape[:3])
                value = generator.normal(0.0, math.sqrt(2.0 / fan_in), shape)
                if _is_temporal(layers[node]):
                    value = _delays(shape, generator) + _SPREAD * value
                elif max(shape[1:3]) > 1:
                    edges = slice(0, round(_EDGE_FILTERS * shape[-1]))
                    value[..., edges] -= value[..., edges].mean(axis=(1, 2), keepdims=True)
            case "gamma" | "variance" | "scale":
                value = np.ones(shape)
            case _:
                value = np.zeros(shape)
        weights[name] = np.asarray(value, np.float32)
    return weights


def _is_temporal(layer: AnyLayer) -> bool:
    """Whether a layer is a temporal kernel of each channel, and nothing else."""
    return (
        isinstance(layer, Convolution)
        and layer.depthwise
        and layer.kernel[0] > 1
        and layer.kernel[1:] == (1, 1)
    )


def _delays(shape: tuple[int, ...], generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """Kernels (frames, 1, 1, channels) that take one frame each."""
    delays = np.zeros(shape)
    channels = shape[-1]
    delays[generator.integers(0, shape[0], channels), 0, 0, np.arange(channels)] = 1.0
    return delays


def with_new_head(weights: Weights, network: Network, seed: int) -> Weights:
    """The weights, with a classifier of the network's number of classes, untrained.

    Args:
        weights: of a network that differs from this one in its classes alone.
    """
    fresh = initial_weights(network, seed)
    last, _ = node_and_weight(list(fresh)[-1])
    return {
        name: fresh[name] if node_and_weight(name)[0] == last else weights[name] for name in fresh
    }


def nodes_of_head(network: Network) -> frozenset[str]:
    """Names of the nodes behind the last mean: what turns features into logits."""
    means = [
        i for i, n in enumerate(network.nodes) if isinstance(n.layer, SpatialMean | TemporalMean)
    ]
    return frozenset(node.name for node in network.nodes[max(means, default=0) + 1 :])
