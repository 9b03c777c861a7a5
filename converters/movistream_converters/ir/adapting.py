"""The same network for other classes or other images, and which part of it tells classes apart."""

from __future__ import annotations

from msgspec.structs import replace

from movistream_converters.ir.layers import (
    Activation,
    BatchNormalization,
    ChannelNormalization,
    Convolution,
    Delay,
    Dense,
    LeakyRelu,
    ParametricRelu,
    Pool,
    Scale,
    Softmax,
    SpatialMean,
    TemporalMean,
    WindowMean,
)
from movistream_converters.ir.network import Network, NetworkError, Node
from movistream_converters.ir.tags import has_stage, stage_of

_KEEPS_CLASSES = (
    Activation,
    BatchNormalization,
    ChannelNormalization,
    Delay,
    LeakyRelu,
    ParametricRelu,
    Pool,
    Scale,
    Softmax,
    SpatialMean,
    TemporalMean,
    WindowMean,
)
"""Layers that give as many channels as they read."""


def classifier_of(network: Network) -> tuple[Node, ...]:
    """The convolution or dense layer that makes a number for each class, and what comes after it.

    Raises:
        NetworkError: if the network ends in something else.
    """
    nodes = {node.name: node for node in network.nodes}
    behind = [network.nodes[-1]]
    while isinstance(behind[0].layer, _KEEPS_CLASSES):
        behind.insert(0, nodes[behind[0].inputs[0]])
    layer = behind[0].layer
    if not isinstance(layer, Dense) and not (
        isinstance(layer, Convolution) and not layer.depthwise
    ):
        raise NetworkError(
            f"the logits of {network.name} come from {behind[0].name}, which is neither dense nor a"
            " convolution: other classes have no place in it"
        )
    return tuple(behind)


def head_of(network: Network) -> frozenset[str]:
    """The nodes that may be trained before all others: those of the last one's stage, or else
    those of :func:`classifier_of`."""
    last = network.nodes[-1]
    if has_stage(last):
        return frozenset(n.name for n in network.nodes if stage_of(n) == stage_of(last))
    return frozenset(node.name for node in classifier_of(network))


def with_classes(network: Network, classes: int) -> Network:
    """The same network, giving so many logits.

    Raises:
        NetworkError: if its last layers have no place for them.
    """
    classifier = classifier_of(network)[0]
    field = "units" if isinstance(classifier.layer, Dense) else "filters"
    layer = replace(classifier.layer, **{field: classes})
    nodes = (
        replace(node, layer=layer) if node.name == classifier.name else node
        for node in network.nodes
    )
    return replace(network, nodes=tuple(nodes))


def with_image_size(network: Network, image_size: tuple[int, int]) -> Network:
    """The same network for images of another (height, width) in pixels.

    Its weights may have other shapes then: dense layers have one for each pixel.

    Raises:
        NetworkError: if its layers do not fit.
    """
    return replace(network, image_size=image_size)
