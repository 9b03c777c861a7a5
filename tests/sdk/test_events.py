from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movistream.errors import MovistreamError
from movistream.file.manifest import EventDefaults
from movistream.watch.events import Event, EventDetector, EventOptions, rules_of

LABELS = ("cat", "dog")


def detect(scores: list[float], **options: float) -> list[Event]:
    """Events of class 0 that have ended, one score every 0.5 s."""
    return [event for event in changes(scores, **options) if event.phase == "end"]


def changes(scores: list[float], **options: float) -> list[Event]:
    """What becomes of events of class 0, one score every 0.5 s."""
    detector = EventDetector(rules_of(EventOptions(**options), len(LABELS)), LABELS)
    events: list[Event] = []
    for count, score in enumerate(scores):
        events += detector.update(count / 2, np.array([score, 0.0], np.float32))
    return [*events, *detector.finish()]


def test_hysteresis_by_hand() -> None:
    # Begins at 1.0 s with 0.6, dips to 0.4 (not below 0.3), ends at 3.0 s with 0.2.
    (event,) = detect([0.1, 0.4, 0.6, 0.9, 0.4, 0.5, 0.2, 0.4])
    assert event == Event("cat", 0, 1.0, 3.0, pytest.approx(0.9))


def test_short_ones_are_left_out() -> None:
    assert detect([0.9, 0.1, 0.1], shortest_s=1.0) == []
    assert len(detect([0.9, 0.9, 0.1], shortest_s=1.0)) == 1


def test_what_goes_on_at_the_end() -> None:
    (event,) = detect([0.1, 0.8, 0.7])
    assert (event.start_s, event.end_s) == (0.5, 1.0)


def test_what_goes_on_now() -> None:
    detector = EventDetector(rules_of(EventOptions(shortest_s=1.0), len(LABELS)), LABELS)
    for time_s, going_on in ((0.0, 0), (0.5, 0), (1.0, 1)):
        told = detector.update(time_s, np.array([0.9, 0.1], np.float32))
        assert len(told) == len(detector.going_on) == going_on


def test_a_begin_before_each_end() -> None:
    """An event begins when it has lasted long enough, and is the same one at its end."""
    begin, end = changes([0.1, 0.9, 0.6, 0.7, 0.1, 0.1], shortest_s=1.0)
    assert begin == Event("cat", 0, 0.5, 1.5, pytest.approx(0.9), "begin")
    assert end == Event("cat", 0, 0.5, 2.0, pytest.approx(0.9), "end")
    # The shortest are long enough only when they end.
    begin, end = changes([0.1, 0.9, 0.6, 0.1], shortest_s=1.0)
    assert (begin.phase, end.phase) == ("begin", "end")
    assert (begin.start_s, begin.end_s) == (end.start_s, end.end_s) == (0.5, 1.5)
    # So are those that end because the source does.
    begin, end = changes([0.1, 0.9, 0.6, 0.7], shortest_s=1.0)
    assert (begin.end_s, end.end_s) == (1.5, 1.5)


def test_a_second_event_begins_anew() -> None:
    told = changes([0.9, 0.9, 0.1, 0.9, 0.9, 0.1], shortest_s=0.5)
    assert [event.phase for event in told] == ["begin", "end"] * 2


def test_wall_clock_times_of_live_sources() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    detector = EventDetector(rules_of(EventOptions(shortest_s=0.0), len(LABELS)), LABELS)
    told: list[Event] = []
    for time_s, score in ((3.0, 0.9), (4.0, 0.7), (5.0, 0.1)):
        at = noon + timedelta(seconds=time_s)
        told += detector.update(time_s, np.array([score, 0.0], np.float32), at)
    begin, end = (event.to_dict() for event in told)
    assert begin["started_at"] == end["started_at"] == "2026-01-01T12:00:03.000+00:00"
    assert begin["ended_at"] == "2026-01-01T12:00:03.000+00:00"
    assert end["ended_at"] == "2026-01-01T12:00:05.000+00:00"


def test_events_overlap() -> None:
    detector = EventDetector(rules_of(EventOptions(enter=0.4, leave=0.2), len(LABELS)), LABELS)
    found = []
    for time_s, scores in ((0, (0.5, 0.1)), (1, (0.5, 0.5)), (2, (0.1, 0.5)), (3, (0.1, 0.1))):
        found += detector.update(time_s, np.array(scores, np.float32))
    spans = [(event.label, event.start_s, event.end_s) for event in found if event.phase == "end"]
    assert spans == [("cat", 0, 2), ("dog", 1, 3)]


def test_only_reported_classes() -> None:
    detector = EventDetector(rules_of(EventOptions(), len(LABELS)), LABELS, np.array([False, True]))
    detector.update(0, np.array([0.9, 0.1], np.float32))
    detector.update(1, np.array([0.9, 0.1], np.float32))
    assert detector.finish() == ()


@given(st.lists(st.floats(0, 1, width=32), max_size=50))
def test_events_are_in_order_and_apart(scores: list[float]) -> None:
    events = detect(scores, shortest_s=0.0)
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
        {"leave": 1.1},
        {"enter": 0.5, "leave": 0.6},
        {"leave": -0.1},
        {"shortest_s": -0.1},
    ],
)
def test_bad_options(options: dict[str, float]) -> None:
    with pytest.raises(MovistreamError):
        EventOptions(**options)


def test_limits_that_are_allowed() -> None:
    """A sure score of 1 begins an event, one that ends where it begins has no middle ground."""
    (event,) = detect([0.9, 1.0, 0.9], enter=1.0, leave=1.0, shortest_s=0.5)
    assert (event.start_s, event.end_s) == (0.5, 1.0)
    # Below 0 no score can fall: the event lasts to the end.
    (event,) = detect([0.6, 0.0, 0.0], enter=0.5, leave=0.0, shortest_s=0.0)
    assert (event.start_s, event.end_s) == (0.0, 1.0)


@given(
    st.lists(st.sampled_from([0.1, 0.4, 0.9]), max_size=40),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_begins_and_ends_take_turns(scores: list[float], shortest_s: float) -> None:
    told = changes(scores, shortest_s=shortest_s)
    assert [event.phase for event in told] == ["begin", "end"] * (len(told) // 2)
    for begin, end in zip(told[::2], told[1::2], strict=True):
        assert (begin.start_s, begin.index) == (end.start_s, end.index)
        assert begin.end_s - begin.start_s >= shortest_s
        assert begin.end_s <= end.end_s


SAID = EventDefaults(enter=(0.6, 0.25), leave=(0.55, 0.1), shortest_s=0.2, smoothing_s=0.0)


@pytest.mark.parametrize(
    ("options", "said", "enter", "leave", "shortest_s"),
    [
        (EventOptions(), None, (0.5, 0.5), (0.3, 0.3), 0.5),
        (EventOptions(0.2), None, (0.2, 0.2), (0.2, 0.2), 0.5),
        (EventOptions(), SAID, (0.6, 0.25), (0.55, 0.1), 0.2),
        (EventOptions(0.3), SAID, (0.3, 0.3), (0.3, 0.1), 0.2),
        (EventOptions(leave=0.2), SAID, (0.6, 0.25), (0.2, 0.2), 0.2),
        (EventOptions(0.9, 0.8, 0.0), SAID, (0.9, 0.9), (0.8, 0.8), 0.0),
    ],
)
def test_options_then_the_model_then_defaults(
    options: EventOptions,
    said: EventDefaults | None,
    enter: tuple[float, ...],
    leave: tuple[float, ...],
    shortest_s: float,
) -> None:
    rules = rules_of(options, 2, said)
    np.testing.assert_array_equal(rules.enter, np.float32(enter))
    np.testing.assert_allclose(rules.leave, leave)
    assert rules.shortest_s == shortest_s


def test_an_event_does_not_end_at_a_score_at_which_it_begins() -> None:
    with pytest.raises(MovistreamError, match=r"begins at 0.25 cannot end below 0.3 already"):
        rules_of(EventOptions(leave=0.3), 2, SAID)
    with pytest.raises(MovistreamError, match=r"begins at 0.5 cannot end below 0.6 already"):
        rules_of(EventOptions(leave=0.6), 2)


def test_each_class_has_its_own_scores() -> None:
    detector = EventDetector(rules_of(EventOptions(shortest_s=0.0), 2, SAID), LABELS)
    begun = detector.update(0.0, np.array([0.5, 0.3], np.float32))
    assert [event.label for event in begun] == ["dog"]
    both = detector.update(0.1, np.array([0.7, 0.2], np.float32))
    assert [event.label for event in both] == ["cat"]
    ended = detector.update(0.2, np.array([0.5, 0.2], np.float32))
    assert [(event.label, event.phase) for event in ended] == [("cat", "end")]
