"""A network's weights: float32 arrays by canonical name, and how they may fail to fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from movistream_converters.network import Network, weight_shapes

Weights: TypeAlias = dict[str, npt.NDArray[np.float32]]
"""Arrays by canonical name, ``NODE.WEIGHT``, shaped as :func:`.network.weight_shapes` says."""


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

    def describe(self, *, limit: int = 24) -> str:
        """One line a layer, at most ``limit`` lines."""
        lines: list[str] = []
        for kind, names in (("missing", self.missing), ("unexpected", self.unexpected)):
            by_layer: dict[str, list[str]] = {}
            for name in names:
                layer, _, weight = name.replace("/", ".").rpartition(".")
                by_layer.setdefault(layer, []).append(weight)
            lines += [
                f"{kind}: {layer or '(top)'}: {', '.join(ws)}" for layer, ws in by_layer.items()
            ]
        lines += [
            f"wrong shape: {name}: expected {list(expected)}, found {list(found)}"
            for name, expected, found in self.wrong_shape
        ]
        if len(lines) > limit:
            lines = [*lines[:limit], f"… and {len(lines) - limit} more lines"]
        return "\n".join(lines)


def random_weights(network: Network, seed: int) -> Weights:
    """Untrained weights that keep activations in range and exercise every parameter.

    Kernels are He-normal; batch norms, biases and ReZero scales are drawn around what training
    leaves, so that no layer is an identity.
    """
    generator = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in weight_shapes(network).items():
        match name.rpartition(".")[2]:
            case "kernel":
                fan_in = math.prod(shape[:-1] if len(shape) == 5 else shape[:3])
                value = generator.normal(0.0, math.sqrt(2.0 / fan_in), shape)
            case "gamma" | "variance":
                value = generator.uniform(0.6, 1.4, shape)
            case "scale":
                value = generator.uniform(0.2, 0.6, shape)
            case _:
                value = generator.normal(0.0, 0.1, shape)
        weights[name] = np.asarray(value, np.float32)
    return weights


def non_finite(weights: Mapping[str, npt.NDArray[np.float32]]) -> list[str]:
    """Names of weights that hold a NaN or an infinity."""
    return [name for name, value in weights.items() if not np.isfinite(value).all()]
