from __future__ import annotations

import math

import pytest

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    HARD_SIGMOIDS,
    RULES,
    UNPADDED,
    Activation,
    ActivationFunction,
    Add,
    Concatenate,
    Convolution,
    Dense,
    Image,
    Layer,
    LayerError,
    Multiply,
    Pool,
    PositionalEncoding,
    Previous,
    Scale,
    Shape,
    Slice,
    SpatialMean,
    encoding_frequencies,
)
from movistream_converters.ir.network import (
    Network,
    NetworkError,
    Node,
    node_shapes,
    receptive_field_frames,
    weight_shapes,
)
from movistream_converters.ir.states import CLOCK, network_states
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    ConvolutionType,
    SqueezeExciteType,
    build_movinet,
    default_options,
    make_divisible,
)
from tests.conftest import small_checkpoint


def test_nodes_come_after_what_they_read() -> None:
    image = Node("image", Image())
    with pytest.raises(NetworkError, match="a reads late before"):
        Network("n", (image, Node("a", Add(), ("image", "late"))), (8, 8))
    same = Node("same", Scale(), ("image",))
    with pytest.raises(NetworkError, match="two nodes are named same"):
        Network("n", (image, same, same), (8, 8))


def test_shapes_that_cannot_be() -> None:
    image, mean = Node("image", Image()), Node("mean", SpatialMean(), ("image",))
    with pytest.raises(NetworkError, match=r"same gives \[8, 8, 3\], which are no logits"):
        Network("n", (image, Node("same", Scale(), ("image",))), (8, 8))
    before = Node("before", Previous((1, 1, 4)), ("sum",))
    with pytest.raises(NetworkError, match=r"before should be \[1, 1, 4\], and sum gives"):
        Network("n", (image, mean, before, Node("sum", Scale(), ("mean",))), (8, 8))
    wide = [Node("wide", Convolution(60_000), ("image",)), Node("more", SpatialMean(), ("wide",))]
    both = Node("both", Concatenate(), ("more", "more"))
    with pytest.raises(NetworkError, match=r"both gives \[1, 1, 120000\] numbers"):
        Network("n", (image, *wide, both), (8, 8))


@pytest.mark.parametrize("frames", [-1, 65_537])
def test_delays_that_cannot_be(frames: int) -> None:
    nodes = Node("image", Image()), Node("mean", SpatialMean(), ("image",))
    assert Network("n", nodes, (8, 8), delay_frames=28).delay_frames == 28
    with pytest.raises(NetworkError, match=f"a delay of {frames} frames is impossible"):
        Network("n", nodes, (8, 8), delay_frames=frames)


@pytest.mark.parametrize(
    ("layer", "inputs", "reason"),
    [
        (Add(), ((4, 4, 8), (4, 4, 9)), "do not go together"),
        (Add(), ((4, 4, 8), (1, 4, 8)), "do not go together"),
        (Multiply(), ((4, 4, 8), (1, 1, 9)), "do not go together"),
        (Concatenate(), ((4, 4, 8), (4, 5, 8)), "different sizes"),
        (Convolution(8, depthwise=True), ((4, 4, 9),), "of 9 channels gives 8"),
        (Convolution(8, depthwise=True, groups=2), ((4, 4, 8),), "has no groups"),
        (Convolution(8, groups=4), ((4, 4, 6),), "4 groups do not divide 6 channels"),
        (Convolution(8, groups=3), ((4, 4, 6),), "3 groups do not divide 6 channels and 8"),
        (Convolution(8, (1, 5, 5), padding=UNPADDED), ((4, 4, 8),), "does not fit into 4"),
        (Pool(size=(3, 6), padding=UNPADDED), ((4, 5, 8),), "6 pixels does not fit into 5"),
        (Slice(2, 9), ((4, 4, 8),), "not among 8"),
        (PositionalEncoding(), ((1, 1, 7),), "no pairs"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    layer: Layer, inputs: tuple[Shape, ...], reason: str
) -> None:
    with pytest.raises(LayerError, match=reason):
        RULES[type(layer)].shape(layer, inputs)


def test_a0_by_hand() -> None:
    """172 → 86 (stem) → 43 → 22 → 11 → 11 → 6, and the widths of the published model."""
    shapes = node_shapes(build_movinet(default_options("a0")))
    assert shapes["stem.conv"] == (86, 86, 8)
    assert shapes["block0_layer0.add"] == (43, 43, 8)
    assert shapes["block1_layer0.feature.conv"] == (22, 22, 80)
    assert shapes["block3_layer3.add"] == (11, 11, 56)
    assert shapes["block4_layer0.se.concat"] == (1, 1, 2 * 384)
    assert shapes["head.project.conv"] == (6, 6, 480)
    assert shapes["classifier.hidden"] == (1, 1, 2048)
    assert shapes["classifier.logits"] == (1, 1, 600)


def test_a0_receptive_field_by_hand() -> None:
    """3+3+3, 5+3+3, 5+3+3+3, 5 frames in blocks 1 to 4: 1 + 6 + 8 + 10 + 4."""
    assert receptive_field_frames(build_movinet(default_options("a0"))) == 29


def test_what_recurrent_values_saw_is_not_counted() -> None:
    builder = NetworkBuilder("recurrent", (8, 8))
    builder.add("conv", Convolution(4, (3, 1, 1)))
    builder.add("mean", SpatialMean())
    builder.previous("before", "sum", (1, 1, 4))
    builder.add("sum", Add(), "mean", "before")
    builder.add("logits", Dense(2))
    network = builder.build()
    assert receptive_field_frames(network) == 3
    only = NetworkBuilder("memory alone", (8, 8))
    only.previous("before", "copy", (1, 1, 2))
    only.add("copy", Activation(ActivationFunction.TANH))
    assert receptive_field_frames(only.build()) == 1


@pytest.mark.parametrize(
    ("architecture", "states", "megabytes"),
    [
        ("a0", 43, 2.70),
        ("a1", 67, 4.88),
        ("a2", 73, 10.83),
        ("a3", 124, 18.28),
        ("a4", 178, 49.4),
        ("a5", 222, 75.1),
    ],
)
def test_states_match_the_published_files(architecture: str, states: int, megabytes: float) -> None:
    """Published files keep a frame count beside every pool and every positional encoding."""
    network = build_movinet(default_options(architecture))
    own = network_states(network)
    pools = sum(state.role == "pool" for state in own)
    encodings = sum(isinstance(node.layer, PositionalEncoding) for node in network.nodes)
    assert len(own) - 1 + pools + encodings == states
    size = sum(4 * state.frames * math.prod(state.shape) for state in own)
    assert size / 1e6 == pytest.approx(megabytes, abs=0.05)
    assert own[-1].name == CLOCK


def test_base_networks_have_no_state() -> None:
    with pytest.raises(ValueError, match="not causal"):
        network_states(build_movinet(default_options("a0", causal=False)))


@pytest.mark.parametrize("se_type", list(SqueezeExciteType))
def test_squeeze_excite_types_have_their_weights(se_type: SqueezeExciteType) -> None:
    """80 channels: a quarter of 80 rounds to 24 by 8s, a quarter of 160 to 40."""
    shapes = weight_shapes(small_checkpoint("a0", se_type=se_type).network)
    kernel = shapes.get("block1_layer0.se.reduce.kernel")
    assert (
        kernel
        == {
            SqueezeExciteType.NONE: None,
            SqueezeExciteType.SPACE: (1, 1, 1, 80, 24),
            SqueezeExciteType.SPACE_TIME: (1, 1, 1, 80, 24),
            SqueezeExciteType.BOTH: (1, 1, 1, 160, 40),
        }[se_type]
    )


def test_joint_kernels_replace_the_pair() -> None:
    shapes = weight_shapes(small_checkpoint("a0", convolution_type=ConvolutionType.JOINT).network)
    assert shapes["block2_layer0.feature.conv.kernel"] == (5, 3, 3, 184)
    assert not any("feature_temporal" in name for name in shapes)


@pytest.mark.parametrize(
    ("value", "divisible"), [(3, 8), (20, 24), (12, 16), (40, 40), (19.9, 24), (18, 24), (17, 16)]
)
def test_make_divisible(value: float, divisible: int) -> None:
    """18 would round to 16, more than 10 % lower, so it goes up; 17 may go down."""
    assert make_divisible(value) == divisible


def test_encoding_frequencies_by_hand() -> None:
    assert encoding_frequencies(4) == pytest.approx([1.0, 10_000**-0.5])


def test_states_are_named_by_block() -> None:
    """As in the published files: a block keeps one buffer and one pool at most."""
    for architecture in ARCHITECTURES:
        for state in network_states(build_movinet(default_options(architecture))):
            assert state.name == state.node.partition(".")[0]


def test_gates_by_hand() -> None:
    """At 1: relu6(1 + 3) · 0.16667, as Model Garden has it; 0.2 · 1 + 0.5, as Keras 2 has it;
    relu6(1 + 3) / 6, as PyTorch has it."""
    for function, expected in (
        (ActivationFunction.HARD_SIGMOID, 0.66668),
        (ActivationFunction.HARD_SIGMOID_KERAS, 0.7),
        (ActivationFunction.HARD_SIGMOID_SIXTH, 4 / 6),
    ):
        slope, factor = HARD_SIGMOIDS[function]
        assert factor * min(6, max(0, slope * 1 + 3)) == pytest.approx(expected, abs=1e-6)


def test_defaults_of_layers() -> None:
    """What published networks have and do not say."""
    assert Pool() == Pool("average", (3, 3), (2, 2), "same", counts_padding=False)
    assert Convolution(8) == Convolution(
        8,
        (1, 1, 1),
        (1, 1),
        depthwise=False,
        bias=False,
        groups=1,
        dilation=(1, 1, 1),
        padding="same",
    )
