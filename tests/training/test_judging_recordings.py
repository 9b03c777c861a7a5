"""How right answers to recordings are: frames, points, whole recordings, events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from movistream.file.manifest import EventDefaults
from movistream_training.recordings.judging import judge_recordings
from movistream_training.recordings.moments import Moment, Recording
from movistream_training.recordings.streaming import Streamed

LABELS = ("a", "b", "never")
RULES = EventDefaults((0.5,) * 3, (0.3,) * 3, 0.0, 0.0)


def streamed(
    scores: np.ndarray,
    moments: tuple[Moment, ...],
    uncertain: tuple[Moment, ...] = (),
    start_s: float = 0.0,
) -> Streamed:
    """Ten frames a second."""
    scores = np.clip(scores, 1e-4, 1 - 1e-4)
    logits = np.log(scores / (1 - scores)).astype(np.float32)
    times_s = start_s + np.arange(len(scores)) / 10
    end_s = start_s + len(scores) / 10
    recording = Recording(Path("a.mp4"), moments, None, start_s, end_s, uncertain)
    return Streamed(recording, times_s, logits, end_s)


def said(moments: tuple[Moment, ...], count: int = 100, start_s: float = 0.0) -> np.ndarray:
    """Scores that say just what happens."""
    one = streamed(np.full((count, 3), 0.5), moments, start_s=start_s)
    return np.where(one.truth(LABELS), 0.9, 0.1)


MOMENTS = (Moment("a", 1.0, 3.0), Moment("b", 2.0, 4.0), Moment("a", 6.0, 7.0))


@pytest.mark.parametrize("start_s", [0.0, 100.0])
def test_who_is_right_is_right_everywhere(start_s: float) -> None:
    moments = tuple(
        replace(one, start_s=one.start_s + start_s, end_s=one.end_s + start_s) for one in MOMENTS
    )
    right = streamed(said(moments, start_s=start_s), moments, start_s=start_s)
    nothing = streamed(said((), start_s=start_s), (), start_s=start_s)
    told = judge_recordings([right, nothing], LABELS, RULES)
    assert (told.frames.mean, told.videos.mean) == (1.0, 1.0)
    # A moment holds its end there, and the frame of that time is behind it.
    assert told.points.mean > 0.7
    assert told.frames.without_truth == told.videos.without_truth == 1
    assert told.events is not None
    assert told.events.f1(0.7) == 1.0
    assert told.events.false_alarms == 0
    best = told.best["a"]
    assert best is not None
    assert best.f1 == 1.0
    assert told.best["never"] is None


def test_what_nobody_can_say_is_neither_right_nor_wrong() -> None:
    wrong = said(MOMENTS)
    wrong[30:60, 0] = 0.99  # Between two moments, and just where nobody knows.
    wrong[80:90, 1] = 0.99
    without = judge_recordings([streamed(wrong, MOMENTS)], LABELS, RULES)
    uncertain = (Moment("a", 3.0, 6.0), Moment("b", 7.5, 9.5))
    told = judge_recordings([streamed(wrong, MOMENTS, uncertain)], LABELS, RULES)
    assert without.frames.mean < 0.8
    assert told.frames.mean == 1.0
    assert without.events is not None
    assert told.events is not None
    assert (without.events.false_alarms, told.events.false_alarms) == (1, 0)
    assert without.events_of_classes["b"].found == 2
    assert told.events_of_classes["b"].found == 1


def test_of_a_whole_recording_what_is_uncertain_does_not_count() -> None:
    only_a = (Moment("a", 1.0, 3.0),)
    scores = said(only_a)
    scores[50:60, 1] = 0.95
    other = streamed(said(MOMENTS), MOMENTS)
    hidden, elsewhere = (Moment("b", 5.0, 6.0),), (Moment("b", 7.0, 8.0),)
    for uncertain, expected in (((), 0.5), (hidden, 1.0), (elsewhere, 0.5)):
        told = judge_recordings([streamed(scores, only_a, uncertain), other], LABELS)
        assert told.videos.of_classes[1] == pytest.approx(expected)


def test_without_rules_there_are_no_events() -> None:
    told = judge_recordings([streamed(said(MOMENTS), MOMENTS)], LABELS)
    assert told.events is None
    assert not told.events_of_classes
