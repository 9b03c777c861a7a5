"""Passes over a network that leave the function it computes unchanged.

Each takes a network and its weights and returns both with fewer, cheaper layers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.network import (
    HARD_SIGMOIDS,
    Activation,
    ActivationFunction,
    BatchNormalization,
    Convolution,
    Multiply,
    Network,
    Node,
    Scale,
    consumers,
    weight_shapes,
)
from movistream_converters.ir.weights import Weights, neutral_batch_norm


def fold(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """All passes, in order."""
    for layer_pass in (fold_batch_normalization, fold_scale, fold_hard_sigmoid):
        network, weights = layer_pass(network, weights)
    return network, weights


def unfold(network: Network, folded_weights: Weights) -> Weights:
    """Weights of a network that :func:`fold` turns into the given ones.

    Its batch norms only add what folding made a bias, and its scales are 1.

    Args:
        network: not folded; a MoViNet.
        folded_weights: of the folded network.
    """
    shapes = weight_shapes(network)
    form = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    folded, _ = fold(network, form)
    weights = dict(folded_weights)
    _unfold_gates(network, folded, weights)
    for node in network.nodes:
        match node.layer:
            case BatchNormalization():
                norm = neutral_batch_norm(weights.pop(f"{node.inputs[0]}.bias"))
                weights |= {f"{node.name}.{weight}": value for weight, value in norm.items()}
            case Scale():
                weights[f"{node.name}.scale"] = np.ones((), np.float32)
    return {name: weights[name].reshape(shape) for name, shape in shapes.items()}


def _unfold_gates(network: Network, folded: Network, weights: Weights) -> None:
    """Undoes :func:`fold_hard_sigmoid`."""
    functions = {n.name: n.layer.function for n in folded.nodes if isinstance(n.layer, Activation)}
    for node in network.nodes:
        if not isinstance(node.layer, Activation) or functions[node.name] is node.layer.function:
            continue
        slope, factor = HARD_SIGMOIDS[node.layer.function]
        expand, block = node.inputs[0], node.name.partition(".")[0]
        weights[f"{expand}.kernel"] = weights[f"{expand}.kernel"] / np.float32(slope)
        weights[f"{expand}.bias"] = (weights[f"{expand}.bias"] - np.float32(3)) / np.float32(slope)
        projection = f"{block}.projection.conv.kernel"
        weights[projection] = weights[projection] / np.float32(factor)


def fold_batch_normalization(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """Puts each batch norm behind a convolution into that convolution's kernel and bias."""
    return _fold_into_convolutions(network, weights, BatchNormalization)


def fold_scale(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """Puts each ReZero scale behind a convolution into that convolution's kernel and bias."""
    return _fold_into_convolutions(network, weights, Scale)


def fold_hard_sigmoid(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """Leaves a bare relu6 of each gate whose product with the features is projected.

    A hard sigmoid is factor · relu6(slope · x + 3). The slope and the 3 go into the convolution
    before it, the factor into the kernel of the projection behind the product.
    """
    weights = dict(weights)
    readers = consumers(network)
    nodes = {node.name: node for node in network.nodes}
    for node in network.nodes:
        if not isinstance(node.layer, Activation) or node.layer.function not in HARD_SIGMOIDS:
            continue
        before, behind = nodes[node.inputs[0]], readers[node.name]
        product = behind[0].name if len(behind) == 1 else node.name
        projections = readers[product]
        if (
            not isinstance(before.layer, Convolution)
            or len(readers[before.name]) != 1
            or not isinstance(nodes[product].layer, Multiply)
            or len(projections) != 1
            or not isinstance(projections[0].layer, Convolution)
        ):
            continue
        slope, factor = HARD_SIGMOIDS[node.layer.function]
        kernel, bias = f"{before.name}.kernel", f"{before.name}.bias"
        old_bias = weights.get(bias, np.zeros(before.layer.filters, np.float32))
        weights[kernel] = (weights[kernel] * np.float64(slope)).astype(np.float32)
        weights[bias] = (old_bias * np.float64(slope) + 3.0).astype(np.float32)
        projection = f"{projections[0].name}.kernel"
        weights[projection] = (weights[projection] * np.float64(factor)).astype(np.float32)
        nodes[before.name] = replace(before, layer=replace(before.layer, bias=True))
        nodes[node.name] = replace(node, layer=Activation(ActivationFunction.RELU6))
    return replace(network, nodes=tuple(nodes.values())), weights


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
