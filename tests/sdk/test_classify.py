"""What a clip shows: the answer, the timeline, the events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream import (
    ArraySource,
    EventOptions,
    Model,
    MovistreamError,
    ResetOptions,
    VideoError,
    View,
    WatchOptions,
)
from movistream.stream.result import probabilities_of
from tests.sdk.test_watching import Camera

SURE = WatchOptions(events=EventOptions(enter=0.01, leave=0.01, shortest_s=0.2))


@pytest.fixture(scope="module")
def model(model_path: Path) -> Iterator[Model]:
    with movistream.load(model_path, threads=1) as loaded:
        yield loaded


def test_a_clip_has_the_answer_after_its_last_frame(model: Model, clip: Path) -> None:
    answer = movistream.classify(clip, model, SURE)
    steps = list(model.watch(clip))
    assert (answer.label, answer.score) == (steps[-1].label, steps[-1].score)
    assert answer.top == steps[-1].top
    assert [entry.time_s for entry in answer.timeline] == [step.time_s for step in steps]
    assert [entry.label for entry in answer.timeline] == [step.label for step in steps]
    assert [entry.score for entry in answer.timeline] == [step.score for step in steps]
    assert {event.label for event in answer.events} == set(model.labels)
    assert repr(answer) == (
        f"<Answer to {clip}: {answer.label} {answer.score:.3f}, 15 frames, 5 events>"
    )
    assert repr(answer.timeline[1]).startswith("<frame 2 at 0.20 s: thing ")
    found = answer.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["top"][0]["label"] == answer.label
    assert found["timeline"][1]["time_s"] == 0.2
    assert found["events"][0]["label"] == answer.events[0].label


def test_a_clip_is_enough(clip: Path) -> None:
    """The model that comes with the package says what the camera does."""
    answer = movistream.classify(clip)
    assert answer.label in {
        "static",
        "pan left",
        "pan right",
        "tilt up",
        "tilt down",
        "zoom in",
        "zoom out",
        "roll clockwise",
        "roll counter-clockwise",
    }
    assert len(answer.timeline) == 30


def test_a_path_is_enough(model: Model, model_path: Path, clip: Path) -> None:
    expected = movistream.classify(str(clip), model)
    assert movistream.classify(str(clip), str(model_path)).label == expected.label
    assert len(expected.events) == 1  # As if events had been asked for.


@pytest.mark.parametrize(
    "options",
    [WatchOptions(horizon_s=0.4), WatchOptions(resets=ResetOptions(every_s=1))],
    ids=["horizon", "resets"],
)
def test_a_network_that_forgets_answers_with_the_mean(
    options: WatchOptions, model: Model, frames: np.ndarray
) -> None:
    """What it says after the last frame is about the last frames alone."""
    steps = list(model.watch(ArraySource(frames, 5), options))
    mean = np.mean([probabilities_of(step.result.logits, "softmax") for step in steps], axis=0)
    answer = movistream.classify(ArraySource(frames, 5), model, options)
    assert answer.top[0].index == mean.argmax()
    assert answer.score == pytest.approx(mean.max(), rel=1e-6)
    assert answer.is_mean
    assert " on average" in repr(answer)
    assert answer.score != pytest.approx(steps[-1].scores[answer.top[0].index], rel=1e-4)


@pytest.mark.parametrize(("horizon", "forgets"), [(9, True), (10, False), (None, False)])
def test_a_model_that_says_that_it_forgets(
    horizon: int | None,
    forgets: bool,
    model: Model,
    frames: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Shorter than ten frames."""
    monkeypatch.setattr(Model, "horizon_frames", horizon)
    steps = list(model.watch(ArraySource(frames, 5)))
    mean = np.mean([step.scores for step in steps], axis=0)
    expected = mean if forgets else steps[-1].scores
    answer = movistream.classify(ArraySource(frames, 5), model)
    assert answer.score == pytest.approx(expected.max(), rel=1e-6)


def test_only_what_is_allowed_is_the_answer(model: Model, clip: Path) -> None:
    options = WatchOptions(scores=movistream.ScoreOptions(allow=["thing 3"]), top=2)
    answer = movistream.classify(clip, model, options)
    assert [entry.label for entry in answer.top] == ["thing 3"]


def test_what_has_no_answer(model: Model, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        movistream.classify(tmp_path / "none.mp4", model)
    with pytest.raises(VideoError, match="has no frame between start and end"):
        movistream.classify(clip, model, WatchOptions(start_s=60))
    with pytest.raises(MovistreamError, match="needs one view, not 2"):
        movistream.classify(clip, model, WatchOptions(views=(View(), View())))
    with pytest.raises(movistream.ModelError, match=r"none\.tflite"):
        movistream.classify(clip, "none.tflite")
    with pytest.raises(MovistreamError, match="a model must be what"):
        movistream.classify(clip, 5)  # type: ignore[arg-type]
    with pytest.raises(MovistreamError, match="options must be WatchOptions, not dict"):
        movistream.classify(clip, model, {"top": 3})  # type: ignore[arg-type]


def test_a_camera_has_no_end(model: Model) -> None:
    camera = Camera()
    with pytest.raises(VideoError, match="noted is live and has no end"):
        movistream.classify(camera, model)
    assert camera.closed
    assert movistream.classify(Camera(), model, WatchOptions(end_s=0.3)).timeline


def test_what_is_of_the_wrong_kind(model: Model) -> None:
    with pytest.raises(movistream.ModelError, match="must be the path or the name of a file"):
        movistream.load(None)  # type: ignore[arg-type]
    with pytest.raises(MovistreamError, match="frames_per_second must be a number, not '5'"):
        WatchOptions(frames_per_second="5")  # type: ignore[arg-type]
    with pytest.raises(MovistreamError, match="allow must be a set of labels, not the text"):
        movistream.ScoreOptions(allow="static")
