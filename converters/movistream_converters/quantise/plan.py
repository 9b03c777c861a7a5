"""The int8 plan of a network: what :mod:`.recipe` says of its layers, and over what ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Convolution,
    Image,
    seen_range,
)
from movistream_converters.ir.network import (
    Network,
    Node,
    consumers,
    node_shapes,
    temporal_convolutions,
)
from movistream_converters.ir.tags import stage_of
from movistream_converters.quantise.observation import Observed
from movistream_converters.quantise.recipe import numbers_of
from movistream_converters.tflite.builder import INT8_HIGHEST, INT8_LOWEST, QuantizationParameters
from movistream_converters.tflite.quantization import QuantizationPlan, quantization_of_range

_KNOWN_RANGES: dict[ActivationFunction, tuple[float, float]] = {
    ActivationFunction.RELU6: (0.0, 6.0),
    ActivationFunction.SIGMOID: (0.0, 1.0),
    ActivationFunction.HARD_SIGMOID: (0.0, 1.0),
    ActivationFunction.HARD_SIGMOID_KERAS: (0.0, 1.0),
    ActivationFunction.HARD_SIGMOID_SIXTH: (0.0, 1.0),
}
_HARD_SWISH_ZERO_BELOW = -3.0
_NOMINAL_END = 6.0
_SHRINKAGES = np.linspace(1.0, 0.15, 18)


def int8_stages(network: Network) -> dict[str, frozenset[str]]:
    """Nodes that int8 operators compute if all are asked to, by stage (:mod:`.ir.tags`)."""
    shapes = node_shapes(network)
    stages: dict[str, set[str]] = {}
    for node in network.nodes:
        if numbers_of(node, shapes) == "int8":
            stages.setdefault(stage_of(node), set()).add(node.name)
    return {stage: frozenset(names) for stage, names in stages.items()}


def plan_int8(
    network: Network, observed: Mapping[str, Observed], computed: frozenset[str]
) -> QuantizationPlan:
    """The ranges of everything that is int8 when the given nodes are.

    What temporal kernels remember is always int8.
    """
    nodes = {node.name: node for node in network.nodes}
    stored = frozenset(node.inputs[0] for node, _ in temporal_convolutions(network))
    read = {name for node in computed for name in nodes[node].inputs}
    readers, shapes = consumers(network), node_shapes(network)
    return QuantizationPlan(
        tensors={
            name: _quantization(nodes[name], observed.get(name), readers[name])
            for name in stored | read | computed
        },
        computed=computed,
        stored=stored,
        int4_kernels=frozenset(
            name for name, node in nodes.items() if numbers_of(node, shapes) == "int4"
        ),
    )


def nominal_int8(network: Network) -> QuantizationPlan:
    """The plan of a network that has seen no video: all stages int8, every range the same.

    A file made by it has the operators and shapes of a calibrated one that left no stage float, and
    answers nothing of use.
    """
    computed = frozenset().union(*int8_stages(network).values())
    seen = Observed(-_NOMINAL_END, _NOMINAL_END, np.zeros(1, np.float32))
    return plan_int8(network, {node.name: seen for node in network.nodes}, computed)


def _quantization(
    node: Node, observed: Observed | None, readers: tuple[Node, ...]
) -> QuantizationParameters:
    if isinstance(node.layer, Image):
        return quantization_of_range(*seen_range(node.layer))
    # What only one function reads needs no more than that sees.
    functions = {r.layer.function if isinstance(r.layer, Activation) else None for r in readers}
    if isinstance(node.layer, Activation) and node.layer.function in _KNOWN_RANGES:
        return quantization_of_range(*_KNOWN_RANGES[node.layer.function])
    if isinstance(node.layer, Convolution) and functions == {ActivationFunction.RELU6}:
        # It applies its relu6 itself.
        return quantization_of_range(*_KNOWN_RANGES[ActivationFunction.RELU6])
    assert observed is not None
    if isinstance(node.layer, Convolution) and functions == {ActivationFunction.HARD_SWISH}:
        return _best_range(observed, zero_below=_HARD_SWISH_ZERO_BELOW)
    return _best_range(observed)


def _best_range(observed: Observed, zero_below: float | None = None) -> QuantizationParameters:
    """The range, cut at its longer side, that loses least: rare large values for finer steps.

    Args:
        zero_below: values below this need no place of their own, but one of the steps has to be
            there or lower.
    """
    low, high, samples = observed.low, observed.high, observed.samples
    if zero_below is not None:
        low, samples = max(low, zero_below), np.maximum(samples, np.float32(zero_below))
    best: tuple[float, QuantizationParameters] | None = None
    for shrinkage in _SHRINKAGES:
        limit = shrinkage * max(-low, high)
        quantization = _range_with_floor(max(low, -limit), min(high, limit), zero_below)
        error = quantization_error(samples, quantization)
        if best is None or error < best[0]:
            best = error, quantization
    assert best is not None
    return best[1]


def _range_with_floor(low: float, high: float, floor: float | None) -> QuantizationParameters:
    if floor is None or low > floor:
        return quantization_of_range(low, high)
    steps = INT8_HIGHEST - INT8_LOWEST - 1
    scale = (max(high, 0.0) - low) / steps
    return QuantizationParameters(scale, INT8_LOWEST + math.ceil(-low / scale))


def quantization_error(
    values: npt.NDArray[np.float32], quantization: QuantizationParameters
) -> float:
    """The mean square of what int8 loses."""
    stored = np.clip(
        np.round(values / quantization.scale) + quantization.zero_point, INT8_LOWEST, INT8_HIGHEST
    )
    back = (stored - quantization.zero_point) * quantization.scale
    return float(np.mean((back - values) ** 2))
