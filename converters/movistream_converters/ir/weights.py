"""A network's weights: float32 arrays by canonical name, and how they may fail to fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.ir.layers import Scale
from movistream_converters.ir.network import Network, weight_shapes

Weights: TypeAlias = dict[str, npt.NDArray[np.float32]]
"""Arrays by canonical name, ``NODE.WEIGHT``, shaped as :func:`.network.weight_shapes` says."""


STATISTICS = ("mean", "variance")
"""Weights, by short name, that batch norms gather; gradients change the others."""


def node_and_weight(name: str) -> tuple[str, str]:
    """What a canonical name is made of: the node's name, and the short name of its weight."""
    node, _, weight = name.rpartition(".")
    return node, weight


@dataclass(frozen=True)
class Mismatch:
    """How the weights found differ from the weights that a network needs.

    Attributes:
        missing: names needed and not found.
        unexpected: names found and not needed.
        wrong_shape: name, shape needed, shape found.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong_shape: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.wrong_shape)

    def describe(self, *, limit: int = 10) -> str:
        """One line a layer, at most ``limit`` of each kind."""
        kinds = {
            "missing": _by_layer(self.missing),
            "unexpected": _by_layer(self.unexpected),
            "wrong shape": [
                f"{name}: expected {list(expected)}, found {list(found)}"
                for name, expected, found in self.wrong_shape
            ],
        }
        lines: list[str] = []
        for kind, entries in kinds.items():
            lines += [f"{kind}: {entry}" for entry in entries[:limit]]
            if len(entries) > limit:
                lines.append(f"{kind}: … in {len(entries) - limit} more layers")
        return "\n".join(lines)


def _by_layer(names: tuple[str, ...]) -> list[str]:
    """``block0_layer0.expansion.bn: gamma, beta`` for the weights of one layer."""
    layers: dict[str, list[str]] = {}
    for name in names:
        layer, weight = node_and_weight(printable(name).replace("/", "."))
        layers.setdefault(layer, []).append(weight)
    return [f"{layer}: {', '.join(weights)}" for layer, weights in layers.items()]


def random_weights(network: Network, seed: int) -> Weights:
    """Untrained weights that keep activations in range and exercise every parameter.

    Kernels are He-normal; batch norms and biases are drawn around what training leaves, so that no
    layer is an identity. ReZero scales shrink with depth: without that, a deep network of random
    weights magnifies rounding errors a thousandfold.
    """
    generator = np.random.default_rng(seed)
    shapes = weight_shapes(network)
    rezero = {f"{node.name}.scale" for node in network.nodes if isinstance(node.layer, Scale)}
    weights: Weights = {}
    for name, shape in shapes.items():
        match node_and_weight(name)[1]:
            case "kernel":
                # Of a dense layer, height, width and channels; else a depthwise one has no filters.
                fan_in = math.prod(shape[:-1] if len(shape) == 5 else shape[:3])
                value = generator.normal(0.0, math.sqrt(2.0 / fan_in), shape)
            case "gamma" | "variance":
                value = generator.uniform(0.6, 1.4, shape)
            case "scale" if name in rezero:
                value = generator.uniform(0.5, 1.5, shape) / math.sqrt(len(rezero))
            case "scale" | "slope":
                value = generator.uniform(0.2, 0.6, shape)
            case _:
                value = generator.normal(0.0, 0.1, shape)
        weights[name] = np.asarray(value, np.float32)
    return weights


def neutral_batch_norm(bias: npt.NDArray[np.float32], epsilon: float) -> Weights:
    """Weights, by short name, of a batch norm that only adds a bias."""
    # The variance with which it divides by one, or by nearly what its gamma is.
    variance = np.float32(max(0.0, 1.0 - epsilon))
    return {
        "gamma": np.full_like(bias, np.sqrt(np.float64(variance) + epsilon)),
        "beta": bias,
        "mean": np.zeros_like(bias),
        "variance": np.full_like(bias, variance),
    }


def non_finite(weights: Mapping[str, npt.NDArray[np.float32]]) -> list[str]:
    """Names of weights that hold a NaN or an infinity."""
    return [name for name, value in weights.items() if not np.isfinite(value).all()]
