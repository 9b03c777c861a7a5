"""Choices by name, and the members that decisions make."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream_training.one_shot.choices import choices_of, decisions_that_matter, member_of
from movistream_training.search.members import misfit, sample
from movistream_training.search.space import built_in_space, space_of
from tests.training.moving_textures import BEST, TARGET, all_decisions, cost_of, sees_motion
from tests.training.moving_textures import toy_space as moving_textures

SPACES = {name: built_in_space(name) for name in ("n0", "movinet")}

DEEP = space_of(
    b"""
name = "deep"
image_size = [32, 48]
frames_per_second = [5]
clip_frames = [10]
stem_filters = [8]
head_filters = [16]
hidden_filters = [8]
activation = ["relu6", "hard_swish"]
head_activation = ["relu6"]

[[stages]]
layers = [1, 2]
filters = [8]
strides = [1, 2]
kernels = [[1, 3], [3, 1]]
expansions = [1.0]
squeeze_excite = [false, true]
""",
    "deep.toml",
)

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(SPACES)), seed=seeds)
def test_any_decisions_make_a_member(name: str, seed: int) -> None:
    space, generator = SPACES[name], np.random.default_rng(seed)
    decisions = {
        choice.name: int(generator.integers(len(choice.alternatives)))
        for choice in choices_of(space)
    }
    member = member_of(space, decisions)
    assert misfit(space, member) is None
    assert member_of(space, decisions_that_matter(space, decisions)) == member


def test_decisions_reach_every_member() -> None:
    """Two sizes, activations and strides, and one or two blocks of four kinds."""
    choices = choices_of(DEEP)
    assert [choice.name for choice in choices] == [
        "image_size",
        "activation",
        "stage1.layers",
        "stage1.stride",
        "stage1.block1.kernel",
        "stage1.block1.squeeze_excite",
        "stage1.block2.kernel",
        "stage1.block2.squeeze_excite",
    ]
    made = {
        member_of(DEEP, dict(zip((c.name for c in choices), each, strict=True)))
        for each in itertools.product(range(2), repeat=len(choices))
    }
    generator = np.random.default_rng(0)
    drawn = {sample(DEEP, generator) for _ in range(4000)}
    assert len(made) == 2**3 * (4 + 4**2)
    assert made == drawn


def test_alternatives_are_words() -> None:
    words = {choice.name: choice.alternatives for choice in choices_of(DEEP)}
    assert words["activation"] == ("relu6", "hard_swish")
    assert words["stage1.block2.kernel"] == ("1x3", "3x1")
    assert words["stage1.block1.squeeze_excite"] == ("false", "true")


def test_blocks_that_are_not_there_are_not_decided_on() -> None:
    decisions = {choice.name: 1 for choice in choices_of(DEEP)}
    assert decisions_that_matter(DEEP, decisions) == decisions
    shallow = decisions_that_matter(DEEP, {**decisions, "stage1.layers": 0})
    assert set(decisions) - set(shallow) == {
        "stage1.block2.kernel",
        "stage1.block2.squeeze_excite",
    }


@pytest.mark.parametrize("name", sorted(SPACES))
def test_a_widened_choice_has_what_all_alternatives_have(name: str) -> None:
    space = SPACES[name]
    choices = choices_of(space)
    member = member_of(space, {}, {choice.name for choice in choices})
    assert member.image_size == space.image_size[0]
    assert member.head_filters == max(space.head_filters)
    for stage, widest in zip(space.stages, member.stages, strict=True):
        assert (widest.filters, len(widest.layers)) == (max(stage.filters), max(stage.layers))
        for layer in widest.layers:
            assert layer.kernel_frames == max(frames for frames, _ in stage.kernels)
            assert layer.kernel_size == max(size for _, size in stage.kernels)
            assert layer.expand_filters == max(stage.expand_filters(widest.filters))
            assert layer.squeeze_excite == any(stage.squeeze_excite)
    one = next(choice for choice in choices if choice.name == "stage2.block1.kernel")
    only = member_of(space, {}, {one.name})
    plain = member_of(space, {})
    assert only.stages[1].layers[0].kernel_size == max(size for _, size in space.stages[1].kernels)
    assert only.stages[0] == plain.stages[0]
    assert only.stages[2:] == plain.stages[2:]


def test_the_toy_has_one_best_member() -> None:
    """By construction: who sees no motion guesses."""
    rewards = {
        tuple(decisions.items()): (1.0 if sees_motion(decisions) else 0.5)
        - abs(cost_of(member_of(moving_textures(), decisions)) / TARGET - 1)
        for decisions in all_decisions()
    }
    best, second, *_ = sorted(rewards, key=lambda each: rewards[each], reverse=True)
    assert dict(best) == BEST
    assert rewards[best] == 1.0
    assert rewards[second] < 0.9
