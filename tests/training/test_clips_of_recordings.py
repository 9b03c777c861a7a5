"""Clips of recordings: the right frames, and the truth of just these."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from movistream.errors import VideoError
from movistream.file.manifest import ImageInput
from movistream_training.augmentation import Augmentation
from movistream_training.footage.video_file import write_video
from movistream_training.recordings import clips, frame_cache
from movistream_training.recordings.clips import WindowReader
from movistream_training.recordings.frame_cache import FrameCache, cache_for, fill_all
from movistream_training.recordings.looking import Looked, look_at
from movistream_training.recordings.moments import Moment, Recording
from movistream_training.recordings.windows import Window

IMAGE = ImageInput("image", (1, 32, 32, 3), "float32", frames_per_second=10.0)
MOMENTS = (Moment("dark", 0, 1.5), Moment("odd", 1.0, 3.0))
SECONDS = 6.0


@pytest.fixture
def looked(tmp_path: Path) -> list[Looked]:
    """A video at 20 frames per second that grows brighter by 2 a frame."""
    path = tmp_path / "a.mp4"
    frames = (np.full((48, 64, 3), 2 * index, np.uint8) for index in range(round(SECONDS * 20)))
    write_video(path, frames, 20)
    found, skipped = look_at([Recording(path, MOMENTS)], lambda _done, _total: None)
    assert not skipped
    return found


def reader(looked: list[Looked], cache: FrameCache | None = None, frames: int = 10) -> WindowReader:
    return WindowReader(looked, ("dark", "odd"), IMAGE, frames, False, cache, {})


def times_of(images: np.ndarray) -> np.ndarray:
    """When frames were, by how bright they are, to a twentieth of a second."""
    return (images.mean(axis=(-3, -2, -1)) + 2) / 40


def test_its_length_is_known(looked: list[Looked]) -> None:
    assert looked[0].end_s == pytest.approx(SECONDS)


def test_a_window_has_its_frames_and_their_truth(looked: list[Looked]) -> None:
    windows = [Window(0, 0.0), Window(0, 0.6), Window(0, 5.5)]
    batch, last = reader(looked).validation(windows, 2)
    assert batch.images.shape == (2, 10, 32, 32, 3)
    np.testing.assert_allclose(times_of(batch.images[0]), np.arange(10) / 10, atol=0.06)
    np.testing.assert_allclose(times_of(batch.images[1]), 0.6 + np.arange(10) / 10, atol=0.06)
    np.testing.assert_array_equal(batch.targets[0], [[1, 0]] * 10)
    np.testing.assert_array_equal(batch.targets[1], [[1, 0]] * 4 + [[1, 1]] * 5 + [[0, 1]])
    assert batch.weights.all()
    # The last half second, and nothing that fills up.
    np.testing.assert_array_equal(last.weights[0].all(axis=1), [True] * 5 + [False] * 5)
    assert not last.weights[1].any()


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("cached", [False, True])
def test_a_changed_speed_changes_the_truth_with_the_frames(
    looked: list[Looked],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    speed: float,
    cached: bool,
) -> None:
    plain = Augmentation(speed, 1.0, (0.5, 0.5), False, 0.0, 1.0, 1.0)
    monkeypatch.setattr(clips, "random_augmentation", lambda _, flips: plain)
    cache = cache_for(tmp_path / "frames", looked, IMAGE, 10.0) if cached else None
    if cache is not None:
        fill_all(cache, looked, lambda _done, _total: None)
    (batch,) = reader(looked, cache).training([Window(0, 0.6)], 1, (1,))
    times_s = times_of(batch.images[0])
    np.testing.assert_allclose(times_s, 0.6 + np.arange(10) * speed / 10, atol=0.11)
    told = np.abs(times_s - 1.5) > 0.06
    assert told.sum() >= 8
    np.testing.assert_array_equal(batch.targets[0, told, 0], times_s[told] < 1.5)


def test_what_is_kept_is_what_is_decoded(looked: list[Looked], tmp_path: Path) -> None:
    cache = cache_for(tmp_path / "frames", looked, IMAGE, 10.0)
    assert cache is not None
    told: list[tuple[int, int]] = []
    fill_all(cache, looked, lambda *counts: told.append(counts))
    assert told == [(1, 1)]
    images, times_s = cache.images(0), cache.times_s(0)
    assert images.shape[1:] == (43, 57, 3)
    np.testing.assert_allclose(times_s, np.arange(60) / 10, atol=1e-6)
    np.testing.assert_allclose(times_of(images[:60]), np.arange(60) / 10, atol=0.06)
    looked[0].recording.path.unlink()
    fill_all(cache, looked, lambda *_: None)  # It is there.
    cache.remove()
    assert not (tmp_path / "frames").exists()
    with pytest.raises(VideoError):
        cache_for(tmp_path / "frames", looked, IMAGE, 10.0).fill(0, looked[0])  # type: ignore[union-attr]
    assert not list((tmp_path / "frames").glob("*.npy"))


def test_a_small_disk_keeps_nothing(
    looked: list[Looked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("usage", (), {"free": 500_000})
    monkeypatch.setattr(frame_cache.shutil, "disk_usage", lambda _: usage)
    assert cache_for(tmp_path / "frames", looked, IMAGE, 10.0) is None
    assert not (tmp_path / "frames").exists()


def test_a_window_that_cannot_be_decoded_counts_nothing(looked: list[Looked]) -> None:
    one = looked[0].recording
    gone = Looked(replace(one, path=one.path.with_name("gone.mp4")), SECONDS)
    reading = reader([gone])
    (batch,) = reading.validation([Window(0, 0.0)], 1)
    assert not batch.weights.any()
    assert "gone.mp4" in reading.skipped[gone.recording]


def test_recordings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    missing = Recording(tmp_path / "missing.mp4", MOMENTS)
    found, skipped = look_at([Recording(tmp_path / "text.mp4", ()), missing], lambda *_: None)
    assert found == []
    assert len(skipped) == 2
    assert "missing.mp4" in skipped[missing]


def test_what_nobody_can_say_weighs_nothing(looked: list[Looked]) -> None:
    one = replace(looked[0].recording, uncertain=(Moment("odd", 0.3, 0.7),))
    (batch,) = reader([Looked(one, SECONDS)]).validation([Window(0, 0.0)], 1)
    assert batch.weights[0, :, 0].all()
    np.testing.assert_array_equal(batch.weights[0, :, 1], [1] * 3 + [0] * 4 + [1] * 3)


def test_a_part_ends_where_it_says(looked: list[Looked]) -> None:
    path = looked[0].recording.path
    parts = [Recording(path, (), None, 1.0, 2.0), Recording(path, (), None, 4.0, math.inf)]
    found, _ = look_at(parts, lambda *_: None)
    assert [one.end_s for one in found] == [2.0, pytest.approx(SECONDS)]
    (batch,) = reader([found[0]], frames=20).validation([Window(0, 1.0)], 1)
    np.testing.assert_array_equal(batch.weights[0, :, 0], [1] * 10 + [0] * 10)
