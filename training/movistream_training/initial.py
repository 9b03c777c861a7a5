"""The weights that a training from nothing begins with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.ir.adapting import classifier_of
from movistream_converters.ir.layers import Convolution, Layer
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.weights import Weights, node_and_weight
from movistream_training.errors import TrainingError

_EDGE_FILTERS = 0.7
"""The share of spatial filters whose weights sum to zero."""

_SPREAD = 0.1
"""How far temporal kernels begin from pure delays."""

_NEGATIVE_SLOPE = 0.25
"""Of parametric relus, as their paper begins (arXiv 1502.01852)."""


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
                if is_temporal(layers[node]):
                    value = _delays(shape, generator) + _SPREAD * value
                elif max(shape[1:3]) > 1:
                    edges = slice(0, round(_EDGE_FILTERS * shape[-1]))
                    value[..., edges] -= value[..., edges].mean(axis=(1, 2), keepdims=True)
            case "gamma" | "variance" | "scale":
                value = np.ones(shape)
            case "slope":
                value = np.full(shape, _NEGATIVE_SLOPE)
            case _:
                value = np.zeros(shape)
        weights[name] = np.asarray(value, np.float32)
    return weights


def is_temporal(layer: Layer) -> bool:
    """Whether it mixes frames of each channel, and nothing else."""
    return (
        isinstance(layer, Convolution)
        and layer.depthwise
        and layer.past_frames > 0
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
        weights: of a network that differs from this one in its classes and its image's size alone.

    Raises:
        TrainingError: if the size decides how many weights it has.
    """
    fresh = initial_weights(network, seed)
    head = {node.name for node in classifier_of(network)}
    mixed = {n: fresh[n] if node_and_weight(n)[0] in head else weights[n] for n in fresh}
    if wrong := [name for name, value in mixed.items() if value.shape != fresh[name].shape]:
        raise TrainingError(
            f"{printable(wrong[0])} has a weight for each pixel: {printable(network.name)} cannot"
            " be trained further on images of another size"
        )
    return mixed
