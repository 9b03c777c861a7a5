"""Spaces, and what is drawn from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream.file.graph import read_model_file
from movistream_converters.conversion import nominal_int8_file
from movistream_converters.formats.movinet_table import read_table, table_text
from movistream_converters.formats.network_file import untrained_source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    Architecture,
    LayerSpec,
    SqueezeExciteType,
    Stage,
)
from movistream_training.errors import SearchError
from movistream_training.search.base import built_in_base
from movistream_training.search.members import Task, misfit, mutate, sample, source_of
from movistream_training.search.space import Space, StageSpace, built_in_space, read_space, space_of

N0 = built_in_space("n0")
MOVINET = built_in_space("movinet")

N0_MEMBER = built_in_base("n0")

TASK = Task(classes=9, horizon_frames=4)

TEXT = """
name = "tiny"
image_size = [32]
frames_per_second = [5]
clip_frames = [10]
stem_filters = [8]
head_filters = [16, 24]
hidden_filters = {least = 8, most = 24, step = 8}
activation = ["relu6"]
head_activation = ["relu6"]

[[stages]]
layers = [1, 2]
filters = [8]
strides = [2]
kernels = [[3, 3]]
expansions = {least = 1.0, most = 1.3, step = 0.1}
"""

seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("name", ["a0", "a1", "a2", "a3", "a4", "a5"])
def test_the_published_networks_are_members(name: str) -> None:
    assert misfit(MOVINET, ARCHITECTURES[name]) is None


def test_n0_without_gates_is_a_member() -> None:
    assert misfit(N0, N0_MEMBER) is None
    gates = {layer.squeeze_excite for stage in N0_MEMBER.stages for layer in stage.layers}
    assert gates == {False}
    assert replace(N0_MEMBER, stages=()) == replace(
        ARCHITECTURES["n0"],
        stages=(),
        stream_activation=ActivationFunction.RELU6,
        stream_head_activation=ActivationFunction.RELU6,
    )


@settings(max_examples=60, deadline=None)
@given(space=st.sampled_from([N0, MOVINET]), seed=seeds)
def test_what_is_drawn_and_changed_is_inside(space: Space, seed: int) -> None:
    generator = np.random.default_rng(seed)
    member = sample(space, generator)
    assert misfit(space, member) is None
    for _ in range(5):
        changed = mutate(space, member, generator)
        assert changed != member
        assert misfit(space, changed) is None
        member = changed


def test_the_same_seed_draws_the_same() -> None:
    drawn = [sample(N0, np.random.default_rng(7)) for _ in range(2)]
    changed = [mutate(N0, drawn[0], np.random.default_rng(7)) for _ in range(2)]
    assert drawn[0] == drawn[1] != sample(N0, np.random.default_rng(8))
    assert changed[0] == changed[1]


def test_every_choice_is_drawn_and_reached() -> None:
    """From one member, by changes alone, and by drawing."""
    space = space_of(TEXT.encode(), "tiny.toml")
    generator = np.random.default_rng(0)
    member = sample(space, generator)
    walked, drawn = {member}, {sample(space, generator) for _ in range(400)}
    for _ in range(400):
        member = mutate(space, member, generator)
        walked.add(member)
    # Two heads, three hidden layers; one or two blocks of 8 or 16 channels, as 8 · 1.3 is rounded.
    assert len(walked) == 2 * 3 * (2 + 2 * 2)
    assert walked == drawn


@settings(max_examples=8, deadline=None)
@given(seed=seeds)
def test_members_become_files(seed: int) -> None:
    generator = np.random.default_rng(seed)
    member = mutate(N0, sample(N0, generator), generator)
    source = source_of(member, Task(4))
    assert nominal_int8_file(source, random_weights(source.network, 1))[4:8] == b"TFL3"


def some(elements: st.SearchStrategy[int], most: int = 2) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(elements, min_size=1, max_size=most, unique=True).map(tuple)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Of odd widths, even kernels, frames of a few pixels."""
    stage = st.builds(
        StageSpace,
        layers=some(st.integers(1, 3)),
        filters=some(st.integers(1, 40)),
        strides=some(st.integers(1, 4)),
        kernels=some(st.tuples(st.integers(1, 5), st.integers(1, 9)), 3),  # type: ignore[arg-type]
        expansions=some(st.sampled_from([0.25, 0.5, 1.0, 1.7, 6.0])),  # type: ignore[arg-type]
        squeeze_excite=st.just((False, True)),
    )
    return Space(
        name="drawn",
        image_size=draw(some(st.integers(16, 80))),
        frames_per_second=(5,),
        clip_frames=(10,),
        stem_filters=draw(some(st.integers(1, 30))),
        head_filters=draw(some(st.integers(1, 60))),
        hidden_filters=draw(some(st.integers(1, 60))),
        activation=(ActivationFunction.RELU6, ActivationFunction.HARD_SWISH),
        head_activation=(ActivationFunction.SWISH, ActivationFunction.GELU),
        se_type=tuple(SqueezeExciteType),
        positional_encoding=(False, True),
        stages=tuple(draw(st.lists(stage, min_size=1, max_size=4))),
    )


@settings(max_examples=25, deadline=None)
@given(space=spaces(), seed=seeds)
def test_members_of_any_space_become_files(space: Space, seed: int) -> None:
    generator = np.random.default_rng(seed)
    member = mutate(space, sample(space, generator), generator)
    assert misfit(space, member) is None
    source = source_of(member, Task(3))
    data = nominal_int8_file(source, random_weights(source.network, 1))
    assert read_model_file(data, "the member's file").graphs[0].operators


@settings(max_examples=30, deadline=None)
@given(space=st.sampled_from([N0, MOVINET]), seed=seeds)
def test_members_travel_as_text(
    space: Space, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    member = sample(space, np.random.default_rng(seed))
    path = tmp_path_factory.getbasetemp() / "arch.txt"
    path.write_text(table_text(member))
    assert read_table(path) == member
    assert untrained_source(str(path)).network == source_of(member, Task(600)).network


def test_a_change_keeps_the_share_of_an_expansion() -> None:
    """A wider stage of 72 = 2.25 · 32 channels inside has 2.25 · 24, rounded, and so on."""
    stage = StageSpace(
        layers=(1,), filters=(24, 32), strides=(2,), kernels=((3, 3),), expansions=(1.0, 2.25, 4.0)
    )
    space_member = Stage(32, 2, (LayerSpec(3, 3, 72),))
    space = _space(stage, space_member)
    member = _member(space_member)
    changes = {mutate(space, member, np.random.default_rng(seed)) for seed in range(60)}
    stages = {each.stages[0] for each in changes}
    assert stages == {
        Stage(24, 2, (LayerSpec(3, 3, 56),)),
        Stage(32, 2, (LayerSpec(3, 3, 32),)),
        Stage(32, 2, (LayerSpec(3, 3, 128),)),
    }


def test_a_space_of_one() -> None:
    stage = StageSpace(
        layers=(1,), filters=(32,), strides=(2,), kernels=((3, 3),), expansions=(2.0, 2.01)
    )
    member = _member(Stage(32, 2, (LayerSpec(3, 3, 64),)))
    space = _space(stage, member.stages[0])
    assert sample(space, np.random.default_rng(0)) == member
    with pytest.raises(SearchError, match="the space one has a single member"):
        mutate(space, member, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image_size": 95}, "image_size 95 is no choice"),
        ({"stream_se_type": SqueezeExciteType.SPACE}, "stream_se_type 2d is no choice"),
        ({"stages": N0_MEMBER.stages[:3]}, "3 stages, where there are 4"),
        ({"filters": 17}, "stage 1: filters 17 is no choice"),
        ({"stride": 1}, "stage 1: stride 1 is no choice"),
        ({"layers": N0_MEMBER.stages[0].layers * 3}, "stage 1: 3 layers are no choice"),
        ({"kernel_size": 7}, "layer 1: a kernel of 3 frames, 7 pixels is no choice"),
        ({"expand_filters": 18}, "layer 1: expand_filters 18 is no choice"),
        ({"squeeze_excite": True}, "layer 1: squeeze_excite True is no choice"),
    ],
)
def test_what_is_no_member(changes: dict[str, object], reason: str) -> None:
    first = N0_MEMBER.stages[0]
    layer = first.layers[0]
    if set(changes) <= set(LayerSpec.__dataclass_fields__):
        changes = {"layers": (replace(layer, **changes),)}  # type: ignore[arg-type]
    if set(changes) <= set(Stage.__dataclass_fields__):
        changed = replace(first, **changes)  # type: ignore[arg-type]
        changes = {"stages": (changed, *N0_MEMBER.stages[1:])}
    member = replace(N0_MEMBER, **changes)  # type: ignore[arg-type]
    found = misfit(N0, member)
    assert found is not None
    assert found.endswith(reason)
    with pytest.raises(SearchError, match="is not in the space n0"):
        mutate(N0, member, np.random.default_rng(0))


def test_ranges() -> None:
    space = space_of(TEXT.encode(), "tiny.toml")
    assert space.hidden_filters == (8, 16, 24)
    assert space.stages[0].expansions == (1.0, 1.1, 1.2, 1.3)
    assert space.stages[0].squeeze_excite == (True,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "tiny"', "", "missing required field `name`"),
        ('name = "tiny"', 'name = "a\\u0007"', "control characters"),
        ("image_size = [32]", "image_size = [8]", "image_size"),
        ("image_size = [32]", "image_size = [32, 32]", "image_size names a choice twice"),
        ("image_size = [32]", "image_size = []", "image_size"),
        ("image_size = [32]", 'image_size = ["32"]', "image_size"),
        ("image_size = [32]", "image_size = 32", "image_size"),
        ("image_size = [32]", "image_sizes = [32]", "image_sizes"),
        ("kernels = [[3, 3]]", "kernels = [[3, 99]]", "kernels"),
        ("kernels = [[3, 3]]", "kernels = [[3]]", "kernels"),
        ("layers = [1, 2]", "layers = [0]", "layers"),
        ("layers = [1, 2]", "layers = [true]", "layers"),
        ("filters = [8]\nstrides", "filters = [99999]\nstrides", "filters"),
        ("most = 1.3", "most = nan", "a range goes"),
        ("most = 1.3", "most = inf", "a range goes|more than 512"),
        ("step = 0.1", "step = 0", "a range goes"),
        ("step = 0.1", "step = 1e-300", "more than 512"),
        ("step = 0.1", "steps = 0.1", "a range has least, most and step"),
        ("least = 8", 'least = "8"', "a range goes"),
        ("least = 8", "least = 1e300", "a range goes"),
        ('activation = ["relu6"]\nhead', 'activation = ["relu7"]\nhead', "relu7"),
        ("[[stages]]", "[[stage]]", "stage"),
        ("name", "= name", "is no TOML"),
        ("[1, 2]", "[" * 5000, "is no TOML"),
    ],
)
def test_files_that_are_no_space(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(SearchError, match=message) as error:
        space_of(TEXT.replace(old, new, 1).encode(), "tiny.toml")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("tiny.toml is no ")


def test_a_space_whose_largest_member_is_no_network() -> None:
    text = TEXT.replace("layers = [1, 2]", "layers = [32]").replace("[32]", "[1024]", 1)
    text = text.replace("filters = [8]\nstrides", "filters = [4096]\nstrides")
    text = text.replace("{least = 1.0, most = 1.3, step = 0.1}", "[16.0]")
    with pytest.raises(SearchError, match="its largest member would be no network"):
        space_of(text.encode(), "tiny.toml")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"cannot read .*: No such file"):
        read_space(tmp_path / "space.toml")
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(SearchError, match="larger than any search space"):
        read_space(large)
    large.write_bytes(b"\xff\xfe")
    with pytest.raises(SearchError, match="is no TOML"):
        read_space(large)
    large.write_text(TEXT.ljust(2**20))
    assert read_space(large) == space_of(TEXT.encode(), "")


def test_the_least_that_a_space_may_hold() -> None:
    text = TEXT.replace("[16, 24]", "[1, 4096]").replace("image_size = [32]", "image_size = [16]")
    space = space_of(text.encode(), "tiny.toml")
    assert space.head_filters == (1, 4096)
    assert space.image_size == (16,)


def _space(stage: StageSpace, member: Stage) -> Space:
    one = _member(member)
    return Space(
        name="one",
        image_size=(one.image_size,),
        frames_per_second=(one.frames_per_second,),
        clip_frames=(one.clip_frames,),
        stem_filters=(one.stem_filters,),
        head_filters=(one.head_filters,),
        hidden_filters=(one.hidden_filters,),
        activation=(one.stream_activation,),
        head_activation=(one.stream_head_activation,),
        stages=(stage,),
    )


def _member(stage: Stage) -> Architecture:
    return Architecture(8, (stage,), 16, 16, image_size=32)
