"""Which pieces of recordings are learnt from."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from movistream_training.recordings.looking import Looked
from movistream_training.recordings.moments import Moment, Recording
from movistream_training.recordings.windows import (
    all_windows,
    calibration_parts,
    draw_windows,
    positive_weights,
)

LABELS = ("often", "seldom", "always")
LOOKED = (
    Looked(
        Recording(
            Path("a.mp4"),
            (*(Moment("often", 10.0 * n, 10.0 * n + 5) for n in range(60)), Moment("seldom", 7, 8)),
        ),
        600.0,
    ),
    Looked(Recording(Path("b.mp4"), (Moment("seldom", 40),), None, 30.0, 60.0), 60.0),
    Looked(Recording(Path("c.mp4"), ()), 3.0),
)


def overlaps(window: tuple[int, float], label: str, seconds: float) -> bool:
    index, start_s = window
    return any(
        moment.label == label and moment.start_s < start_s + seconds and moment.end_s > start_s
        for moment in LOOKED[index].recording.moments
    )


def drawn(seconds: float, count: int, seed: int = 1) -> list[tuple[int, float]]:
    generator = np.random.default_rng(seed)
    windows = draw_windows(LOOKED, LABELS[:2], seconds, count, generator)
    return [(window.recording, window.start_s) for window in windows]


@pytest.mark.parametrize("seconds", [0.5, 4.0, 20.0])
def test_windows_lie_in_their_recordings(seconds: float) -> None:
    for index, start_s in drawn(seconds, 400):
        one = LOOKED[index]
        assert start_s >= one.recording.start_s
        assert start_s + seconds <= one.end_s or start_s == one.recording.start_s


def test_classes_come_equally_often_and_nothing_too() -> None:
    windows = drawn(1.0, 4000)
    seldom = np.mean([overlaps(window, "seldom", 1.0) for window in windows])
    often = np.mean([overlaps(window, "often", 1.0) for window in windows])
    none = np.mean([not any(overlaps(w, label, 1.0) for label in LABELS) for w in windows])
    # Three of eight are drawn for each class, and some of the others meet one by chance.
    assert 0.37 < seldom < 0.47
    assert 0.37 < often < 0.6
    assert 0.2 < none < 0.3
    assert {index for index, _ in windows} == {0, 1, 2}


def test_windows_see_beginnings_and_ends() -> None:
    """Of moments: a network shall learn when they begin, and when they end."""
    starts = [start_s for index, start_s in drawn(4.0, 2000) if index == 1]
    assert min(starts) < 38
    assert max(starts) > 55
    assert any(36 < start_s < 40 for start_s in starts)


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(2.0, 50) == drawn(2.0, 50)
    assert drawn(2.0, 50) != drawn(2.0, 50, seed=2)


def test_all_windows_follow_each_other() -> None:
    windows = all_windows(LOOKED, 5.0, 1000)
    assert [window.recording for window in windows] == [0] * 120 + [1] * 6 + [2]
    assert [window.start_s for window in windows][120:] == [30, 35, 40, 45, 50, 55, 0]
    some = all_windows(LOOKED, 5.0, 10)
    assert len(some) == 10
    assert set(some) <= set(windows)
    assert (some[0], some[-1]) == (windows[0], windows[-1])


def test_calibration_sees_parts_of_that_length() -> None:
    parts = calibration_parts(LOOKED, LABELS[:2], 2.0, 1)
    lengths_s = [part.end_s - part.start_s for part in parts if part.end_s is not None]
    assert lengths_s == pytest.approx([2.0] * len(parts))
    assert {part.path for part in parts} >= {Path("a.mp4"), Path("b.mp4")}


def test_what_is_rare_counts_more() -> None:
    often, seldom, never = positive_weights(LOOKED, LABELS)
    total = 600 + 30 + 3
    assert often == pytest.approx(math.sqrt((total - 300) / 300))
    assert seldom == pytest.approx(math.sqrt((total - 21) / 21))
    assert never == 10.0
    everywhere = (Looked(Recording(Path("d.mp4"), (Moment("often"),)), 10.0),)
    assert positive_weights(everywhere, ("often",)) == (1.0,)
