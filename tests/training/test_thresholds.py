"""Thresholds for events: found as the runtime finds events, and chosen by what is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from movistream.file.manifest import EventDefaults
from movistream.stream.result import Result
from movistream.watch.events import EventOptions, rules_of
from movistream.watch.scores import ScoreOptions, Scorer
from movistream_training.measures.events import measure_events
from movistream_training.recordings.moments import Moment, Recording
from movistream_training.recordings.streaming import Streamed, events_of
from movistream_training.recordings.thresholds import choose_events, events_in, smoothed


def logits_of(scores: np.ndarray) -> np.ndarray:
    return np.log(scores / (1 - scores)).astype(np.float32)


def streamed(scores: np.ndarray, moments: tuple[Moment, ...] = (), seed: int = 0) -> Streamed:
    """Frames about a tenth of a second apart."""
    gaps = np.random.default_rng(seed).uniform(0.05, 0.15, len(scores))
    times_s = np.cumsum(gaps) - gaps[0]
    recording = Recording(Path("a.mp4"), moments)
    return Streamed(recording, times_s, logits_of(scores), float(times_s[-1]) + 0.1)


@pytest.mark.parametrize("seed", range(40))
def test_all_at_once_is_as_the_runtime_finds_them(seed: int) -> None:
    generator = np.random.default_rng(seed)
    steps = generator.choice([-0.3, -0.1, 0, 0.1, 0.3], (80, 2))
    scores = np.clip(0.5 + np.cumsum(steps, axis=0) % 1.0 - 0.5, 0.01, 0.99)
    one = streamed(scores, seed=seed)
    enter = float(generator.choice([0.2, 0.5, 0.8]))
    leave = enter * float(generator.choice([0.4, 1.0]))
    shortest_s = float(generator.choice([0.0, 0.3, 1.0]))
    smoothing_s = float(generator.choice([0.0, 0.4]))
    said = EventDefaults((enter,) * 2, (leave,) * 2, shortest_s, smoothing_s)
    expected = events_of(one, ("a", "b"), rules_of(EventOptions(), 2, said), smoothing_s)
    smooth = smoothed(one.scores, one.times_s, smoothing_s)
    for index, label in enumerate("ab"):
        found = events_in(smooth[:, index], one.times_s, label, enter, leave, shortest_s)
        own = [event for event in expected if event.label == label]
        assert len(found) == len(own)
        for event, other in zip(found, own, strict=True):
            assert (event.start_s, event.end_s) == (other.start_s, other.end_s)
            assert event.told_s == other.told_s
            assert event.peak_score == pytest.approx(other.peak_score, abs=1e-6)


@pytest.mark.parametrize("smoothing_s", [0.0, 0.3, 2.0])
def test_smoothing_is_the_runtime_s(smoothing_s: float) -> None:
    one = streamed(np.random.default_rng(1).uniform(0.01, 0.99, (50, 3)))
    scorer = Scorer(ScoreOptions(smoothing_s=smoothing_s), (), 3, "sigmoid")
    expected = [
        scorer.update(Result(0, float(time_s), logits, 0, 0))
        for time_s, logits in zip(one.times_s, one.logits, strict=True)
    ]
    assert_allclose(smoothed(one.scores, one.times_s, smoothing_s), expected, atol=1e-6)


def watched(generator: np.random.Generator, shy: float) -> Streamed:
    """A thing happens in two stretches; the model says so, of one class never with more than a
    score of ``shy``."""
    moments = (Moment("shy", 2, 5), Moment("loud", 3, 6), Moment("shy", 12, 15))
    one = streamed(np.full((200, 3), 0.5), moments)
    truth = one.truth(("shy", "loud", "never"))
    high = np.array([shy, 0.95, 0.5])
    scores = np.where(truth, high, 0.02) * generator.uniform(0.7, 1.0, truth.shape)
    return Streamed(one.recording, one.times_s, logits_of(scores), one.end_s)


def test_each_class_gets_what_suits_it() -> None:
    generator = np.random.default_rng(3)
    data = [watched(generator, shy=0.3) for _ in range(4)]
    chosen = choose_events(data, ("shy", "loud", "never"))
    assert chosen.enter[0] < 0.3 < chosen.enter[1]
    assert (chosen.enter[2], chosen.leave[2]) == (0.5, 0.3)
    # Nothing is averaged, or waited for, that needs not be.
    assert (chosen.smoothing_s, chosen.shortest_s) == (0.0, 0.0)
    rules = rules_of(EventOptions(), 3, chosen)
    labels = ("shy", "loud", "never")
    found = [one.watched(events_of(one, labels, rules, chosen.smoothing_s)) for one in data]
    assert measure_events(found, labels)[0].f1(0.5) == 1.0
    by_default = rules_of(EventOptions(), 3)
    found = [one.watched(events_of(one, labels, by_default, 0.0)) for one in data]
    assert measure_events(found, labels)[0].f1(0.5) < 0.6


def test_flicker_is_worth_smoothing() -> None:
    generator = np.random.default_rng(4)
    data = []
    for _ in range(3):
        one = watched(generator, shy=0.9)
        lost = generator.random(one.logits.shape) < 0.35
        logits = np.where(lost & one.truth(("shy", "loud", "never")), -4.0, one.logits)
        data.append(Streamed(one.recording, one.times_s, logits.astype(np.float32), one.end_s))
    assert choose_events(data, ("shy", "loud", "never")).smoothing_s > 0


def test_false_alarms_are_kept_within_a_limit() -> None:
    """Weak moments are given up for it, and nothing more than that."""
    moments = tuple(Moment("a", start, start + 2) for start in range(2, 38, 4))
    one = streamed(np.full((400, 1), 0.5), moments)
    (truth,) = one.truth(("a",)).T
    scores = np.where(truth, np.where(one.times_s < 22, 0.35, 0.93), 0.02)
    alarms = ~truth & (np.abs(one.times_s % 8 - 5) < 0.8)
    scores[alarms] = 0.45
    data = [Streamed(one.recording, one.times_s, logits_of(scores[:, None]), one.end_s)]

    def judged(limit: float) -> tuple[float, float, EventDefaults]:
        chosen = choose_events(data, ("a",), calm=data, false_alarms_per_hour=limit)
        rules = rules_of(EventOptions(), 1, chosen)
        found = [each.watched(events_of(each, ("a",), rules, chosen.smoothing_s)) for each in data]
        measures, _ = measure_events(found, ("a",))
        return measures.f1(0.5), measures.false_alarms_per_hour, chosen

    free, limited = judged(np.inf), judged(0.0)
    assert free[1] > 0 == limited[1]
    assert free[0] > limited[0] > 0.6
    assert free[2].enter[0] < 0.35 < 0.45 < limited[2].enter[0]
