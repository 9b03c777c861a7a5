"""Random networks of the whole vocabulary, and single ones that were once wrong."""

from __future__ import annotations

import random
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    RULES,
    Activation,
    ActivationFunction,
    Add,
    AnyLayer,
    BatchNormalization,
    Concatenate,
    Convolution,
    Delay,
    Dense,
    Image,
    Multiply,
    Pool,
    PositionalEncoding,
    Scale,
    Softmax,
    SpatialMean,
    TemporalMean,
    WindowMean,
)
from movistream_converters.ir.network import Network, NetworkError, layer_states
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import random_weights
from movistream_converters.quantise.stepping import partitions
from movistream_converters.reference import rules as reference_rules
from movistream_converters.tflite import rules as tflite_rules
from movistream_converters.tflite.builder import GraphBuilder
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from tests.converters.faithful import check_float32, check_network, lowered
from tests.networks import networks, pixels, random_network, well_conditioned_weights

SEEDS = range(100)
SMALL = (6, 8)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_forms_compute_the_same(seed: int) -> None:
    check_network(random_network(random.Random(seed)), seed)


def test_the_networks_hold_the_whole_vocabulary() -> None:
    drawn = [random_network(random.Random(seed)) for seed in SEEDS]
    layers = [node.layer for network in drawn for node in network.nodes]
    assert {type(layer) for layer in layers} == set(get_args(AnyLayer))
    functions = {layer.function for layer in layers if isinstance(layer, Activation)}
    assert functions == set(ActivationFunction)


@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=[*HealthCheck])
@given(networks())
def test_hypothesis_draws_them_too(network: Network) -> None:
    """So that it can make a network smaller that fails."""
    check_float32(network, 0)


@pytest.mark.parametrize("seed", range(100))
def test_no_wrong_network_becomes_a_file(seed: int) -> None:
    """A network that was tampered with is refused, or is another network and computes as such."""
    choice = random.Random(seed)
    try:
        network = _tampered(random_network(choice), choice)
    except NetworkError as error:
        reason = str(error)
    else:
        check_float32(network, seed)
        return
    assert reason
    assert "\n" not in reason


def _tampered(network: Network, choice: random.Random) -> Network:
    """The network, with something else at one place."""
    nodes = list(network.nodes)
    index, other = choice.randrange(len(nodes)), choice.choice(nodes)
    node = nodes[index]
    changes = (
        {"layer": other.layer},
        {"layer": _ODD_LAYERS[choice.randrange(len(_ODD_LAYERS))]},
        {"inputs": (other.name,) * choice.randint(0, 3)},
        {"name": other.name},
        {"name": choice.choice(("", "a/b", "x" * 201, "line\nbreak"))},
        {"state": choice.choice((other.state or other.name, "a/b"))},
        {"tags": ("",)},
    )
    nodes[index] = msgspec.structs.replace(node, **choice.choice(changes))
    if choice.random() < 0.2:
        nodes.pop(choice.randrange(len(nodes)))
    return msgspec.structs.replace(network, nodes=tuple(nodes))


_ODD_LAYERS: tuple[AnyLayer, ...] = (
    Convolution(0),
    Convolution(4, (1, 9, 9), padding=(0, 0, 0, 0)),
    Convolution(4, stride=(0, 1)),
    Convolution(4, groups=3),
    Convolution(4, padding=(-1, 0, 0, 0)),
    Convolution(4, kernel=(-2, 1, 1)),
    Convolution(2**20),
    Pool(size=(15, 1), padding=(0, 0, 0, 0)),
    Dense(-1),
    TemporalMean(0),
    TemporalMean(9),
    WindowMean(0),
    Delay(-1),
    Image(4),
    Concatenate(),
    Add(),
)


def test_two_temporal_convolutions_under_one_prefix() -> None:
    """Each has a state of its own."""
    builder = NetworkBuilder("two", SMALL)
    builder.add("block.first", Convolution(4, (3, 1, 1), depthwise=False))
    builder.add("block.second", Convolution(4, (2, 3, 3)))
    builder.add("block.third", Convolution(4, (3, 1, 1), depthwise=True))
    network = _with_logits(builder)
    assert len({node.name for node, _ in layer_states(network)}) == 3
    check_network(network, 1)


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_images_of_any_channels(channels: int) -> None:
    builder = NetworkBuilder("image", SMALL, Image(channels))
    builder.add("conv", Convolution(4, (1, 3, 3), (2, 2)))
    network = _with_logits(builder)
    step = lower(network, random_weights(network, 1), StateLayout.FRAMES)
    assert step.image.shape == (1, *SMALL, channels)
    check_network(network, 1)


@pytest.mark.parametrize("layer", [Convolution(4, (3, 1, 1)), Convolution(3, (2, 1, 1), groups=3)])
def test_a_temporal_convolution_behind_a_spatial_mean(layer: Convolution) -> None:
    """It remembers vectors, as it reads them."""
    builder = NetworkBuilder("vectors", SMALL)
    builder.add("mean", SpatialMean())
    builder.add("temporal", layer)
    network = _with_logits(builder)
    (state,) = lower(network, random_weights(network, 1), StateLayout.FRAMES).states
    assert state.shape == (1, 3)
    check_network(network, 1)


def test_logits_that_are_a_state() -> None:
    """A mean of vectors writes nothing, so that the logits are what a delay keeps."""
    builder = NetworkBuilder("logits", SMALL)
    builder.add("dense", Dense(3))
    builder.add("delay", Delay(1))
    builder.add("sum", Add(), "dense", "delay")
    builder.add("softmax", Softmax())
    builder.add("last", SpatialMean(), "dense")
    check_network(builder.build(), 1)


@pytest.mark.parametrize("layer", [Delay(1), WindowMean(1), WindowMean(3), TemporalMean(2)])
def test_logits_that_come_out_of_time(layer: AnyLayer) -> None:
    builder = NetworkBuilder("logits", SMALL)
    builder.add("dense", Dense(3))
    builder.add("last", layer)
    check_network(builder.build(), 1)


def test_an_image_that_is_kept() -> None:
    builder = NetworkBuilder("image", SMALL)
    builder.add("one", Delay(1), "image")
    builder.add("two", Delay(2), "image")
    builder.add("three", Delay(1), "one")
    builder.previous("four", "image", (*SMALL, 3))
    builder.add("conv", Convolution(4, (2, 3, 3)), "image")
    builder.add("joined", Concatenate(), "one", "two", "three", "four", "conv", "image")
    check_network(_with_logits(builder), 1)


def test_a_window_longer_than_the_horizon() -> None:
    """A stream holds the clock of running means at their horizon; windows go on."""
    builder = NetworkBuilder("window", SMALL)
    builder.add("mean", SpatialMean())
    builder.add("window", WindowMean(5))
    builder.add("forgetting", TemporalMean(2))
    check_network(_with_logits(builder), 1)


def test_running_means_of_several_horizons_are_refused() -> None:
    builder = NetworkBuilder("horizons", SMALL)
    builder.add("mean", SpatialMean())
    builder.add("short", TemporalMean(3))
    builder.add("long", TemporalMean(5))
    with pytest.raises(NetworkError, match="different numbers of frames: 3, 5"):
        builder.build()


def test_positions_without_a_clock() -> None:
    builder = NetworkBuilder("positions", SMALL)
    builder.add("conv", Convolution(4, (1, 3, 3)))
    builder.add("encoded", PositionalEncoding())
    check_network(_with_logits(builder), 1)


def test_a_running_mean_of_frames() -> None:
    """In the layout of published files it has the rank of a stream buffer."""
    builder = NetworkBuilder("frames", SMALL)
    builder.add("mean", TemporalMean())
    network = _with_logits(builder)
    step = lower(network, random_weights(network, 1), StateLayout.MODEL_GARDEN)
    assert [state.shape for state in step.states if state.role == "pool"] == [(1, 1, *SMALL, 3)]
    check_network(network, 1)


def test_folding_keeps_the_last_node_last() -> None:
    """Where others stand between a layer and the batch norm behind it, which gives the logits."""
    builder = NetworkBuilder("order", SMALL)
    builder.previous("before", "cell", (1, 1, 4))
    builder.add("mean", SpatialMean(), "image")
    both = builder.add("both", Concatenate(), "mean", "before")
    builder.add("dense", Dense(3))
    builder.add("candidate", Dense(4), both)
    builder.add("cell", Activation(ActivationFunction.TANH))
    builder.add("logits", BatchNormalization(), "dense")
    network = builder.build()
    folded, _ = fold(network, random_weights(network, 1))
    assert [node.name for node in folded.nodes][-3:] == ["candidate", "cell", "dense"]
    check_network(network, 1)


def test_folding_leaves_a_gate_whose_products_are_remembered() -> None:
    """The factor of a hard sigmoid would be missing from the state."""
    builder = NetworkBuilder("gate", SMALL)
    features = builder.add("features", Convolution(4))
    builder.add("squeeze", SpatialMean())
    builder.add("expand", Convolution(4, bias=True))
    builder.add("gate", Activation(ActivationFunction.HARD_SIGMOID))
    builder.add("product", Multiply(), features, "gate")
    builder.add("project", Convolution(4, (2, 1, 1)))
    check_network(_with_logits(builder), 1)


def test_folding_a_scale_adds_no_bias() -> None:
    builder = NetworkBuilder("scale", SMALL)
    builder.add("conv", Convolution(4))
    builder.add("scale", Scale())
    network = _with_logits(builder)
    folded, weights = fold(network, random_weights(network, 1))
    assert [node.name for node in folded.nodes] == ["image", "conv", "mean of all", "logits"]
    assert "conv.bias" not in weights
    check_network(network, 1)


@pytest.mark.parametrize(
    "image",
    [
        Image(3),
        Image(3, (-1.0, 1.0)),
        Image(3, (0.2, 0.9)),
        Image(3, mean=(0.4, 0.5, 0.3), std=(0.2, 0.3, 0.2)),
    ],
    ids=str,
)
def test_int8_images_of_any_numbers(image: Image) -> None:
    """The file says what its numbers stand for; where these are pixels, that they are bytes."""
    builder = NetworkBuilder("image", SMALL, image)
    builder.add("conv", Convolution(4, (1, 3, 3), bias=True))
    network = _with_logits(builder)
    video = pixels(network, 3, 1)
    weights = well_conditioned_weights(network, 1, video)
    _, step = lowered(network, weights, Precision.INT8, video)
    assert step.image.dtype == "int8"
    are_bytes = step.image.value_range == (-128, 127)
    assert are_bytes == (image.value_range == (0.0, 1.0) and not image.mean)
    check_network(network, 1)


@pytest.mark.parametrize("count", [1, 2, 5, 6, 11, 64])
def test_any_number_is_joined_in_one_partition(count: int) -> None:
    builder = NetworkBuilder("joined", SMALL)
    conv = builder.add("conv", Convolution(2))
    builder.add("joined", Concatenate(), *[conv] * count)
    network = _with_logits(builder)
    step = lower(network, random_weights(network, 1), StateLayout.FRAMES)
    assert partitions(step) == 1
    if count < 12:
        check_network(network, 1)


def test_nodes_named_like_constants() -> None:
    builder = NetworkBuilder("names", SMALL)
    builder.add("3", Convolution(4))
    builder.add("one", Activation(ActivationFunction.HARD_SIGMOID))
    builder.add("axis_3", SpatialMean())
    builder.add("spatial_axes", TemporalMean())
    check_network(_with_logits(builder), 1)


def test_two_tensors_of_one_name_are_refused() -> None:
    graph = GraphBuilder()
    x = graph.input("x", (1, 4))
    with pytest.raises(ValueError, match="two tensors are named x"):
        graph.operator("TANH", (x,), "x", x.shape)
    with pytest.raises(ValueError, match="two tensors are named x"):
        graph.input("x", (1, 4))
    builder = NetworkBuilder("names", SMALL)
    builder.add("a", Activation(ActivationFunction.SWISH))
    builder.add("a.sigmoid", Activation(ActivationFunction.TANH))
    network = _with_logits(builder)
    with pytest.raises(ValueError, match=r"two tensors are named a\.sigmoid: a node needs another"):
        lower(network, random_weights(network, 1), StateLayout.FRAMES)


def test_every_table_has_every_layer() -> None:
    layers = set(get_args(AnyLayer))
    assert set(RULES) == layers
    assert set(reference_rules.RULES) == layers
    assert set(tflite_rules.RULES) == layers


def _with_logits(builder: NetworkBuilder) -> Network:
    builder.add("mean of all", SpatialMean())
    builder.add("logits", Dense(3))
    return builder.build()
