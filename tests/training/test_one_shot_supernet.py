"""Members are slices of the shared weights: of all they need, and of what means the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.weights import STATISTICS, Weights, node_and_weight, random_weights
from movistream_converters.networks.movinet import Architecture, LayerSpec, SqueezeExciteType, Stage
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.verification import relative_error
from movistream_training.one_shot.choices import choices_of, member_of
from movistream_training.one_shot.supernet import (
    Slim,
    Supernet,
    add_spread,
    network_of,
    sliced,
    slim,
    supernet_of,
)
from movistream_training.search.members import Task, sample
from movistream_training.search.space import Space, built_in_space, space_of

TASK = Task(classes=3, horizon_frames=4)

SPREAD = space_of(
    b"""
name = "spread"
image_size = [32]
frames_per_second = [5]
clip_frames = [6]
stem_filters = [8, 12]
head_filters = [16, 24]
hidden_filters = [8, 16]
activation = ["relu6"]
head_activation = ["hard_swish"]
se_type = ["2plus3d", "3d", "2d", "none"]
positional_encoding = [false, true]

[[stages]]
layers = [1, 2]
filters = [8, 12]
strides = [1]
kernels = [[1, 1], [3, 2], [5, 3], [5, 4], [2, 5]]
expansions = [1.0, 2.0, 3.0]
squeeze_excite = [false, true]

[[stages]]
layers = [1, 2, 3]
filters = [12]
strides = [1, 2]
kernels = [[3, 3], [5, 5]]
expansions = [1.0, 4.0]
""",
    "spread.toml",
)
"""Where projections come and go, kernels are even and gates differ."""

SPACES = {"spread": SPREAD, "n0": built_in_space("n0"), "movinet": built_in_space("movinet")}
SUPERNETS = {name: supernet_of(space, TASK) for name, space in SPACES.items()}

FRAMES = np.random.default_rng(0).normal(size=(2, 6, 32, 32, 3)).astype(np.float32)

seeds = st.integers(0, 2**32 - 1)


def shared_weights(supernet: Supernet, seed: int = 0) -> Weights:
    return random_weights(network_of(supernet.table, supernet.task), seed)


SHARED = {name: shared_weights(supernet) for name, supernet in SUPERNETS.items()}


def random_member(space: Space, seed: int) -> Architecture:
    """Widened in some places, as in the warm-up."""
    generator = np.random.default_rng(seed)
    choices = choices_of(space)
    decisions = {c.name: int(generator.integers(len(c.alternatives))) for c in choices}
    return member_of(space, decisions, {c.name for c in choices if generator.random() < 0.3})


def check_slices(name: str, seed: int) -> None:
    supernet = SUPERNETS[name]
    drawn = sample(supernet.space, np.random.default_rng(seed))
    for member in (drawn, random_member(supernet.space, seed)):
        found = slim(supernet, member)
        weights = sliced(found, SHARED[name])
        assert {k: v.shape for k, v in weights.items()} == weight_shapes(found.network)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(["n0", "spread"]), seed=seeds)
def test_every_member_finds_its_weights(name: str, seed: int) -> None:
    check_slices(name, seed)


@pytest.mark.parametrize("seed", range(3))
def test_so_do_members_of_the_paper_s_space(seed: int) -> None:
    check_slices("movinet", seed)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_the_largest_table_is_all_of_the_shared_weights(name: str) -> None:
    supernet = SUPERNETS[name]
    shared = SHARED[name]
    taken = sliced(slim(supernet, supernet.table), shared)
    assert taken.keys() == shared.keys()
    for weight, value in taken.items():
        np.testing.assert_array_equal(value, shared[weight])


def test_the_largest_member_computes_what_the_supernet_does() -> None:
    """Of a space that has one that is the largest in everything."""
    supernet = SUPERNETS["n0"]
    choices = choices_of(supernet.space)
    largest = member_of(
        supernet.space,
        {c.name: len(c.alternatives) - 1 for c in choices},
        {c.name for c in choices},
    )
    found = slim(supernet, replace(largest, image_size=32))
    shared = shared_weights(supernet)
    logits, _ = run_clip(found.network, sliced(found, shared), FRAMES)
    whole = network_of(replace(supernet.table, image_size=32), TASK)
    expected, _ = run_clip(whole, shared, FRAMES)
    np.testing.assert_array_equal(logits, expected)


def neutral(network: Network) -> Weights:
    """Zeros, and batch norms that pass on what they get."""
    weights = {}
    for name, shape in weight_shapes(network).items():
        is_one = node_and_weight(name)[1] in ("gamma", "variance")
        weights[name] = np.full(shape, 1.0 if is_one else 0.0, np.float32)
    return weights


def embedded(found: Slim, weights: Weights, supernet: Supernet) -> Weights:
    """The member's weights in their places of the largest network, which are neutral elsewhere."""
    whole = neutral(network_of(supernet.table, supernet.task))
    for name, parts in found.parts.items():
        for part in parts:
            whole[name][part] = 0.0
    add_spread(found, weights, whole)
    return whole


GROWN = space_of(
    b"""
name = "grown"
image_size = [32]
frames_per_second = [5]
clip_frames = [6]
stem_filters = [8, 16]
head_filters = [16, 24]
hidden_filters = [8, 16]
activation = ["relu6"]
head_activation = ["relu6"]
se_type = ["2plus3d", "3d", "2d"]

[[stages]]
layers = [1, 2]
filters = [8, 16]
strides = [2]
kernels = [[3, 3], [5, 5]]
expansions = [1.0, 3.0]

[[stages]]
layers = [1, 2, 3]
filters = [20, 24]
strides = [1]
kernels = [[2, 1], [3, 2], [2, 3], [4, 4], [5, 5]]
expansions = [1.0, 2.0]
""",
    "grown.toml",
)
"""Whose members all have the layers of the largest, or fewer blocks."""


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_a_slice_means_what_it_does_in_the_largest_network(seed: int) -> None:
    """A small kernel is a large one with zeros around it; channels and blocks of zeros do nothing.

    So the member's weights, put where they were cut out, make the largest network compute what the
    member computes: taps, frames, channels and the two halves of a gate are all in their places.
    """
    supernet = supernet_of(GROWN, TASK)
    member = random_member(GROWN, seed)
    found = slim(supernet, member)
    weights = sliced(found, shared_weights(supernet, seed))
    logits, _ = run_clip(found.network, weights, FRAMES)
    whole = network_of(supernet.table, TASK)
    expected, _ = run_clip(whole, embedded(found, weights, supernet), FRAMES)
    assert relative_error(np.asarray(expected), np.asarray(logits)) < 1e-4


def test_a_member_is_a_network_of_its_own() -> None:
    """Worked out by hand: which numbers a small block is made of."""
    supernet = SUPERNETS["spread"]
    table = supernet.table
    small = replace(
        table,
        stem_filters=8,
        stages=(
            Stage(8, 1, (LayerSpec(3, 2, 16, squeeze_excite=True),)),
            Stage(12, 2, (LayerSpec(3, 3, 16),)),
        ),
        stream_se_type=SqueezeExciteType.SPACE,
        stream_positional_encoding=False,
    )
    shared = shared_weights(supernet)
    weights = sliced(slim(supernet, small), shared)
    block = "block0_layer0"
    for name, part in {
        "expansion.conv": np.s_[:, :, :, :8, :16],
        "feature.conv": np.s_[:, 2:4, 2:4, :16],
        "feature_temporal.conv": np.s_[2:, :, :, :16],
        # Behind the 40 channels of means over time.
        "se.reduce": np.s_[:, :, :, 40:56, :8],
        "projection.conv": np.s_[:, :, :, :16, :8],
    }.items():
        np.testing.assert_array_equal(
            weights[f"{block}.{name}.kernel"], shared[f"{block}.{name}.kernel"][part], name
        )
    assert f"{block}.skip.conv.kernel" not in weights
    assert f"{block}.skip.conv.kernel" in shared
    assert "block1_layer0.skip.conv.kernel" in weights


def gradients(network: Network, weights: Weights) -> Weights:
    tensors = {name: tf.constant(value) for name, value in weights.items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        loss = tf.reduce_sum(run_clip(network, tensors, FRAMES, statistics={})[0] ** 2)
    found = tape.gradient(loss, tensors, unconnected_gradients="zero")
    return {name: np.asarray(value) for name, value in found.items()}


@settings(max_examples=8, deadline=None)
@given(seed=seeds)
def test_gradients_reach_the_slices_and_nothing_else(seed: int) -> None:
    """As if TensorFlow itself had cut the slices out of variables."""
    supernet = SUPERNETS["spread"]
    found = slim(supernet, random_member(SPREAD, seed))
    shared = shared_weights(supernet, seed)
    total = {name: np.zeros(shape, np.float32) for name, shape in supernet.shapes.items()}
    own = gradients(found.network, sliced(found, shared))
    add_spread(found, own, total)
    tensors = {name: tf.constant(value) for name, value in shared.items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        cut = {
            name: tf.concat([tensors[name][part] for part in parts], axis=-2)
            if len(parts) > 1
            else tensors[name][parts[0]]
            for name, parts in found.parts.items()
        }
        loss = tf.reduce_sum(run_clip(found.network, cut, FRAMES, statistics={})[0] ** 2)
    expected = tape.gradient(loss, tensors, unconnected_gradients="zero")
    for name, value in total.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-4, err_msg=name)
        outside = np.ones(value.shape, bool)
        for part in found.parts.get(name, ()):
            outside[part] = False
        assert not value[outside].any(), name
    kernels = [name for name in own if node_and_weight(name)[1] not in STATISTICS]
    assert any(total[name].any() for name in kernels)
