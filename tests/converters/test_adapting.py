"""The same network for other classes and other images."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from movistream_converters.ir.adapting import (
    classifier_of,
    head_of,
    with_classes,
    with_image_size,
)
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    AnyLayer,
    BatchNormalization,
    Convolution,
    Dense,
    Pool,
    Softmax,
    SpatialMean,
    WindowMean,
)
from movistream_converters.ir.network import (
    Network,
    NetworkError,
    classes_of,
    node_shapes,
    weight_shapes,
)
from movistream_converters.ir.tags import stage
from movistream_converters.networks.movinet import build_movinet, default_options
from tests.converters.own_networks import NETWORKS


def ending_in(*layers: AnyLayer) -> Network:
    builder = NetworkBuilder("small", (8, 8))
    builder.add("first", Convolution(6, (1, 3, 3), (2, 2)))
    for index, layer in enumerate(layers):
        builder.add(f"n{index}", layer)
    return builder.build()


@pytest.mark.parametrize(
    ("layers", "classifier"),
    [
        ((SpatialMean(), Dense(5)), ["n1"]),
        ((Dense(5), WindowMean(4), Softmax()), ["n0", "n1", "n2"]),
        ((Convolution(5), Pool("average", (4, 4), (4, 4))), ["n0", "n1"]),
        ((Dense(5), BatchNormalization()), ["n0", "n1"]),
        ((SpatialMean(), Dense(9), Activation(ActivationFunction.RELU), Dense(5)), ["n3"]),
    ],
)
def test_what_tells_classes_apart(layers: tuple[AnyLayer, ...], classifier: list[str]) -> None:
    network = ending_in(*layers)
    assert [node.name for node in classifier_of(network)] == classifier
    assert head_of(network) == set(classifier)
    other = with_classes(network, 11)
    assert (classes_of(network), classes_of(other)) == (5, 11)
    changed = {
        name.rpartition(".")[0]
        for name, shape in weight_shapes(other).items()
        if shape != weight_shapes(network)[name]
    }
    assert changed <= set(classifier)
    assert with_classes(other, 5) == network


@pytest.mark.parametrize(
    "layers",
    [
        (SpatialMean(),),
        (Convolution(6, (1, 4, 4), depthwise=True, padding=(0, 0, 0, 0)),),
    ],
)
def test_what_does_not(layers: tuple[AnyLayer, ...]) -> None:
    """A convolution before the mean is a classifier; a depthwise one has no classes of its own."""
    network = ending_in(*layers)
    if isinstance(layers[0], SpatialMean):
        assert classes_of(with_classes(network, 3)) == 3
    else:
        with pytest.raises(NetworkError, match="come from n0, which is neither dense nor"):
            with_classes(network, 3)
    builder = NetworkBuilder("two", (8, 8))
    first = builder.add("first", Dense(5), "image")
    builder.add("both", Add(), first, builder.add("second", Dense(5), "image"))
    with pytest.raises(NetworkError, match="come from both, which is neither"):
        with_classes(builder.build(), 3)


def test_groups_have_to_divide_the_classes() -> None:
    network = ending_in(SpatialMean(), Convolution(4, groups=2))
    with pytest.raises(NetworkError, match="2 groups do not divide"):
        with_classes(network, 5)


def test_a_movinet() -> None:
    """What the options say and what the network is made to be are the same."""
    options = default_options("a0")
    network = build_movinet(options)
    wanted = build_movinet(dataclasses.replace(options, num_classes=7, image_size=64))
    assert with_image_size(with_classes(network, 7), (64, 64)) == wanted
    assert head_of(network) == {"classifier.hidden", "classifier.act", "classifier.logits"}


def test_a_head_is_a_stage_where_there_are_stages() -> None:
    network = ending_in(SpatialMean(), Dense(9), Dense(5))
    tagged = [replace(node, tags=(stage("head"),)) for node in network.nodes[-2:]]
    network = replace(network, nodes=(*network.nodes[:-2], *tagged))
    assert head_of(network) == {"n1", "n2"}


def test_images_of_another_size() -> None:
    network = with_image_size(NETWORKS["convolutional"](), (48, 40))
    assert node_shapes(network)["stem"] == (24, 20, 8)
    with pytest.raises(NetworkError, match="does not fit into"):
        with_image_size(NETWORKS["temporal"](), (3, 3))
