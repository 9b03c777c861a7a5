"""What folding put together is taken apart so that folding gives it again."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    HARD_SIGMOIDS,
    UNPADDED,
    Activation,
    ActivationFunction,
    AnyLayer,
    BatchNormalization,
    Convolution,
    Dense,
    Image,
    Multiply,
    Scale,
    SpatialMean,
)
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.ir.weights import random_weights

CHANNELS = 4
IMAGES = st.sampled_from(
    (
        Image(),
        Image(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)),
        Image(mean=(0.4, 0.5, 0.6)),
        Image(channels=1, value_range=(-1.0, 1.0), std=(0.5,)),
    )
)
FOLDED: st.SearchStrategy[list[AnyLayer]] = st.lists(
    st.one_of(
        st.sampled_from((0.0, 1e-3, 0.5, 2.0)).map(BatchNormalization),
        st.just(Scale()),
    ),
    max_size=4,
)
KERNELS = st.builds(
    Convolution,
    filters=st.just(CHANNELS),
    kernel=st.sampled_from(((1, 1, 1), (1, 3, 3), (2, 1, 1))),
    bias=st.booleans(),
    groups=st.sampled_from((1, 2, 4)),
)
DEPTHWISE = st.builds(
    Convolution,
    filters=st.just(CHANNELS),
    kernel=st.sampled_from(((1, 3, 3), (3, 1, 1))),
    bias=st.booleans(),
    depthwise=st.just(True),
)
ACTIVATIONS = st.sampled_from((*HARD_SIGMOIDS, ActivationFunction.RELU))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    builder = NetworkBuilder("drawn", (8, 8), draw(IMAGES))

    def add(layer: AnyLayer, *inputs: str) -> str:
        add.count += 1  # type: ignore[attr-defined]
        return builder.add(f"n{add.count}", layer, *inputs)  # type: ignore[attr-defined]

    add.count = 0  # type: ignore[attr-defined]

    def with_folded(layer: AnyLayer) -> str:
        add(layer)
        for folded in draw(FOLDED):
            add(folded)
        return builder.last

    padding = draw(st.sampled_from((UNPADDED, "same")))
    with_folded(Convolution(CHANNELS, (1, 2, 2), (2, 2), bias=draw(st.booleans()), padding=padding))
    for _ in range(draw(st.integers(0, 3))):
        feature = builder.last
        if draw(st.booleans()):
            with_folded(draw(st.one_of(KERNELS, DEPTHWISE)))
            add(Activation(draw(ACTIVATIONS)))
            continue
        if draw(st.booleans()):
            add(SpatialMean())
        with_folded(draw(KERNELS))
        gate = add(Activation(draw(ACTIVATIONS)))
        add(Multiply(), feature, gate)
        if draw(st.booleans()):
            with_folded(draw(KERNELS))
    with_folded(Dense(3, bias=draw(st.booleans())))
    return builder.build()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(networks(), st.integers(0, 1000))
def test_folding_again_gives_the_same(network: Network, seed: int) -> None:
    folded, folded_weights = fold(network, random_weights(network, seed))
    weights = unfold(network, folded_weights)
    assert {name: value.shape for name, value in weights.items()} == weight_shapes(network)
    assert all(np.isfinite(value).all() for value in weights.values())
    again, again_weights = fold(network, weights)
    assert again == folded
    assert again_weights.keys() == folded_weights.keys()
    for name, value in folded_weights.items():
        largest = max(1.0, float(np.abs(value).max()))
        np.testing.assert_allclose(again_weights[name], value, atol=1e-4 * largest, err_msg=name)
