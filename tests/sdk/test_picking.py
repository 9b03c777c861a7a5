"""Which frames a network is shown, against tables worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream.sources import VideoFrame
from movistream.sources.picking import LiveTicks, from_time, is_at, one_in, pick_at_rate


def frames_at(times_s: Sequence[float]) -> list[VideoFrame]:
    def decode() -> np.ndarray:
        raise AssertionError("no picture is needed to pick")

    return [VideoFrame(index, time_s, decode) for index, time_s in enumerate(times_s)]


def picked(times_s: Sequence[float], rate: float) -> list[int]:
    return [frame.index for frame in pick_at_rate(frames_at(times_s), rate)]


def test_a_multiple_of_the_rate() -> None:
    # 30 frames per second, 5 wanted: every sixth.
    assert picked([i / 30 for i in range(20)], 5) == [0, 6, 12, 18]


def test_nearest_and_without_drift() -> None:
    # 25 frames per second, 12 wanted: 0, 2.08, 4.17, 6.25, 8.33, 10.42, 12.5 (a tie), 14.58 …
    assert picked([i / 25 for i in range(26)], 12) == [
        0,
        2,
        4,
        6,
        8,
        10,
        12,
        15,
        17,
        19,
        21,
        23,
        25,
    ]


def test_a_variable_rate() -> None:
    # Wanted at 0, 0.2, 0.4, 0.6, 0.8, 1.0: nearest are 0, 0.15, 0.433, 0.5, 0.9 and 1.0.
    assert picked([0, 0.1, 0.15, 0.433, 0.5, 0.9, 1.0], 5) == [0, 2, 3, 4, 5, 6]


def test_a_slow_source_is_taken_whole_and_once() -> None:
    assert picked([0, 0.5, 1.0], 5) == [0, 1, 2]
    assert picked([0, 3, 6.5], 5) == [0, 1, 2]


def test_a_gap() -> None:
    # After it, wanted at 5.0, 5.1, 5.2 as before: nearest are 5.03, 5.08, 5.18.
    assert picked([0, 0.1, 0.2, 5.03, 5.08, 5.13, 5.18, 5.23], 10) == [0, 1, 2, 3, 4, 6]


def test_one_in_so_many() -> None:
    assert [f.index for f, marked in one_in(4)(frames_at(range(10))) if marked] == [0, 4, 8]


@settings(max_examples=200, deadline=None)
@given(
    gaps=st.lists(st.floats(1e-3, 3), min_size=1, max_size=60),
    rate=st.floats(0.5, 60),
)
def test_each_is_the_nearest_there_is(gaps: list[float], rate: float) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    chosen = picked(times.tolist(), rate)
    assert chosen == sorted(set(chosen))
    for due_s in np.arange(0, times[-1], 1 / rate):
        nearest = np.abs(times - due_s).min()
        assert np.abs(times[chosen] - due_s).min() <= nearest + 2e-4
    # None is there for nothing.
    assert len(chosen) <= int((times[-1] + 1e-4) * rate) + 1


def live(times_s: Sequence[float], rate: float) -> list[int]:
    ticks = LiveTicks(rate)
    return [index for index, time_s in enumerate(times_s) if ticks.wants(time_s)]


def test_live_ticks() -> None:
    assert live([i / 30 for i in range(20)], 5) == [0, 6, 12, 18]
    # 24 frames per second, 5 wanted: at 4.8, 9.6, 14.4, 19.2.
    assert live([i / 24 for i in range(24)], 5) == [0, 5, 10, 14, 19]


def test_a_slow_live_source_is_taken_whole() -> None:
    assert live([i / 4 for i in range(8)], 5) == list(range(8))


@pytest.mark.parametrize("jitter_s", [0.0, 0.01])
def test_live_ticks_do_not_drift(jitter_s: float) -> None:
    generator = np.random.default_rng(0)
    times = np.arange(3000) / 30 + generator.uniform(0, jitter_s, 3000)
    chosen = live(times.tolist(), 7)
    assert abs(len(chosen) - 700) <= 1
    dues = np.arange(len(chosen)) / 7
    assert np.abs(times[chosen] - dues).max() < 1 / 30


def test_live_ticks_after_a_pause() -> None:
    chosen = live([0, 0.1, 0.2, 7.33, 7.43, 7.53], 10)
    assert chosen == [0, 1, 2, 3, 4, 5]


def test_live_ticks_are_on_time_again_after_a_pause() -> None:
    """Due at 2.0 and 2.1; what comes between is not."""
    assert live([0, 0.1, 2.0, 2.033, 2.067, 2.1], 10) == [0, 1, 2, 5]


@pytest.mark.parametrize(
    ("frame_s", "time_s", "reached"),
    [
        (1.0, 1.0, True),
        (1.5, 1.0, True),
        (0.99995, 1.0, True),
        (0.9998, 1.0, False),
        (0.0, 0.0, True),
        (0.0, 1.0, False),
    ],
)
def test_when_a_time_is_reached(frame_s: float, time_s: float, reached: bool) -> None:
    """Containers round times to less than a tenth of a millisecond."""
    (frame,) = frames_at([frame_s])
    assert is_at(frame, time_s) is reached


def test_from_a_time_on_no_more_is_picked_than_otherwise() -> None:
    frames = frames_at([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    marks = from_time(one_in(2), 0.2)(frames)
    assert [frame.index for frame, picked in marks if picked] == [2, 4]
