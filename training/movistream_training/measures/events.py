"""Events that were found, held against what happened from when to when.

Events and truth are matched as in ActivityNet's detection task (``Evaluation/eval_detection.py`` of
https://github.com/activitynet/ActivityNet): class by class and recording by recording, the events
in the order of their peak scores, the highest first, each take the truth of the highest temporal
intersection over union (tIoU) that is not yet taken, if that is the threshold or more. Of equal
scores the event that began first is first, of equal tIoUs the truth that began first is taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from movistream_training.errors import TrainingError
from movistream_training.recordings.moments import Moment

THRESHOLDS = (0.1, 0.3, 0.5, 0.7)
"""The tIoUs at which events are judged."""

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class FoundEvent:
    """An event as it was told.

    Attributes:
        label: of its class.
        start_s: when it began, in seconds of its recording.
        end_s: when it was over, not before ``start_s``.
        told_s: when it was told first, not before ``start_s``.
        peak_score: its highest score.
    """

    label: str
    start_s: float
    end_s: float
    told_s: float
    peak_score: float


@dataclass(frozen=True)
class Watched:
    """A recording, or a part of one, that was watched.

    Attributes:
        moments: what happens in it; what reaches beyond the part is cut there.
        events: that were found in it.
        end_s: of the part, in seconds of the recording.
        start_s: of the part.
    """

    moments: Sequence[Moment]
    events: Sequence[FoundEvent]
    end_s: float
    start_s: float = 0.0


@dataclass(frozen=True)
class EventMeasures:
    """How right the events of a class are, or those of all classes together.

    Attributes:
        truths: how many moments there are.
        found: how many events were found.
        matched: by tIoU, how many events took a moment.
        delays_s: of each moment that an event of its class overlaps, in rising order: how long
            after its beginning the first of them was told; 0 where it was told before.
        false_alarms: events that overlap no moment of their class.
        watched_s: how long was watched.
    """

    truths: int
    found: int
    matched: Mapping[float, int]
    delays_s: tuple[float, ...]
    false_alarms: int
    watched_s: float

    def precision(self, tiou: float) -> float:
        """Share of the events that took a moment, 0 to 1; NaN if none was found."""
        return self.matched[tiou] / self.found if self.found else math.nan

    def recall(self, tiou: float) -> float:
        """Share of the moments that were taken, 0 to 1; NaN if there is none."""
        return self.matched[tiou] / self.truths if self.truths else math.nan

    def f1(self, tiou: float) -> float:
        """The harmonic mean of both, 0 to 1; NaN if there is neither an event nor a moment."""
        both = self.found + self.truths
        return 2 * self.matched[tiou] / both if both else math.nan

    def delay_s(self, share: float) -> float:
        """The delay that so great a share of those moments keeps to, in seconds: 0.5 is the median.

        Between two delays it is interpolated; NaN if no moment was seen.
        """
        return float(np.quantile(self.delays_s, share)) if self.delays_s else math.nan

    @property
    def seen(self) -> float:
        """Share of the moments that an event of their class overlaps, 0 to 1; NaN without any."""
        return len(self.delays_s) / self.truths if self.truths else math.nan

    @property
    def false_alarms_per_hour(self) -> float:
        """NaN if nothing was watched."""
        hours = self.watched_s / _SECONDS_PER_HOUR
        return self.false_alarms / hours if hours else math.nan


def measure_events(
    watched: Sequence[Watched], labels: Sequence[str]
) -> tuple[EventMeasures, dict[str, EventMeasures]]:
    """Judges events in several recordings together.

    Args:
        labels: of the classes that are judged.

    Returns:
        The measures of all classes together, and those of each. Together, everything is counted
        alike, whatever its class.

    Raises:
        TrainingError: if a recording's end is not known, a class is none of these, or an event ends
            before it begins.
    """
    recordings = [_cut(one, labels) for one in watched]
    watched_s = math.fsum(one.end_s - one.start_s for one in recordings)
    of_classes = {label: _of_class(recordings, label, watched_s) for label in labels}
    every = of_classes.values()
    together = EventMeasures(
        sum(one.truths for one in every),
        sum(one.found for one in every),
        {tiou: sum(one.matched[tiou] for one in every) for tiou in THRESHOLDS},
        tuple(sorted(delay_s for one in every for delay_s in one.delays_s)),
        sum(one.false_alarms for one in every),
        watched_s,
    )
    return together, of_classes


def _cut(watched: Watched, labels: Sequence[str]) -> Watched:
    """The recording with what happens while it was watched."""
    start_s, end_s = watched.start_s, watched.end_s
    if not start_s <= end_s < math.inf:
        raise TrainingError(f"a recording from {start_s:g} to {end_s:g} s cannot be judged")
    told: tuple[Moment | FoundEvent, ...] = (*watched.moments, *watched.events)
    for one in told:
        if one.label not in labels:
            raise TrainingError(f"{one.label!r} is none of the classes that are judged")
        if not one.start_s <= one.end_s:
            raise TrainingError(f"{one.label!r} from {one.start_s:g} to {one.end_s:g} s ends first")
    cut = (
        replace(moment, start_s=max(moment.start_s, start_s), end_s=min(moment.end_s, end_s))
        for moment in watched.moments
    )
    return replace(watched, moments=tuple(m for m in cut if m.start_s < m.end_s))


def _of_class(recordings: Sequence[Watched], label: str, watched_s: float) -> EventMeasures:
    truths, found, false_alarms = 0, 0, 0
    matched = dict.fromkeys(THRESHOLDS, 0)
    delays_s: list[float] = []
    for one in recordings:
        moments = sorted(
            (moment for moment in one.moments if moment.label == label),
            key=lambda moment: (moment.start_s, moment.end_s),
        )
        events = sorted(
            (event for event in one.events if event.label == label),
            key=lambda event: (-event.peak_score, event.start_s, event.end_s),
        )
        truths, found = truths + len(moments), found + len(events)
        false_alarms += sum(not any(_overlap(event, m) for m in moments) for event in events)
        for tiou in THRESHOLDS:
            matched[tiou] += _matches(events, moments, tiou)
        for moment in moments:
            told_s = [event.told_s for event in events if _overlap(event, moment)]
            if told_s:
                delays_s.append(max(0.0, min(told_s) - moment.start_s))
    return EventMeasures(truths, found, matched, tuple(sorted(delays_s)), false_alarms, watched_s)


def _matches(events: Sequence[FoundEvent], moments: Sequence[Moment], threshold: float) -> int:
    """How many events take a moment; both in the order in which they do."""
    free = list(moments)
    for event in events:
        best = max(free, key=lambda moment: tiou_of(event, moment), default=None)
        if best is not None and tiou_of(event, best) >= threshold:
            free.remove(best)
    return len(moments) - len(free)


def tiou_of(event: FoundEvent, moment: Moment) -> float:
    """The time that both share, as a share of the time that either takes, 0 to 1."""
    shared_s = min(event.end_s, moment.end_s) - max(event.start_s, moment.start_s)
    if shared_s <= 0:
        return 0.0
    return shared_s / (event.end_s - event.start_s + moment.end_s - moment.start_s - shared_s)


def _overlap(event: FoundEvent, moment: Moment) -> bool:
    """Whether both share some time, if only the one at which the event begins and ends."""
    if event.start_s == event.end_s:
        return moment.start_s <= event.start_s < moment.end_s
    return event.start_s < moment.end_s and moment.start_s < event.end_s
