"""Measures of events, against their definitions in exact numbers."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movistream_training.errors import TrainingError
from movistream_training.measures.events import (
    THRESHOLDS,
    FoundEvent,
    Watched,
    measure_events,
    tiou_of,
)
from movistream_training.recordings.moments import Moment

LABELS = ("a", "b", "never")
END_S = 16.0

# Whole seconds and few scores: many begin, end and score alike.
SECONDS = st.integers(0, 20).map(float)
SPANS = st.tuples(SECONDS, SECONDS).map(lambda span: (min(span), max(span)))
MOMENTS = st.builds(
    lambda label, span, open_: Moment(label, span[0], math.inf if open_ else span[1]),
    st.sampled_from("ab"),
    SPANS.filter(lambda span: span[0] < span[1]),
    st.booleans(),
)
EVENTS = st.builds(
    lambda label, span, late, peak: FoundEvent(label, *span, span[0] + late, peak),
    st.sampled_from("ab"),
    SPANS,
    st.integers(0, 3).map(float),
    st.sampled_from([0.5, 0.75, 1.0]),
)
RECORDINGS = st.lists(
    st.builds(
        Watched,
        st.lists(MOMENTS, max_size=5),
        st.lists(EVENTS, max_size=6),
        st.just(END_S),
        st.sampled_from([0.0, 3.0]),
    ),
    min_size=1,
    max_size=3,
)


def instants(start_s: float, end_s: float) -> set[int]:
    """The whole seconds of a span, the last one not among them; of an instant, its own."""
    return set(range(int(start_s), int(end_s))) or {int(start_s)}


def by_definition(watched: list[Watched], label: str, tiou: Fraction) -> tuple[int, ...]:
    """Moments, events, matches and false alarms."""
    truths = found = matches = alarms = 0
    for one in watched:
        moments = sorted(
            (max(m.start_s, one.start_s), min(m.end_s, one.end_s))
            for m in one.moments
            if m.label == label and m.start_s < one.end_s and m.end_s > one.start_s
        )
        events = [e for e in one.events if e.label == label]
        truths, found = truths + len(moments), found + len(events)
        alarms += sum(
            all(not instants(e.start_s, e.end_s) & instants(*m) for m in moments) for e in events
        )
        taken: set[int] = set()
        for event in sorted(events, key=lambda e: (-e.peak_score, e.start_s, e.end_s)):
            best, best_share = None, Fraction(0)
            for index, moment in enumerate(moments):
                seconds = set(range(int(event.start_s), int(event.end_s)))
                both = len(seconds & instants(*moment))
                share = Fraction(both, len(seconds | instants(*moment)))
                if index not in taken and share >= tiou and share > best_share:
                    best, best_share = index, share
            if best is not None:
                taken.add(best)
        matches += len(taken)
    return truths, found, matches, alarms


def delays_by_definition(watched: list[Watched], label: str) -> list[float]:
    delays = []
    for one in watched:
        for m in one.moments:
            start_s, end_s = max(m.start_s, one.start_s), min(m.end_s, one.end_s)
            if m.label != label or start_s >= end_s:
                continue
            told = [
                e.told_s
                for e in one.events
                if e.label == label and instants(e.start_s, e.end_s) & instants(start_s, end_s)
            ]
            if told:
                delays.append(max(0.0, min(told) - start_s))
    return sorted(delays)


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


@given(RECORDINGS)
def test_every_table_by_the_definition(watched: list[Watched]) -> None:
    together, of_classes = measure_events(watched, LABELS)
    assert tuple(of_classes) == LABELS
    sums = dict.fromkeys(THRESHOLDS, (0, 0, 0, 0))
    for label, tiou in itertools.product(LABELS, THRESHOLDS):
        one = of_classes[label]
        wanted = by_definition(watched, label, Fraction(str(tiou)))
        assert (one.truths, one.found, one.matched[tiou], one.false_alarms) == wanted
        sums[tiou] = tuple(map(sum, zip(sums[tiou], wanted, strict=True)))  # type: ignore[assignment]
        assert list(one.delays_s) == delays_by_definition(watched, label)
    hours = sum(one.end_s - one.start_s for one in watched) / 3600
    for tiou, (truths, found, matches, alarms) in sums.items():
        precision, recall = ratio(matches, found), ratio(matches, truths)
        assert together.precision(tiou) == pytest.approx(precision, abs=1e-12, nan_ok=True)
        assert together.recall(tiou) == pytest.approx(recall, abs=1e-12, nan_ok=True)
        f1 = (
            0.0
            if found and truths and not matches
            else ratio(2, 1 / precision + 1 / recall)
            if matches
            else ratio(0, found + truths)
        )
        assert together.f1(tiou) == pytest.approx(f1, abs=1e-12, nan_ok=True)
        assert together.false_alarms_per_hour == pytest.approx(alarms / hours, abs=1e-12)
    every = sorted(d for label in LABELS for d in delays_by_definition(watched, label))
    assert list(together.delays_s) == every
    assert together.seen == pytest.approx(ratio(len(every), together.truths), nan_ok=True)


@given(RECORDINGS)
def test_recordings_do_not_mix(watched: list[Watched]) -> None:
    """Together they are what each of them is alone."""
    together, _ = measure_events(watched, LABELS)
    alone = [measure_events([one], LABELS)[0] for one in watched]
    assert together.matched == {t: sum(one.matched[t] for one in alone) for t in THRESHOLDS}
    assert together.false_alarms == sum(one.false_alarms for one in alone)


@given(RECORDINGS, st.randoms())
def test_the_order_in_which_things_are_listed_does_not_count(
    watched: list[Watched], random: object
) -> None:
    shuffled = []
    for one in watched:
        moments, events = list(one.moments), list(one.events)
        random.shuffle(moments)  # type: ignore[attr-defined]
        random.shuffle(events)  # type: ignore[attr-defined]
        shuffled.append(replace(one, moments=moments, events=events))
    assert measure_events(shuffled, LABELS) == measure_events(watched, LABELS)


def test_the_surest_event_chooses_first() -> None:
    """And takes the moment that it covers best, so that the other one is left with nothing."""
    moments = [Moment("a", 0, 10), Moment("a", 10, 20)]
    sure, other = FoundEvent("a", 2, 10, 3, 0.9), FoundEvent("a", 0, 9, 0, 0.8)
    one, _ = measure_events([Watched(moments, [other, sure], 20)], LABELS)
    assert one.matched == {0.1: 1, 0.3: 1, 0.5: 1, 0.7: 1}
    swapped = [replace(sure, peak_score=0.8), replace(other, peak_score=0.9)]
    assert measure_events([Watched(moments, swapped, 20)], LABELS)[0].matched[0.1] == 1
    assert (one.precision(0.5), one.recall(0.5), one.f1(0.5)) == (0.5, 0.5, 0.5)
    assert one.false_alarms == 0


def test_a_threshold_holds_what_reaches_it() -> None:
    moment = Moment("a", 0, 10)
    assert tiou_of(FoundEvent("a", 0, 5, 0, 1), moment) == 0.5
    one, _ = measure_events([Watched([moment], [FoundEvent("a", 0, 5, 0, 1)], 10)], LABELS)
    assert one.matched == {0.1: 1, 0.3: 1, 0.5: 1, 0.7: 0}


def test_delays_and_false_alarms() -> None:
    moments = [Moment("a", 100 * n, 100 * n + 50) for n in range(1, 6)]
    # Told after 1, 2 and 3 s; of the fourth, before it began; of the fifth, never.
    events = [FoundEvent("a", 100 * n, 100 * n + 9, 100 * n + n, 0.9) for n in (1, 2, 3)]
    events += [FoundEvent("a", 390, 410, 391, 0.9), FoundEvent("a", 60, 100, 60, 0.9)]
    events += [FoundEvent("b", 100, 150, 100, 0.9)]
    one, of_classes = measure_events([Watched(moments, events, 1800)], LABELS)
    assert one.delays_s == (0, 1, 2, 3)
    assert (one.delay_s(0.5), one.delay_s(0.9)) == pytest.approx((1.5, 2.7))
    assert one.seen == 0.8
    assert one.false_alarms == 2  # An event that ends as a moment begins is one.
    assert one.false_alarms_per_hour == 4
    assert math.isnan(of_classes["b"].recall(0.5))
    assert math.isnan(of_classes["never"].precision(0.5))
    assert math.isnan(of_classes["never"].f1(0.5))
    assert math.isnan(of_classes["never"].delay_s(0.5))
    assert of_classes["b"].f1(0.5) == 0


def test_nothing_watched_has_no_rate() -> None:
    assert math.isnan(measure_events([], LABELS)[0].false_alarms_per_hour)
    assert math.isnan(measure_events([Watched([], [], 0.0)], LABELS)[0].false_alarms_per_hour)


@pytest.mark.parametrize(
    ("watched", "message"),
    [
        (Watched([Moment("a")], [], math.inf), "from 0 to inf s cannot be judged"),
        (Watched([], [], 1.0, 2.0), "from 2 to 1 s cannot be judged"),
        (Watched([], [], math.nan), "cannot be judged"),
        (Watched([Moment("c")], [], 1.0), "'c' is none of the classes"),
        (Watched([], [FoundEvent("c", 0, 1, 0, 1)], 1.0), "'c' is none of the classes"),
        (Watched([], [FoundEvent("a", 2, 1, 2, 1)], 9.0), "'a' from 2 to 1 s ends first"),
        (Watched([Moment("a", 2, math.nan)], [], 9.0), "from 2 to nan s"),
    ],
)
def test_what_is_refused(watched: Watched, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        measure_events([watched], LABELS)
