from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movistream.errors import MovistreamError
from movistream.watch.events import Event, EventDetector, EventOptions

LABELS = ("cat", "dog")


def detect(scores: list[float], **options: float) -> list[Event]:
    """Events of class 0, one score every 0.5 s."""
    detector = EventDetector(EventOptions(**options), LABELS)
    events: list[Event] = []
    for count, score in enumerate(scores):
        events += detector.update(count / 2, np.array([score, 0.0], np.float32))
    return [*events, *detector.finish()]


def test_hysteresis_by_hand() -> None:
    # Begins at 1.0 s with 0.6, dips to 0.4 (not below 0.3), ends at 3.0 s with 0.2.
    (event,) = detect([0.1, 0.4, 0.6, 0.9, 0.4, 0.5, 0.2, 0.4])
    assert event == Event("cat", 0, 1.0, 3.0, pytest.approx(0.9))


def test_short_ones_are_left_out() -> None:
    assert detect([0.9, 0.1, 0.1], least_s=1.0) == []
    assert len(detect([0.9, 0.9, 0.1], least_s=1.0)) == 1


def test_what_goes_on_at_the_end() -> None:
    (event,) = detect([0.1, 0.8, 0.7])
    assert (event.start_s, event.end_s) == (0.5, 1.0)


def test_what_goes_on_now() -> None:
    detector = EventDetector(EventOptions(least_s=1.0), LABELS)
    for time_s, going_on in ((0.0, 0), (0.5, 0), (1.0, 1)):
        assert not detector.update(time_s, np.array([0.9, 0.1], np.float32))
        assert len(detector.going_on) == going_on


def test_events_overlap() -> None:
    detector = EventDetector(EventOptions(enter=0.4, leave=0.2), LABELS)
    found = []
    for time_s, scores in ((0, (0.5, 0.1)), (1, (0.5, 0.5)), (2, (0.1, 0.5)), (3, (0.1, 0.1))):
        found += detector.update(time_s, np.array(scores, np.float32))
    spans = [(event.label, event.start_s, event.end_s) for event in found]
    assert spans == [("cat", 0, 2), ("dog", 1, 3)]


def test_only_reported_classes() -> None:
    detector = EventDetector(EventOptions(), LABELS, np.array([False, True]))
    detector.update(0, np.array([0.9, 0.1], np.float32))
    detector.update(1, np.array([0.9, 0.1], np.float32))
    assert detector.finish() == ()


@given(st.lists(st.floats(0, 1, width=32), max_size=50))
def test_events_are_in_order_and_apart(scores: list[float]) -> None:
    events = detect(scores, least_s=0.0)
    for event in events:
        inside = scores[int(event.start_s * 2) : int(event.end_s * 2)] or [event.peak_score]
        assert inside[0] >= np.float32(0.5)
        assert min(inside) >= np.float32(0.3)
    for one, other in itertools.pairwise(events):
        assert one.end_s <= other.start_s


@pytest.mark.parametrize(
    "options",
    [
        {"enter": 0.0},
        {"enter": 0.0, "leave": 0.0},
        {"enter": 1.01},
        {"enter": 1.5},
        {"leave": 0.6},
        {"leave": -0.1},
        {"least_s": -0.1},
    ],
)
def test_bad_options(options: dict[str, float]) -> None:
    with pytest.raises(MovistreamError):
        EventOptions(**options)


def test_limits_that_are_allowed() -> None:
    """A sure score of 1 begins an event, one that ends where it begins has no middle ground."""
    (event,) = detect([0.9, 1.0, 0.9], enter=1.0, leave=1.0, least_s=0.5)
    assert (event.start_s, event.end_s) == (0.5, 1.0)
    # Below 0 no score can fall: the event lasts to the end.
    (event,) = detect([0.6, 0.0, 0.0], enter=0.5, leave=0.0, least_s=0.0)
    assert (event.start_s, event.end_s) == (0.0, 1.0)
