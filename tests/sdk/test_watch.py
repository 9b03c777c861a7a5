"""What a watcher says about a frame, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import movistream
from movistream.errors import MovistreamError
from movistream.sources.frame import VideoFrame
from movistream.stream.result import Result
from movistream.watch import watcher as watch
from movistream.watch.resets import ResetOptions
from movistream.watch.watcher import Notice, Step, Watcher, WatchOptions


def looked_at(path: Path, picture: np.ndarray, captured_s: float | None) -> Step:
    frame = VideoFrame(7, 1.5, lambda: picture, captured_s=captured_s)
    with movistream.load(path, threads=1) as model:
        watcher = Watcher("camera", model, WatchOptions())
        (step,) = watcher.look(frame, skipped=3)
        watcher.close()
    assert isinstance(step, Step)
    return step


def test_latency_is_from_capture_to_the_answer_in_milliseconds(
    model_path: Path, small_frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captured at 10 s, answered at 12.25 s."""
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: 12.25))
    step = looked_at(model_path, small_frames[0], captured_s=10.0)
    assert step.latency_ms == 2250.0
    assert (step.frame.index, step.result.frame, step.result.time_s) == (7, 7, 1.5)
    assert (step.stream, step.skipped) == ("camera", 3)


def test_recordings_have_no_latency(model_path: Path, small_frames: np.ndarray) -> None:
    assert looked_at(model_path, small_frames[0], captured_s=None).latency_ms is None


@pytest.mark.parametrize(
    "options",
    [
        {"frames_per_second": 0.5, "horizon_s": 0.001, "end_s": 0.1},
        {"start_s": 0.0, "end_s": 0.001},
        {"start_s": 2.0, "end_s": 2.5},
        {"every": 1, "top": 1},
    ],
)
def test_options_that_are_allowed(options: dict[str, Any]) -> None:
    WatchOptions(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames_per_second": 0.0}, "frames_per_second is a number above 0"),
        ({"frames_per_second": float("inf")}, "frames_per_second is a number above 0"),
        ({"horizon_s": -1.0}, "horizon_s is a number above 0"),
        ({"end_s": float("nan")}, "end_s is a number above 0"),
        ({"start_s": -0.1}, "start_s is 0 or more"),
        ({"start_s": float("inf")}, "start_s is 0 or more"),
        ({"start_s": 2.0, "end_s": 2.0}, "end_s is after start_s"),
        ({"start_s": 2.0, "end_s": 1.0}, "end_s is after start_s"),
        ({"every": 0}, "every is 1 or more"),
        ({"top": 0}, "at least one class"),
        ({"views": ()}, "at least one class and one view"),
    ],
)
def test_options_that_are_not(options: dict[str, Any], message: str) -> None:
    with pytest.raises(MovistreamError, match=message):
        WatchOptions(**options)


def watched(
    path: Path, pictures: np.ndarray, times_s: list[float], options: WatchOptions, **change: Any
) -> list[Any]:
    """What is said to frames of those times; a reset is asked for before the last."""
    happened: list[Any] = []
    with movistream.load(path, threads=1) as model:
        watcher = Watcher("camera", model, options)
        for index, time_s in enumerate(times_s):
            if index == len(times_s) - 1:
                watcher.ask_for_reset()
            picture = pictures[index]
            frame = VideoFrame(index, time_s, lambda picture=picture: picture, **change)
            happened += watcher.look(frame)
        watcher.close()
    return happened


def test_a_reset_that_was_asked_for(model_path: Path, small_frames: np.ndarray) -> None:
    items = watched(model_path, small_frames, [0.0, 0.2, 0.4], WatchOptions())
    (notice,) = [item for item in items if isinstance(item, Notice)]
    assert notice == Notice("camera", 0.4, "reset", "asked for; state reset")
    first, _, last = [item.result.logits for item in items if isinstance(item, Step)]
    (fresh,) = watched(model_path, small_frames[2:], [0.4], WatchOptions())[-1:]
    np.testing.assert_array_equal(last, fresh.result.logits)
    assert not np.array_equal(first, last)


def test_a_gap_is_told_in_seconds(model_path: Path, small_frames: np.ndarray) -> None:
    """From 1 s to 4.5 s nothing came; the reset that was asked for happens with it."""
    options = WatchOptions(resets=ResetOptions(gap_s=2.0))
    items = watched(model_path, small_frames, [0.5, 1.0, 4.5], options)
    (notice,) = [item for item in items if isinstance(item, Notice)]
    assert notice == Notice("camera", 4.5, "reset", "no frame for 3.5 s; state reset")


def test_each_reason_for_a_reset_is_told(model_path: Path, small_frames: np.ndarray) -> None:
    dark, bright = np.full((48, 64, 3), 20, np.uint8), np.full((48, 64, 3), 230, np.uint8)
    pictures = np.stack([dark, bright, bright])
    for resets, times_s, reason in (
        (ResetOptions(scene_cut=True), [0.0, 0.2], "scene cut"),
        (ResetOptions(every_s=0.2), [0.0, 0.2], "interval"),
        (ResetOptions(gap_s=0.1), [0.0, 0.2], "no frame for 0.2 s"),
        (ResetOptions(), [0.0, 0.2], None),
    ):
        found = watched(model_path, pictures, [*times_s, 0.2], WatchOptions(resets=resets))
        notices = [item for item in found if isinstance(item, Notice)]
        told = [f"{reason}; state reset", "asked for; state reset"][reason is None :]
        assert [(notice.kind, notice.reason) for notice in notices] == [("reset", t) for t in told]


def test_a_watcher_goes_on_from_a_snapshot(model_path: Path, small_frames: np.ndarray) -> None:
    def looked(watcher: Watcher, index: int) -> np.ndarray:
        frame = VideoFrame(index, index / 5, lambda: small_frames[index])
        (step,) = watcher.look(frame)
        assert isinstance(step, Step)
        return step.result.logits

    with movistream.load(model_path, threads=1) as model:
        whole = Watcher("whole", model, WatchOptions())
        for index in range(3):
            looked(whole, index)
        resumed = Watcher("resumed", model, WatchOptions(), resume=whole.last_snapshot())
        np.testing.assert_array_equal(looked(whole, 3), looked(resumed, 3))


def test_what_happens_is_told_in_short_numbers() -> None:
    notice = Notice("camera", 1.23456, "reset", "scene cut; state reset")
    assert notice.to_dict() == {
        "version": 1,
        "type": "notice",
        "source": "camera",
        "kind": "reset",
        "time_s": 1.2346,
        "reason": "scene cut; state reset",
    }


def test_steps_are_told_apart_by_what_they_are_not_by_what_they_hold() -> None:
    """Arrays have no single answer to whether they are equal."""
    frame = VideoFrame(0, 0.0, lambda: np.zeros((2, 2, 3), np.uint8))
    result = Result(0, 0.0, np.zeros(2, np.float32), 0, 0)
    step = Step("clip", frame, result, result.probabilities, result.top(2), None, 0, ())
    assert step == step
    assert step != replace(step)
