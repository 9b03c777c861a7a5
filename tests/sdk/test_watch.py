"""What a watcher says about a frame, by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import movistream
from movistream import watch
from movistream.sources.frame import VideoFrame
from movistream.watch import Step, Watcher, WatchOptions


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
