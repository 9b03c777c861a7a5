"""Recordings streamed through a file, and the events that the runtime finds in what was said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.errors import VideoError
from movistream.file.manifest import EventDefaults
from movistream.stream.model import Model
from movistream.watch.events import EventOptions, rules_of
from movistream_converters import NetworkBuilder, convert, layers
from movistream_training.footage.video_file import write_video
from movistream_training.recordings.moments import Moment, Recording
from movistream_training.recordings.streaming import Streamed, events_of, stream_recordings

SECONDS = 6.0
LABELS = ("bright", "dark")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Its logits are how bright a frame is, and the opposite; it sees ten frames a second."""
    builder = NetworkBuilder("brightness", (8, 8))
    builder.add("mean", layers.SpatialMean())
    builder.add("logits", layers.Dense(2))
    kernel = np.array([[[[1.0, -1.0]] * 3]], np.float32)
    weights = {"logits.kernel": kernel, "logits.bias": np.zeros(2, np.float32)}
    path = tmp_path_factory.mktemp("model") / "brightness.tflite"
    convert(
        builder.build(),
        weights,
        path,
        labels=LABELS,
        frames_per_second=10.0,
        activation_of_scores="sigmoid",
    )
    with movistream.load(path) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty frames a second, that grow brighter by 2."""
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    frames = (np.full((32, 32, 3), 2 * index, np.uint8) for index in range(round(SECONDS * 20)))
    write_video(path, frames, 20)
    return path


def brightness(times_s: np.ndarray) -> np.ndarray:
    """Logits of the first class: three channels of a share of white."""
    return 3 * 40 * times_s / 255


def test_every_frame_at_the_model_s_rate(model: Model, video: Path) -> None:
    told = []
    (found,) = stream_recordings(model, [Recording(video, ())], on_recording=lambda: told.append(1))
    np.testing.assert_allclose(found.times_s, np.arange(60) / 10, atol=1e-6)
    np.testing.assert_allclose(found.logits[:, 0], brightness(found.times_s), atol=0.06)
    np.testing.assert_allclose(found.logits[:, 1], -found.logits[:, 0], atol=1e-5)
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp(-found.logits)), atol=1e-6)
    assert found.end_s == pytest.approx(SECONDS, abs=1e-6)
    assert told == [1]


def test_a_part_is_streamed_by_itself(model: Model, video: Path) -> None:
    part = Recording(video, (), None, 2.0, 3.5)
    (found,) = stream_recordings(model, [part])
    np.testing.assert_allclose(found.times_s, 2 + np.arange(15) / 10, atol=1e-6)
    assert found.end_s == 3.5


def test_shuffled_frames_keep_their_times(model: Model, video: Path) -> None:
    whole, *mixed = (
        stream_recordings(model, [Recording(video, ())], shuffle_seed=seed)[0]
        for seed in (None, 0, 1)
    )
    for one in mixed:
        np.testing.assert_array_equal(one.times_s, whole.times_s)
        assert not np.array_equal(one.logits, whole.logits)
        np.testing.assert_array_equal(np.sort(one.logits[:, 0]), whole.logits[:, 0])
    assert not np.array_equal(mixed[0].logits, mixed[1].logits)


def test_what_cannot_be_decoded_is_an_error(model: Model, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"none\.mp4"):
        stream_recordings(model, [Recording(tmp_path / "none.mp4", ())])


def test_events_are_told_once_they_have_lasted() -> None:
    scores = np.full((50, 2), 0.05)
    scores[10:30, 0] = 0.9
    scores[20:40, 1] = 0.8
    scores[45:, 0] = 0.7
    logits = np.log(scores / (1 - scores)).astype(np.float32)
    recording = Recording(Path("a.mp4"), (Moment("bright", 1.0, 3.0),))
    one = Streamed(recording, np.arange(50) / 10, logits, 5.0)
    said = EventDefaults((0.5, 0.5), (0.3, 0.3), shortest_s=0.25, smoothing_s=0.0)
    first, second, last = events_of(one, LABELS, rules_of(EventOptions(), 2, said), 0.0)
    assert (first.label, first.start_s, first.end_s) == ("bright", 1.0, 3.0)
    assert (first.told_s, first.peak_score) == (1.3, pytest.approx(0.9))
    assert (second.label, second.start_s, second.end_s, second.told_s) == ("dark", 2.0, 4.0, 2.3)
    # It goes on to the end.
    assert (last.start_s, last.end_s, last.told_s) == (4.5, 4.9, pytest.approx(4.8))
    watched = one.watched([first, second, last])
    assert (watched.start_s, watched.end_s) == (0.0, 5.0)
    assert watched.events == [first, second, last]
