"""Events instead of flicker: when something was seen, from when to when, and how surely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from movistream.errors import MovistreamError
from movistream.file.manifest import EventDefaults

DEFAULTS = EventDefaults(enter=(0.5,), leave=(0.3,), shortest_s=0.5, smoothing_s=0.0)
"""Of any class, where neither options nor the model say it."""


@dataclass(frozen=True)
class EventOptions:
    """When something counts as seen. What is None is as the model says, or else the default.

    Attributes:
        enter: a score at which an event begins, in (0, 1]; by default 0.5.
        leave: a score below which it ends, not above ``enter``; by default 0.3, or ``enter`` where
            that is lower.
        shortest_s: shorter events are not reported, in seconds; by default 0.5.
    """

    enter: float | None = None
    leave: float | None = None
    shortest_s: float | None = None

    def __post_init__(self) -> None:
        if self.enter is not None and not 0 < self.enter <= 1:
            raise MovistreamError(f"an event begins at a score in (0, 1], not {self.enter!r}")
        highest = 1 if self.enter is None else self.enter
        if self.leave is not None and not 0 <= self.leave <= highest:
            raise MovistreamError(
                f"an event that begins at {highest:g} ends below 0 to {highest:g}, not"
                f" {self.leave!r}"
            )
        if self.shortest_s is not None and not self.shortest_s >= 0:
            raise MovistreamError(f"an event lasts 0 seconds or more, not {self.shortest_s!r}")


@dataclass(frozen=True)
class Event:
    """Something that is seen for a while.

    Attributes:
        label: of its class.
        index: of its class.
        start_s: time of the first frame that had at least the entering score.
        end_s: time of the first frame that had less than the leaving score, or of the last frame;
            while the event goes on, of the newest frame.
        peak_score: its highest score so far.
        phase: ``begin`` while it goes on, ``end`` when it is over.
        started_at: when that first frame was captured, in UTC; None for recordings.
        ended_at: the same for ``end_s``.
    """

    label: str
    index: int
    start_s: float
    end_s: float
    peak_score: float
    phase: Literal["begin", "end"] = "end"
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON types; times rounded to 4 digits, the score to 6."""
        found: dict[str, Any] = {
            "phase": self.phase,
            "index": self.index,
            "label": self.label,
            "start_s": round(self.start_s, 4),
            "end_s": round(self.end_s, 4),
            "peak_score": round(self.peak_score, 6),
        }
        if self.started_at is not None and self.ended_at is not None:
            found["started_at"] = utc_text(self.started_at)
            found["ended_at"] = utc_text(self.ended_at)
        return found


@dataclass(frozen=True, eq=False)
class EventRules:
    """When something counts as seen, all being said.

    Attributes:
        enter: of each class, the score at which an event begins, float32 (classes,).
        leave: of each class, the score below which it ends.
        shortest_s: shorter events are not reported.
    """

    enter: npt.NDArray[np.float32]
    leave: tuple[float, ...]
    shortest_s: float


def defaults_for(classes: int) -> EventDefaults:
    """When something counts as seen of so many classes, where nobody says it."""
    return EventDefaults(
        DEFAULTS.enter * classes,
        DEFAULTS.leave * classes,
        DEFAULTS.shortest_s,
        DEFAULTS.smoothing_s,
    )


def rules_of(options: EventOptions, classes: int, said: EventDefaults | None = None) -> EventRules:
    """The rules by options, where they leave it open by what a model says, or else by default.

    An event that begins at a low score by one of them ends by it too, at the latest.

    Raises:
        MovistreamError: if an event would end at a score at which it begins.
    """
    said = said or defaults_for(classes)
    enter, leave = said.enter, said.leave
    if options.enter is not None:
        enter = (options.enter,) * classes
    if options.leave is not None:
        leave = (options.leave,) * classes
        if options.leave > min(enter):
            raise MovistreamError(
                f"an event that begins at {min(enter):g} cannot end below {options.leave:g} already"
            )
    return EventRules(
        np.array(enter, np.float32),
        tuple(min(pair) for pair in zip(enter, leave, strict=True)),
        said.shortest_s if options.shortest_s is None else options.shortest_s,
    )


class EventDetector:
    """Finds events in one stream's scores. Events of several classes may overlap."""

    def __init__(
        self,
        rules: EventRules,
        labels: tuple[str, ...] = (),
        reported: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Starts with nothing going on.

        Args:
            labels: of the classes, in order; empty if the model has none.
            reported: classes to report, bool (classes,); None for all.
        """
        self._rules = rules
        self._labels = labels
        self._reported = reported
        self._open: dict[int, Event] = {}
        self._told: set[int] = set()

    def update(
        self, time_s: float, scores: npt.NDArray[np.float32], at: datetime | None = None
    ) -> tuple[Event, ...]:
        """Takes the scores (classes,) of a frame.

        Args:
            time_s: of the frame, in seconds since the source's start.
            at: when the frame was captured; None for recordings.

        Returns:
            The events that end there, then those that have begun: once they have lasted as long
            as the shortest that is reported. Each that ends has begun before.
        """
        over: list[Event] = []
        for index, event in list(self._open.items()):
            score = float(scores[index])
            if score < self._rules.leave[index]:
                self._open[index] = _grown(event, time_s, at, event.peak_score)
                over.append(self._open[index])
            else:
                self._open[index] = _grown(event, time_s, at, score)
        found = self._end(over)
        entering = scores >= self._rules.enter
        if self._reported is not None:
            entering = entering & self._reported
        for index in map(int, np.flatnonzero(entering)):
            if index not in self._open:
                label = self._labels[index] if self._labels else f"class {index}"
                score = float(scores[index])
                self._open[index] = Event(label, index, time_s, time_s, score, "begin", at, at)
        return (*found, *self._begin(self.going_on))

    def finish(self, time_s: float | None = None, at: datetime | None = None) -> tuple[Event, ...]:
        """Ends what is going on, at a time, or when it was seen last; returns it."""
        over = list(self._open.values())
        if time_s is not None:
            over = [_grown(event, time_s, at, event.peak_score) for event in over]
        return self._end(over)

    @property
    def going_on(self) -> tuple[Event, ...]:
        """What has begun, lasted long enough, and not ended; each up to now."""
        return self._long_enough(self._open.values())

    def _begin(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Those of the events whose beginning was not told yet."""
        begun = tuple(event for event in events if event.index not in self._told)
        self._told.update(event.index for event in begun)
        return begun

    def _end(self, events: list[Event]) -> tuple[Event, ...]:
        """Ends events; the shortest may begin and end at the same frame."""
        long = self._long_enough(events)
        begun = self._begin(long)
        for event in events:
            del self._open[event.index]
            self._told.discard(event.index)
        return (*begun, *(replace(event, phase="end") for event in long))

    def _long_enough(self, events: Iterable[Event]) -> tuple[Event, ...]:
        shortest_s = self._rules.shortest_s
        long = (event for event in events if event.end_s - event.start_s >= shortest_s)
        return tuple(sorted(long, key=lambda event: (event.start_s, event.index)))


def seeing(events: Iterable[Event]) -> str:
    """What is going on, for people."""
    return "seeing " + ", ".join(f"{event.label} since {event.start_s:.1f} s" for event in events)


def utc_text(moment: datetime) -> str:
    """A moment as ISO 8601 with milliseconds."""
    return moment.isoformat(timespec="milliseconds")


def _grown(event: Event, end_s: float, ended_at: datetime | None, score: float) -> Event:
    peak = max(event.peak_score, score)
    return replace(event, end_s=end_s, ended_at=ended_at, peak_score=peak)
