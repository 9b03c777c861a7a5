"""When something counts as seen: thresholds and smoothing that suit what is known to happen."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from movistream.file.manifest import EventDefaults
from movistream.watch.events import DEFAULTS, defaults_for
from movistream_training.measures.events import FoundEvent, measure_events
from movistream_training.recordings.moments import Recording
from movistream_training.recordings.streaming import Streamed

_TIOU = 0.5
_SMOOTHINGS_S = (0.0, 0.3, 0.8)
_SHORTESTS_S = (0.0, 0.3, 0.6, 1.0)
_WORTH = 0.01
"""So much more F1 is worth that events are told later."""

_ENTERS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_LEAVES = (0.4, 0.7, 1.0)
"""As shares of the score at which an event begins."""


def choose_events(
    streamed: Sequence[Streamed],
    labels: Sequence[str],
    false_alarms_per_hour: float = math.inf,
) -> EventDefaults:
    """What gives the highest F1 of events at a temporal overlap of one half, the mean of classes.

    More smoothing and longer events tell later what happens: they must be worth it. Of thresholds,
    those in the middle of what is as good are taken. Classes that never happen get the defaults.

    Args:
        streamed: recordings that the model was not trained on.
        false_alarms_per_hour: of all classes together at most, each class an equal share; a class
            for which no thresholds keep to it gets those with the fewest.
    """
    best, chosen = -1.0, defaults_for(len(labels))
    happening = {moment.label for one in streamed for moment in one.recording.moments}
    for smoothing_s in _SMOOTHINGS_S:
        smooth = [smoothed(one.scores, one.times_s, smoothing_s) for one in streamed]
        for shortest_s in _SHORTESTS_S:
            rows = []
            for index, label in enumerate(labels):
                if label not in happening:
                    rows.append((math.nan, DEFAULTS.enter[0], DEFAULTS.leave[0]))
                    continue
                columns = [scores[:, index] for scores in smooth]
                limit = false_alarms_per_hour / len(labels)
                rows.append(_best_of_class(streamed, columns, label, shortest_s, limit))
            known = [f1 for f1, _, _ in rows if not math.isnan(f1)]
            if known and np.mean(known) > best + _WORTH:
                best = float(np.mean(known))
                enter, leave = (tuple(row[place] for row in rows) for place in (1, 2))
                chosen = EventDefaults(enter, leave, shortest_s, smoothing_s)
    return chosen


def _best_of_class(
    streamed: Sequence[Streamed],
    columns: Sequence[npt.NDArray[np.float32]],
    label: str,
    shortest_s: float,
    false_alarms_per_hour: float,
) -> tuple[float, float, float]:
    """The highest F1 within a limit of false alarms, and the scores that give it."""
    own = [replace(one, recording=_of_label(one.recording, label)) for one in streamed]
    tried = []
    for enter, share in itertools.product(_ENTERS, _LEAVES):
        leave = round(enter * share, 6)
        watched = [
            one.watched(events_in(scores, one.times_s, label, enter, leave, shortest_s))
            for one, scores in zip(own, columns, strict=True)
        ]
        measures, _ = measure_events(watched, (label,))
        beyond = max(0.0, measures.false_alarms_per_hour - false_alarms_per_hour)
        tried.append((-beyond, measures.f1(_TIOU), enter, leave))
    fewest, highest = max((beyond, f1) for beyond, f1, _, _ in tried)
    as_good = [one[1:] for one in tried if one[0] == fewest and one[1] >= highest - 1e-9]
    return as_good[len(as_good) // 2]


def _of_label(recording: Recording, label: str) -> Recording:
    return replace(
        recording,
        moments=tuple(moment for moment in recording.moments if moment.label == label),
        uncertain=tuple(moment for moment in recording.uncertain if moment.label == label),
    )


def smoothed(
    scores: npt.NDArray[np.float32], times_s: npt.NDArray[np.float64], smoothing_s: float
) -> npt.NDArray[np.float32]:
    """Scores (frames, classes) as :class:`movistream.watch.scores.Scorer` averages them."""
    if not smoothing_s:
        return scores
    weights = -np.expm1(-np.maximum(np.diff(times_s), 0) / smoothing_s)
    found = np.array(scores)
    for index, weight in enumerate(weights.astype(np.float32), start=1):
        found[index] = found[index - 1] + weight * (scores[index] - found[index - 1])
    return found


def events_in(
    scores: npt.NDArray[np.float32],
    times_s: npt.NDArray[np.float64],
    label: str,
    enter: float,
    leave: float,
    shortest_s: float,
) -> list[FoundEvent]:
    """The events in the scores (frames,) of one class, as the runtime finds them, all at once."""
    marks = np.where(scores >= np.float32(enter), 1, np.where(scores < leave, -1, 0))
    # Where nothing is decided, it stays as it was.
    decided = np.maximum.accumulate(np.where(marks != 0, np.arange(len(marks)), -1))
    on = (decided >= 0) & (marks[np.maximum(decided, 0)] == 1)
    edges = np.diff(np.concatenate([[False], on, [False]]).astype(np.int8))
    found = []
    starts, ends = np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()
    for first, behind in zip(starts, ends, strict=True):
        start_s, end_s = float(times_s[first]), float(times_s[min(behind, len(times_s) - 1)])
        if end_s - start_s >= shortest_s:
            told = int(np.flatnonzero(times_s[first:] - start_s >= shortest_s)[0]) + first
            peak = float(scores[first:behind].max())
            found.append(FoundEvent(label, start_s, end_s, float(times_s[told]), peak))
    return found
