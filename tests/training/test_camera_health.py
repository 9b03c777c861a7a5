"""Clips, recordings and the training of the camera-health model."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from movistream.demo.health import LABELS
from movistream.file.names import find_model
from movistream.sources import VideoFile
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_table import read_table
from movistream_converters.networks.movinet import build_movinet
from movistream_training.assets import table_file, weights_file
from movistream_training.camera_health.curriculum import CURRICULUM
from movistream_training.camera_health.held_out import TABLE, main
from movistream_training.camera_health.natural import main as natural
from movistream_training.camera_health.natural import played, quietest
from movistream_training.camera_health.sampling import (
    CLIPS_PER_SCENE,
    random_clips,
)
from movistream_training.camera_health.thresholds import main as thresholds
from movistream_training.footage.calibration import (
    calibration_scenes,
    classes_in,
    write_calibration_videos,
)
from movistream_training.footage.collection import Footage
from movistream_training.footage.textures import dead_leaves
from movistream_training.footage.video_file import write_video

FRAMES = 24


@pytest.fixture(scope="module")
def footage() -> Footage:
    generator = np.random.default_rng(0)
    return Footage([dead_leaves(generator) for _ in range(4)])


def test_clips_repeat_with_the_seed(footage: Footage) -> None:
    for seed in range(3):
        first, again = (random_clips(footage, 8, 40, np.random.default_rng(seed)) for _ in range(2))
        for clip, same in zip(first, again, strict=True):
            np.testing.assert_array_equal(clip.frames, same.frames)
            np.testing.assert_array_equal(clip.targets, same.targets)
            np.testing.assert_array_equal(clip.weights, same.weights)


def test_every_fault_occurs_and_healthy_clips_have_none(footage: Footage) -> None:
    occurred, counted = np.zeros(len(LABELS)), np.zeros(len(LABELS))
    for seed in range(24):
        clips = random_clips(footage, FRAMES, 88, np.random.default_rng(seed))
        assert len(clips) == CLIPS_PER_SCENE
        for clip in clips:
            assert clip.frames.shape == (FRAMES, 88, 88, 3)
            assert clip.frames.dtype == np.uint8
            assert clip.targets.shape == clip.weights.shape == (FRAMES, len(LABELS))
            occurred += clip.targets.any(axis=0)
            counted += (clip.targets & (clip.weights > 0)).any(axis=0)
        assert not (clips[-1].targets & (clips[-1].weights > 0)).any()
    assert occurred.min() >= 2
    assert counted.min() >= 1


def test_batches_have_a_target_and_a_weight_for_each_class(footage: Footage) -> None:
    batch = CURRICULUM.random_batch(footage, 32, np.random.default_rng(1))
    clips = CURRICULUM.scenes_per_batch * CLIPS_PER_SCENE
    assert batch.images.shape == (clips, CURRICULUM.frames_per_clip, 32, 32, 3)
    assert batch.targets.dtype == batch.weights.dtype == np.float32
    assert set(np.unique(batch.targets)) == set(np.unique(batch.weights)) == {0.0, 1.0}


def test_each_batch_comes_again_in_four_ways(footage: Footage) -> None:
    batches = list(CURRICULUM.training(footage, 32, seed=1, steps=8, epoch=9))
    assert len(batches) == 8
    first = batches[0].images
    ways = first, first[:, :, :, ::-1], first[:, :, ::-1, :, ::-1], first[:, :, ::-1, ::-1, ::-1]
    for images, batch in zip(ways, batches[::2], strict=True):
        np.testing.assert_array_equal(images, batch.images)
        np.testing.assert_array_equal(batches[0].targets, batch.targets)
        np.testing.assert_array_equal(batches[0].weights, batch.weights)
    assert (batches[1].images != first).any()


def test_half_of_the_first_temporal_kernels_are_differences() -> None:
    network = build_movinet(CURRICULUM.options(read_table(table_file("camera-health"))))
    weights = CURRICULUM.first_weights(network, seed=1)
    kernels = [
        value for value in weights.values() if value.ndim == 4 and value.shape[1:3] == (1, 1)
    ]
    sums = np.concatenate([k.sum(axis=0).ravel() for k in kernels if k.shape[0] > 1])
    assert 0.4 < np.mean(np.abs(sums) < 0.5) < 0.6


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "leaves.png"
    cv2.imwrite(str(path), dead_leaves(np.random.default_rng(1))[:400, :400])
    return path


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory, picture: Path) -> tuple[Path, str]:
    """A recording of a minute in which things go wrong, and what the command said."""
    data = tmp_path_factory.mktemp("faults")
    result = CliRunner().invoke(main, [str(data), str(picture), "--minutes", "1"])
    assert result.exit_code == 0, result.output
    return data, result.output


def test_recordings_come_with_a_table_of_their_moments(
    faults: tuple[Path, str], picture: Path
) -> None:
    data, _ = faults
    with (data / TABLE).open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert row["label"] in LABELS
        assert 0 <= float(row["start"]) < float(row["end"]) <= 60
        assert (data / row["path"]).is_file()
    with VideoFile(data / "leaves.mp4") as video:
        assert video.frames_per_second == pytest.approx(30, abs=0.5)
        assert next(iter(video)).image.shape == (192, 192, 3)
    again = CliRunner().invoke(main, [str(data), str(picture)])
    assert "is not empty" in again.output


def test_thresholds_are_chosen_and_written_into_the_weights(
    faults: tuple[Path, str], picture: Path, tmp_path: Path
) -> None:
    """On healthy recordings each class raises an alarm an hour at most, or there is no such way."""
    healthy = tmp_path / "healthy"
    arguments = [str(healthy), str(picture), "--minutes", "1", "--healthy"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert result.output == "leaves.mp4: healthy\n" != faults[1]
    weights = tmp_path / "weights.safetensors"
    unset = replace(safetensors_file.read(weights_file("camera-health")), events=None)
    safetensors_file.write(unset, weights)
    tables = [str(data / TABLE) for data in (faults[0], healthy)]
    model = str(find_model("camera-health"))
    result = CliRunner().invoke(thresholds, [model, str(weights), *tables])
    assert result.exit_code == 0, result.output
    events = safetensors_file.read(weights).events
    assert events is not None
    assert len(events.enter) == len(events.leave) == len(LABELS)
    assert events.shortest_s == 0
    assert all(
        f"{label}: begins at {enter:g}" in result.output
        for label, enter in zip(LABELS, events.enter, strict=True)
    )


def test_healthy_recordings_are_long_ones(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path / "data"), str(tmp_path), "--healthy"])
    assert result.exit_code == 2
    assert "--healthy goes with --minutes" in result.output


def test_natural_footage_is_played_without_a_cut(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    frames = [np.full((32, 48, 3), 5 * abs(index - 20), np.uint8) for index in range(40)]
    frames[30:36] = [frames[30]] * 6
    pause = quietest(frames, 5.0)
    assert pause.start in range(30, 32)
    order = list(itertools.islice(played(len(frames), pause, generator), 5000))
    assert set(np.abs(np.diff(order))) == {1}
    assert set(order) <= set(range(40))
    assert len(set(order)) > 35
    stay = np.isin(order, list(pause)).mean()
    assert 0.2 < stay < 0.95
    write_video(tmp_path / "some.mp4", iter(frames), 10)
    data = tmp_path / "data"
    result = CliRunner().invoke(
        natural, [str(data), str(tmp_path / "some.mp4"), "--minutes", "0.2"]
    )
    assert result.exit_code == 0, result.output
    assert (data / TABLE).read_text().splitlines()[1:] == ["some.mp4,,,,"]


def test_calibration_videos_show_every_fault(tmp_path: Path) -> None:
    scenes = list(calibration_scenes(CURRICULUM))
    shown = [classes_in(clip, len(LABELS)) for clips in scenes for clip in clips]
    assert np.any(shown, axis=0).all()
    paths = write_calibration_videos(CURRICULUM, tmp_path)
    assert len(paths) == len(scenes)
    with VideoFile(paths[0]) as video:
        assert sum(1 for _ in video) == CLIPS_PER_SCENE * FRAMES
