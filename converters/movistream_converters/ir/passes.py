"""Passes over a network that leave the function it computes unchanged.

Each takes a network and its weights and returns both with fewer, cheaper layers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from movistream_converters.ir.layers import (
    HARD_SIGMOIDS,
    Activation,
    ActivationFunction,
    BatchNormalization,
    Convolution,
    Dense,
    Multiply,
    Scale,
    padding_amounts,
)
from movistream_converters.ir.network import (
    Network,
    Node,
    consumers,
    image_of,
    node_shapes,
    weight_shapes,
)
from movistream_converters.ir.weights import Weights, neutral_batch_norm, node_and_weight


def fold(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """All passes, in order."""
    for layer_pass in (
        fold_batch_normalization,
        fold_scale,
        fold_hard_sigmoid,
        fold_image_normalization,
    ):
        network, weights = layer_pass(network, weights)
    return network, weights


def unfold(network: Network, folded_weights: Weights) -> Weights:
    """Weights of a network that :func:`fold` turns into the given ones.

    Its batch norms only add what folding made a bias, and its scales are 1.

    Args:
        network: not folded.
        folded_weights: of the folded network.
    """
    shapes = weight_shapes(network)
    form = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    folded, _ = fold(network, form)
    kept = {node.name for node in folded.nodes}
    became = _folded_into(network, kept)
    weights = dict(folded_weights)
    if image_of(folded) != image_of(network):
        _unfold_image_normalization(network, folded, weights)
    _unfold_gates(network, folded, became, weights)
    # The last of several folded layers takes the bias: those before it are neutral.
    for node in reversed(network.nodes):
        if node.name in kept:
            continue
        match node.layer:
            case BatchNormalization():
                bias = weights.pop(f"{became[node.name]}.bias", None)
                if bias is None:
                    bias = np.zeros(shapes[f"{node.name}.beta"], np.float32)
                norm = neutral_batch_norm(bias, node.layer.epsilon)
                weights |= {f"{node.name}.{weight}": value for weight, value in norm.items()}
            case Scale():
                weights[f"{node.name}.scale"] = np.ones((), np.float32)
    for name, shape in shapes.items():
        # A bias that was taken by a batch norm behind it.
        weights.setdefault(name, np.zeros(shape, np.float32))
    return {name: weights[name].reshape(shape) for name, shape in shapes.items()}


def _folded_into(network: Network, kept: set[str]) -> dict[str, str]:
    """The node that each one became a part of; itself, if it was kept."""
    became: dict[str, str] = {}
    for node in network.nodes:
        became[node.name] = node.name if node.name in kept else became[node.inputs[0]]
    return became


def _unfold_gates(
    network: Network, folded: Network, became: dict[str, str], weights: Weights
) -> None:
    """Undoes :func:`fold_hard_sigmoid`."""
    functions = {n.name: n.layer.function for n in folded.nodes if isinstance(n.layer, Activation)}
    readers = consumers(network)
    for node in network.nodes:
        if not isinstance(node.layer, Activation) or functions[node.name] is node.layer.function:
            continue
        slope, factor = HARD_SIGMOIDS[node.layer.function]
        expand = became[node.inputs[0]]
        weights[f"{expand}.kernel"] = weights[f"{expand}.kernel"] / np.float32(slope)
        weights[f"{expand}.bias"] = (weights[f"{expand}.bias"] - np.float32(3)) / np.float32(slope)
        projection = f"{readers[readers[node.name][0].name][0].name}.kernel"
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
            # What it remembers of the product would be another number.
            or projections[0].layer.past_frames
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


def fold_image_normalization(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """Puts the image's mean and std into the convolutions that read it, where none pads it.

    A padded zero is the image's mean; behind this pass it would be a zero of the range.
    """
    image, first = image_of(network), network.nodes[0]
    readers = consumers(network)[first.name]
    height, width, _ = node_shapes(network)[first.name]
    if not (image.mean or image.std) or not all(
        isinstance(node.layer, Convolution) and not _pads(node.layer, (height, width))
        for node in readers
    ):
        return network, weights
    weights = dict(weights)
    mean, std = _normalization(network)
    nodes = {node.name: node for node in network.nodes}
    nodes[first.name] = replace(first, layer=replace(image, mean=(), std=()))
    for node in readers:
        layer = node.layer
        assert isinstance(layer, Convolution)
        kernel, bias = f"{node.name}.kernel", f"{node.name}.bias"
        old = weights[kernel].astype(np.float64)
        new, shift = _normalized_kernel(layer, old, mean, std)
        weights[kernel] = new.astype(np.float32)
        old_bias = weights.get(bias, np.zeros(layer.filters, np.float32))
        weights[bias] = (old_bias + shift).astype(np.float32)
        nodes[node.name] = replace(node, layer=replace(layer, bias=True))
    return replace(network, nodes=tuple(nodes.values())), weights


def _pads(layer: Convolution, size: tuple[int, int]) -> bool:
    if layer.past_frames:
        return True
    amounts = padding_amounts(
        layer.padding, size, layer.kernel[1:], layer.stride, layer.dilation[1:]
    )
    return any(amounts)


def _normalization(
    network: Network,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and std of each channel of the image."""
    image = image_of(network)
    mean = np.array(image.mean or (0.0,) * image.channels)
    std = np.array(image.std or (1.0,) * image.channels)
    return mean, std


def _normalized_kernel(
    layer: Convolution,
    kernel: npt.NDArray[np.float64],
    mean: npt.NDArray[np.float64],
    std: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The kernel for values that are not normalised, and what to add to the bias."""
    if layer.depthwise:
        new = kernel / std
        return new, -(new * mean).sum((0, 1, 2))
    # Group by group: filters of one read the channels of one.
    channels, filters = kernel.shape[3], layer.filters // layer.groups
    new, shift = kernel.copy(), np.zeros(layer.filters)
    for group in range(layer.groups):
        read, given = slice(group * channels, None), slice(group * filters, (group + 1) * filters)
        own_std, own_mean = std[read][:channels, None], mean[read][:channels, None]
        new[..., given] /= own_std
        shift[given] = -(new[..., given] * own_mean).sum((0, 1, 2, 3))
    return new, shift


def _unfold_image_normalization(network: Network, folded: Network, weights: Weights) -> None:
    """Undoes :func:`fold_image_normalization`."""
    mean, std = _normalization(network)
    for node in consumers(folded)[folded.nodes[0].name]:
        assert isinstance(node.layer, Convolution)
        kernel, bias = f"{node.name}.kernel", f"{node.name}.bias"
        # What undoes (v − mean) / std is (v · std + mean).
        new, shift = _normalized_kernel(
            node.layer, weights[kernel].astype(np.float64), -mean / std, 1 / std
        )
        weights[kernel] = new.astype(np.float32)
        weights[bias] = (weights[bias] + shift).astype(np.float32)


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
            and isinstance(before.layer, Convolution | Dense)
            and len(readers[before.name]) == 1
        ):
            factor, offset = _affine(node, weights)
            kernel, bias = f"{before.name}.kernel", f"{before.name}.bias"
            has_bias = before.layer.bias or kind is BatchNormalization
            weights[kernel] = (weights[kernel] * factor).astype(np.float32)
            if has_bias:
                old_bias = weights.get(bias, np.zeros(weights[kernel].shape[-1], np.float32))
                weights[bias] = (old_bias * factor + offset).astype(np.float32)
            # In the place of what it takes in: the last node stays the last.
            del nodes[before.name]
            nodes[before.name] = replace(before, layer=replace(before.layer, bias=has_bias))
            renamed[node.name] = before.name
            readers[before.name] = readers[node.name]
        else:
            nodes[node.name] = node
    # Recurrent values read what comes later.
    ordered = tuple(
        replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs))
        for node in nodes.values()
    )
    kept = {name: w for name, w in weights.items() if node_and_weight(name)[0] in nodes}
    return replace(network, nodes=ordered), kept


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
