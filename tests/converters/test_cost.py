from __future__ import annotations

import pytest

from movistream_converters.ir.cost import network_cost, peak_activation_bytes
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    Convolution,
    Image,
    SpatialMean,
    TemporalMean,
)
from movistream_converters.ir.network import Network, Node
from movistream_converters.networks.movinet import ARCHITECTURES, build_movinet, default_options
from movistream_converters.networks.paper_table import comparisons
from movistream_converters.networks.x3d import build_x3d, table_of


def test_multiply_adds_by_hand() -> None:
    """6 × 6 × 3 by a 3 × 3 stride 2 kernel to 3 × 3 × 4: 9 · 4 · 27; then 4 · 5 behind the mean."""
    network = Network(
        "n",
        (
            Node("image", Image(), ()),
            Node("conv", Convolution(4, (1, 3, 3), (2, 2)), ("image",)),
            Node("mean", SpatialMean(), ("conv",)),
            Node("dense", Convolution(5, bias=True), ("mean",)),
        ),
        (6, 6),
        causal=True,
    )
    cost = network_cost(network)
    assert cost.multiply_adds_per_frame == 9 * 4 * 27 + 4 * 5
    assert cost.parameters == 27 * 4 + 4 * 5 + 5
    assert cost.state_bytes == 0
    assert peak_activation_bytes(network) == 4 * (6 * 6 * 3 + 3 * 3 * 4)
    assert peak_activation_bytes(network, frames=5) == 5 * 4 * (6 * 6 * 3 + 3 * 3 * 4)


def test_pointwise_layers_write_over_what_they_read() -> None:
    """The skip is kept while conv (16), act (in place) and other (16) are: 3 · 16 numbers."""
    network = Network(
        "n",
        (
            Node("image", Image(1), ()),
            Node("conv", Convolution(1, (1, 3, 3)), ("image",)),
            Node("act", Activation(ActivationFunction.RELU), ("conv",)),
            Node("other", Convolution(1), ("act",)),
            Node("add", Add(), ("other", "image")),
            Node("mean", SpatialMean(), ("add",)),
        ),
        (4, 4),
        causal=True,
    )
    assert peak_activation_bytes(network) == 4 * 3 * 16


def test_what_is_read_again_is_not_written_over() -> None:
    """The sum of conv and image cannot take conv's place, as the last sum reads conv again."""
    nodes = (
        Node("image", Image(1), ()),
        Node("conv", Convolution(1, (1, 3, 3)), ("image",)),
        Node("sum", Add(), ("conv", "image")),
        Node("more", Add(), ("sum", "conv")),
        Node("mean", SpatialMean(), ("more",)),
    )
    assert peak_activation_bytes(Network("n", nodes, (4, 4), causal=True)) == 4 * 3 * 16
    turned = (*nodes[:2], Node("sum", Add(), ("image", "conv")), *nodes[3:])
    assert peak_activation_bytes(Network("n", turned, (4, 4), causal=True)) == 4 * 2 * 16


def test_states_by_hand() -> None:
    """A kernel of four frames keeps three, 5 × 7 × 2 each, in float32."""
    nodes = (
        Node("image", Image(2), ()),
        Node("conv", Convolution(3, (4, 1, 1)), ("image",)),
        Node("mean", SpatialMean(), ("conv",)),
    )
    cost = network_cost(Network("n", nodes, (5, 7), causal=True))
    assert cost.state_bytes == 3 * 5 * 7 * 2 * 4
    assert cost.multiply_adds_per_frame == 5 * 7 * 3 * 2 * 4


def test_what_is_behind_a_clips_mean_is_there_once() -> None:
    """Ten frames of 2 × 2 and their ten means; then one mean and one answer."""
    nodes = (
        Node("image", Image(1), ()),
        Node("space", SpatialMean(), ("image",)),
        Node("time", TemporalMean(), ("space",)),
        Node("wide", Convolution(100), ("time",)),
    )
    assert peak_activation_bytes(Network("n", nodes, (2, 2), False), 10) == 4 * 101
    assert peak_activation_bytes(Network("n", nodes[:3], (2, 2), False), 10) == 4 * 50


def test_published_cost() -> None:
    """Every published figure within 5 %, or off for a reason that the table gives."""
    found = list(comparisons())
    assert len(found) == 24
    assert [each.what for each in found if not each.holds] == []
    off = {each.what for each in found if each.is_off}
    assert off == {"movinet-a2-base"} | {f"movinet-a{size}-stream" for size in range(6)}


def test_x3d_by_its_published_widths() -> None:
    """Squeezes of 8, 8, 16 and 32 in X3D-M, 8, 16, 24 and 40 in X3D-XL; 26 and 55 blocks."""
    for name, squeezes, blocks in (("m", [8, 8, 16, 32], 26), ("xl", [8, 16, 24, 40], 55)):
        nodes = {node.name: node.layer for node in build_x3d(name, table_of(name, 400), 224).nodes}
        reduces = [nodes[f"block{i}_layer0.se.reduce"] for i in range(4)]
        assert [layer.filters for layer in reduces if isinstance(layer, Convolution)] == squeezes
        assert sum(name.endswith(".add") for name in nodes) == blocks


@pytest.mark.parametrize(
    ("architecture", "gigaflops"), [("a0", 2.7), ("a1", 6.0), ("a3", 57), ("a5", 280)]
)
def test_published_multiply_adds_of_base_models(architecture: str, gigaflops: float) -> None:
    """arXiv 2103.11511, table 3, counts a multiply-add as one FLOP."""
    cost = network_cost(build_movinet(default_options(architecture, causal=False)))
    clip_frames = ARCHITECTURES[architecture].clip_frames
    total = cost.multiply_adds_per_frame * clip_frames + cost.multiply_adds_per_clip
    assert total / 1e9 == pytest.approx(gigaflops, rel=0.05)


def test_published_parameters_of_base_models() -> None:
    """3.1 M for A0 and 4.6 M for A1 (arXiv 2103.11511, table 3)."""
    found = [
        network_cost(build_movinet(default_options(a, causal=False))).parameters / 1e6
        for a in ("a0", "a1")
    ]
    assert found == pytest.approx([3.1, 4.6], rel=0.05)
