from __future__ import annotations

import pytest

from movistream_converters.cost import network_cost
from movistream_converters.movinet import ARCHITECTURES, build_movinet, default_options
from movistream_converters.network import Convolution, Image, Network, Node, SpatialMean


def test_multiply_adds_by_hand() -> None:
    """6 × 6 × 3 by a 3 × 3 stride 2 kernel to 3 × 3 × 4: 9 · 4 · 27; then 4 · 5 behind the mean."""
    network = Network(
        "n",
        (
            Node("image", Image(), ()),
            Node("conv", Convolution(4, (1, 3, 3), 2), ("image",)),
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
    assert cost.largest_activation_bytes == 4 * (6 * 6 * 3 + 3 * 3 * 4)


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
