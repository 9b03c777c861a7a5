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
from movistream_training.measures.events import EventMeasures, FoundEvent, measure_events
from movistream_training.recordings.moments import Recording
from movistream_training.recordings.streaming import Streamed

_TIOU = 0.5
_SMOOTHINGS_S = (0.0, 0.3, 0.8)
SHORTESTS_S = (0.0, 0.3, 0.6, 1.0)
_WORTH = 0.01
"""So much more F1 is worth that events are told later."""

_CAUTIOUS_SHARE = 0.9
"""Where false alarms matter, the highest thresholds are taken that keep so much of the best F1:
what comes later looks like nothing that they were chosen on."""

_ENTERS = (
    *(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    *(0.95, 0.98, 0.99, 0.995, 0.998, 0.999),
)
_LEAVES = (0.4, 0.7, 1.0)
"""As shares of the score at which an event begins."""


def choose_events(
    streamed: Sequence[Streamed],
    labels: Sequence[str],
    *,
    calm: Sequence[Streamed] = (),
    false_alarms_per_hour: float = math.inf,
    shortests_s: Sequence[float] = SHORTESTS_S,
) -> EventDefaults:
    """What gives the highest F1 of events at a temporal overlap of one half, the mean of classes.

    More smoothing and longer events tell later what happens: they must be worth it. Of thresholds,
    those in the middle of what is as good are taken; with calm recordings, the highest that are
    nearly as good. Classes that never happen get the defaults.

    Args:
        streamed: recordings that the model was not trained on.
        calm: recordings in which hardly anything happens.
        false_alarms_per_hour: of each class in those, at most; one for which no thresholds keep to
            it gets those with the fewest.
        shortests_s: events of which durations, at least, may be all that are told.
    """
    best, chosen = -1.0, defaults_for(len(labels))
    happening = {moment.label for one in streamed for moment in one.recording.moments}
    for smoothing_s in _SMOOTHINGS_S:
        smooth, smooth_calm = (
            [smoothed(one.scores, one.times_s, smoothing_s) for one in group]
            for group in (streamed, calm)
        )
        for shortest_s in shortests_s:
            rows = []
            for index, label in enumerate(labels):
                if label not in happening:
                    rows.append((math.nan, DEFAULTS.enter[0], DEFAULTS.leave[0]))
                    continue
                watched = _Watching(streamed, [scores[:, index] for scores in smooth], label)
                quiet = _Watching(calm, [scores[:, index] for scores in smooth_calm], label)
                rows.append(_best_of_class(watched, quiet, shortest_s, false_alarms_per_hour))
            known = [f1 for f1, _, _ in rows if not math.isnan(f1)]
            if known and np.mean(known) > best + _WORTH:
                best = float(np.mean(known))
                enter, leave = (tuple(row[place] for row in rows) for place in (1, 2))
                chosen = EventDefaults(enter, leave, shortest_s, smoothing_s)
    return chosen


class _Watching:
    """Recordings of which one class is looked for by its scores."""

    def __init__(
        self, streamed: Sequence[Streamed], columns: Sequence[npt.NDArray[np.float32]], label: str
    ) -> None:
        self._own = [replace(one, recording=_of_label(one.recording, label)) for one in streamed]
        self._columns, self._label = columns, label

    def measures(self, enter: float, leave: float, shortest_s: float) -> EventMeasures:
        """What thresholds find in them."""
        watched = [
            one.watched(events_in(scores, one.times_s, self._label, enter, leave, shortest_s))
            for one, scores in zip(self._own, self._columns, strict=True)
        ]
        return measure_events(watched, (self._label,))[0]

    def __len__(self) -> int:
        return len(self._own)


def _best_of_class(
    watched: _Watching, calm: _Watching, shortest_s: float, false_alarms_per_hour: float
) -> tuple[float, float, float]:
    """A high F1 within a limit of false alarms, and the scores that give it."""
    tried = []
    for enter, share in itertools.product(_ENTERS, _LEAVES):
        leave = round(enter * share, 6)
        beyond = 0.0
        if calm:
            alarms = calm.measures(enter, leave, shortest_s).false_alarms_per_hour
            beyond = max(0.0, alarms - false_alarms_per_hour)
        f1 = watched.measures(enter, leave, shortest_s).f1(_TIOU)
        tried.append((-beyond, f1, enter, leave))
    fewest, highest = max((beyond, f1) for beyond, f1, _, _ in tried)
    within = [one[1:] for one in tried if one[0] == fewest]
    if calm:
        good = [one for one in within if one[0] >= _CAUTIOUS_SHARE * highest]
        top = max(enter for _, enter, _ in good)
        return max(one for one in good if one[1] == top)
    as_good = [one for one in within if one[0] >= highest - 1e-9]
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
