"""Trainings on rendered clips: their order, recipes one after another, what was interrupted."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_table import read_table
from movistream_training.camera_motion.curriculum import CURRICULUM as CAMERA_MOTION
from movistream_training.errors import TrainingError
from movistream_training.footage.clip import Clip, batch_of
from movistream_training.footage.collection import Footage
from movistream_training.footage.curriculum import MOST_WAYS, Curriculum
from movistream_training.footage.training import train, training_command
from movistream_training.recipe import Loss, Recipe
from movistream_training.run_folder import RunFolder
from tests.training.test_train_recordings import ARCHITECTURE

FRAMES, CLIPS = 5, 2
NOTHING = Footage([])


def clips_of_scene(
    _: Footage, frames: int, size: int, generator: np.random.Generator, difficulty: float
) -> list[Clip]:
    """Bright frames are of the first class, red ones of the second; all are dim if it is easy."""
    clips = []
    for _clip in range(CLIPS):
        targets = generator.random((frames, 2)) < 0.5
        level = np.where(targets[:, :1], 60 + 150 * difficulty, 30)
        red = level * np.where(targets[:, 1:], 1.2, 0.5)
        colors = np.concatenate([red, level, level], axis=1).clip(0, 255)
        pictures = np.broadcast_to(colors[:, None, None], (frames, size, size, 3)).astype(np.uint8)
        clips.append(Clip(pictures, targets, np.ones(targets.shape, np.float32)))
    return clips


RECIPE = Recipe(
    epochs=1, steps_per_epoch=4, learning_rate=1e-3, loss=Loss("binary"), label_smoothing=0.0
)
CURRICULUM = Curriculum(
    name="colors",
    labels=("bright", "red"),
    activation="sigmoid",
    frames_per_second=10,
    horizon_frames=2,
    recipes=(RECIPE, replace(RECIPE, epochs=2, batch_statistics=False)),
    clips_of_scene=clips_of_scene,
    clips_per_scene=CLIPS,
    frames_per_clip=FRAMES,
    scenes_per_batch=2,
    validation_batches=1,
    difficulty=lambda epoch: min(1.0, epoch / 2),
    ways=MOST_WAYS,
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("arch") / "tiny.txt"
    path.write_text(ARCHITECTURE, encoding="utf-8")
    return path


def test_what_may_be_at_once_is_a_number_for_each_class() -> None:
    generator = np.random.default_rng(1)
    clips = clips_of_scene(NOTHING, FRAMES, 8, generator, 1.0)
    batch = batch_of(clips)
    assert batch.targets.dtype == np.float32
    np.testing.assert_array_equal(batch.targets, [clip.targets for clip in clips])
    one = [replace(clip, targets=clip.targets[:, 0].astype(np.int32)) for clip in clips]
    assert batch_of(one).targets.dtype == np.int32


def test_scenes_get_harder_epoch_by_epoch() -> None:
    brightest = []
    for epoch in range(4):
        batches = list(CURRICULUM.training(NOTHING, 8, seed=1, steps=4, epoch=epoch))
        assert len(batches) == 4
        brightest.append(max(batch.images[..., 1].max() for batch in batches))
    assert brightest == [60, 135, 210, 210]
    (validated,) = CURRICULUM.validation(NOTHING, 8, seed=1)
    assert validated.images[..., 1].max() == 210


def test_what_was_interrupted_ends_as_if_it_had_not_been(table: Path, tmp_path: Path) -> None:
    options = CURRICULUM.options(read_table(table))
    trained = partial(train, CURRICULUM, options, NOTHING)
    whole, broken = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "broken")
    for folder in (whole, broken):
        folder.path.mkdir()
    trained(whole, 1)
    rows = list(csv.DictReader(whole.history.read_text().splitlines()))
    assert [row["number"] for row in rows] == ["1", "2", "3"]
    source = safetensors_file.read(whole.weights)
    assert (source.labels, source.activation) == (("bright", "red"), "sigmoid")
    # Only the first recipe's checkpoint is left of a run that was interrupted in the second.
    checkpoint = whole.checkpoint
    (broken.path / checkpoint.name).write_bytes(checkpoint.read_bytes())
    trained(broken, 1)
    assert broken.weights.read_bytes() == whole.weights.read_bytes()


def test_a_network_of_another_rate_is_refused(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(table.read_text().replace("per_second = 10", "per_second = 5"))
    with pytest.raises(TrainingError, match=r"clips have 10 frames per second.* network sees 5"):
        CURRICULUM.options(read_table(other))
    command = training_command(CAMERA_MOTION)
    run = tmp_path / "run"
    result = CliRunner().invoke(command, [str(tmp_path), str(run), "--arch", str(other)])
    assert result.exit_code == 1
    assert result.output.startswith("Error: the clips have 10")
    assert not run.exists()
