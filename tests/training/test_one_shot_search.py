"""A whole search: goes on where it was killed, and refuses what it cannot do."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from movistream.errors import MissingExtraError
from movistream_converters.formats.movinet_table import read_table
from movistream_converters.ir.weights import STATISTICS, node_and_weight, random_weights
from movistream_converters.networks.movinet import Architecture
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_training.batches import Batch
from movistream_training.errors import SearchError
from movistream_training.one_shot.batches import fixed_batches
from movistream_training.one_shot.choices import choices_of, member_of
from movistream_training.one_shot.controller import new_controller
from movistream_training.one_shot.orders import assignments
from movistream_training.one_shot.ray_workers import on_ray
from movistream_training.one_shot.replica import Order, Replica, recalibrated
from movistream_training.one_shot.search import Aim, one_shot_search
from movistream_training.one_shot.settings import Settings
from movistream_training.one_shot.supernet import network_of, sliced, slim, supernet_of
from movistream_training.search.members import misfit
from movistream_training.search.space import Space, built_in_space, space_of
from tests.training.moving_textures import (
    SIZE,
    TARGET,
    TASK,
    TEXT,
    batches,
    clips,
    cost_of,
    toy_space,
)
from tests.training.one_shot_process import SETTINGS, files_of, search_elsewhere


@pytest.fixture(autouse=True)
def _in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last bit does not matter, the tests' own process will do."""
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")


def search(folder: Path, space: Space | None = None, **changes: object) -> Architecture:
    space = space or toy_space()
    arguments: dict[str, object] = {
        "training": fixed_batches(toy_space(), batches(2, 2, seed=1), 1),
        "judging": fixed_batches(toy_space(), batches(2, 2, seed=2), 2),
        "aim": Aim(cost_of, TARGET),
        "settings": Settings(steps=3, replicas=1),
        **changes,
    }
    return one_shot_search(space, TASK, folder=folder, **arguments)


def test_a_killed_search_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert search_elsewhere(whole) == 0
    assert search_elsewhere(killed, 0, "killed", "6") == -9
    assert set(files_of(killed)) == {"checkpoint.safetensors"}
    assert search_elsewhere(killed, 0, "killed", "10") == -9
    assert search_elsewhere(killed) == 0
    assert files_of(killed) == files_of(whole)
    check_results(whole)


def check_results(folder: Path) -> None:
    assert misfit(toy_space(), read_table(folder / "arch.txt")) is None
    document = json.loads((folder / "controller.json").read_text())
    assert document["choices"]["stage1.block1.kernel"] == ["1x3", "5x3"]
    assert [each["steps"] for each in document["probabilities"]] == [3, 4, 8, 11]
    for each in document["probabilities"]:
        for name, chances in each["choices"].items():
            assert len(chances) == len(document["choices"][name])
            assert sum(chances) == pytest.approx(1)
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, SETTINGS.steps + 1))
    for row in rows:
        # Three steps of warm-up.
        assert (row["reward"] == "") == (int(row["step"]) <= 3)
        if row["reward"]:
            assert 0 <= float(row["accuracy"]) <= 1
            assert float(row["cost"]) > 10_000
            assert float(row["reward"]) <= float(row["accuracy"])


def test_a_finished_search_is_only_read(tmp_path: Path) -> None:
    steps: list[int] = []
    found = search(tmp_path, on_step=lambda step, best: steps.append(step.step))
    before = files_of(tmp_path)
    assert search(tmp_path, on_step=lambda step, best: steps.append(step.step)) == found
    assert steps == [1, 2, 3]
    assert files_of(tmp_path) == before


def test_another_search_s_folder_is_refused(tmp_path: Path) -> None:
    search(tmp_path)
    with pytest.raises(SearchError, match="another space, or with other settings"):
        search(tmp_path, settings=Settings(steps=4, replicas=1))
    with pytest.raises(SearchError, match="another space, or with other settings"):
        search(tmp_path, aim=Aim(cost_of, TARGET + 1))


@pytest.mark.parametrize("damage", [b"", b"no weights", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_checkpoint_is_told(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(damage)
    with pytest.raises(
        SearchError, match=r"checkpoint\.safetensors cannot be gone on from"
    ) as told:
        search(tmp_path)
    assert "\n" not in str(told.value)


def test_what_leaves_no_choice_is_refused(tmp_path: Path) -> None:
    single = space_of(
        TEXT.replace("[8, 16]", "[8]")
        .replace("[[1, 3], [5, 3]]", "[[5, 3]]")
        .replace("[[1, 3], [1, 5]]", "[[1, 3]]")
        .replace("[1.0, 3.0]", "[1.0]")
        .encode(),
        "single.toml",
    )
    with pytest.raises(SearchError, match="single member"):
        search(tmp_path, single)


def test_several_threads_are_refused() -> None:
    """Where TensorFlow has computed already, unless it began with one."""
    program = (
        "import tensorflow as tf; tf.constant(0.0)\n"
        "from movistream_training.one_shot.replica import use_one_thread\n"
        "use_one_thread()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for threads, expected in (("1", 0), ("2", 1)):
        environment["TF_NUM_INTRAOP_THREADS"] = threads
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expected, done.stderr
        assert ("begin with TF_NUM_INTRAOP_THREADS=1" in done.stderr) == bool(expected)


@pytest.mark.parametrize("target", [0.0, -1.0, float("nan"), float("inf")])
def test_a_target_that_is_no_cost_is_refused(tmp_path: Path, target: float) -> None:
    with pytest.raises(SearchError, match="above 0"):
        search(tmp_path, aim=Aim(cost_of, target))


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"replicas": 0},
        {"beta": 0.0},
        {"warm_up_share": 1.0},
        {"checkpoint_steps": 0},
        {"learning_rate": 0.0},
        {"seed": -1},
    ],
)
def test_settings_beyond_sense_are_refused(changes: dict[str, float]) -> None:
    (name,) = changes
    with pytest.raises(SearchError, match=name):
        replace(SETTINGS, **changes)


def test_clips_of_another_kind_than_the_member_sees_are_refused(tmp_path: Path) -> None:
    larger = space_of(TEXT.replace(f"[{SIZE}]", "[16, 24]").encode(), "sizes.toml")
    with pytest.raises(SearchError, match="image_size open"):
        fixed_batches(larger, [clips(2, 1)], 1)
    with pytest.raises(SearchError, match="no batches"):
        fixed_batches(toy_space(), [], 1)
    with pytest.raises(SearchError, match="of 24 × 24 pixels, and was given 6 frames of 16 × 16"):
        search(tmp_path, larger, settings=Settings(steps=20, replicas=1))


def test_members_of_other_sizes_and_strides_are_searched(tmp_path: Path) -> None:
    """Each sees clips of its own."""
    text = (
        TEXT.replace(f"[{SIZE}]", "[16, 24]")
        .replace("frames_per_second = [5]", "frames_per_second = [5, 10]")
        .replace("clip_frames = [6]", "clip_frames = [4, 6]")
        .replace("strides = [1]", "strides = [1, 2]")
    )
    asked: set[tuple[int, int, int]] = set()

    def examples(member: Architecture, step: int, replica: int) -> Batch:
        generator = np.random.default_rng([step, replica])
        size, frames = member.image_size, member.clip_frames
        asked.add((size, member.frames_per_second, frames))
        return Batch(
            generator.integers(0, 256, (2, frames, size, size, 3), np.uint8),
            generator.integers(0, 2, (2, frames)).astype(np.int32),
            np.ones((2, frames), np.float32),
        )

    space = space_of(text.encode(), "sizes.toml")
    settings = Settings(steps=6, replicas=3)
    found = search(tmp_path, space, training=examples, judging=examples, settings=settings)
    assert misfit(space, found) is None
    assert len(asked) >= 5


def test_without_ray_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'movistream\[cluster\]'"):
        search(tmp_path, workers=on_ray(2))
    with pytest.raises(SearchError, match="a worker at least, and 0"):
        on_ray(0)


def test_a_loss_that_is_no_number_ends_the_search(tmp_path: Path) -> None:
    def nothing(member: Architecture, step: int, replica: int) -> Batch:
        batch = clips(2, 1)
        return replace(batch, weights=np.full_like(batch.weights, np.nan))

    with pytest.raises(SearchError, match="loss became nan in step 1"):
        search(tmp_path, training=nothing)


def test_the_warm_up_widens_less_and_less() -> None:
    """In the first step every choice that can be, from its end on none."""
    space = built_in_space("n0")
    controller = new_controller(choices_of(space))
    plan = Settings(steps=400, replicas=20, warm_up_share=0.25)

    def widened(step: int) -> float:
        """The share of stages whose width is the largest, in excess of what chance gives."""
        orders = [each.order for each in assignments(space, controller, step, plan)]
        stages = [
            stage.filters == max(choices.filters)
            for order in orders
            for stage, choices in zip(order.member.stages, space.stages, strict=True)
        ]
        return sum(stages) / len(stages)

    assert widened(0) == 1.0
    assert 0.45 < widened(50) < 0.85
    assert widened(100) < 0.45
    for step in (100, 399):
        for each in assignments(space, controller, step, plan):
            assert each.order.is_judged
            assert misfit(space, each.order.member) is None
    assert not any(each.order.is_judged for each in assignments(space, controller, 99, plan))


def test_a_step_s_members_depend_on_seed_step_and_replica_alone() -> None:
    space = built_in_space("n0")
    controller = new_controller(choices_of(space))
    few, many = (replace(SETTINGS, replicas=count) for count in (2, 4))
    first = [each.order.member for each in assignments(space, controller, 9, few)]
    assert [e.order.member for e in assignments(space, controller, 9, many)][:2] == first
    assert len(set(first)) == 2
    others = replace(few, seed=2)
    assert [e.order.member for e in assignments(space, controller, 9, others)] != first


def test_graphs_are_traced_where_members_come_again_and_again() -> None:
    controller = new_controller(choices_of(toy_space()))
    for steps, expected in ((100, False), (300, True)):
        (each,) = assignments(toy_space(), controller, steps - 1, Settings(steps, replicas=1))
        assert not each.order.is_traced
        (each, *_) = assignments(toy_space(), controller, steps - 1, Settings(steps, replicas=4))
        assert each.order.is_traced == expected


@pytest.mark.parametrize("is_traced", [False, True])
def test_a_replica_learns_and_judges_with_the_batch_s_statistics(is_traced: bool) -> None:
    """Its loss and accuracy are those of the member's network, run as in training."""
    supernet = supernet_of(toy_space(), TASK)
    shared = random_weights(network_of(supernet.table, TASK), 3)
    training, judging = clips(4, 1), clips(6, 2)
    replica = Replica(supernet, lambda *_: training, lambda *_: judging, cost_of, 0.0)
    member = member_of(toy_space(), {"stage1.block1.kernel": 1})
    outcome = replica.carry_out(Order(0, 0, member, True, is_traced), shared)
    found = slim(supernet, member)
    weights = sliced(found, shared)

    def logits(batch: Batch) -> np.ndarray:
        images = seen(batch.images, found.network.nodes[0].layer)
        return np.asarray(run_clip(found.network, weights, images, statistics={})[0])

    counted = judging.weights > 0
    right = (logits(judging).argmax(-1) == judging.targets)[counted].mean()
    shares = np.exp(logits(training)) / np.exp(logits(training)).sum(-1, keepdims=True)
    chances = np.take_along_axis(shares, training.targets[..., None], -1)[..., 0]
    assert outcome.judged is not None
    assert outcome.judged.accuracy == pytest.approx(right)
    assert outcome.judged.cost == cost_of(member)
    assert outcome.loss == pytest.approx(-np.log(chances[training.weights > 0]).mean(), rel=1e-4)
    trained = {n for n in weights if node_and_weight(n)[1] not in STATISTICS}
    assert outcome.gradients.keys() == trained
    unjudged = replica.carry_out(Order(0, 0, member, False, is_traced), shared)
    assert unjudged.judged is None
    assert unjudged.loss == outcome.loss


def test_recalibrated_statistics_are_those_of_all_clips_together() -> None:
    supernet = supernet_of(toy_space(), TASK)
    found = slim(supernet, member_of(toy_space(), {}))
    weights = random_weights(found.network, 3)
    first, second = clips(4, 1), clips(4, 2)
    joined = Batch(
        *(
            np.concatenate([getattr(first, name), getattr(second, name)])
            for name in ("images", "targets", "weights")
        )
    )
    apart = recalibrated(found, weights, [first, second])
    whole = recalibrated(found, weights, [joined])
    for moment in STATISTICS:
        # Deeper ones see inputs that were normalised otherwise.
        np.testing.assert_allclose(
            apart[f"stem.bn.{moment}"], whole[f"stem.bn.{moment}"], rtol=1e-4, atol=1e-5
        )
        assert not np.allclose(apart[f"stem.bn.{moment}"], weights[f"stem.bn.{moment}"])
    images = seen(joined.images, found.network.nodes[0].layer)
    stored, _ = run_clip(found.network, whole, images)
    expected, _ = run_clip(found.network, weights, images, statistics={})
    np.testing.assert_allclose(stored, expected, rtol=1e-3, atol=1e-4)
