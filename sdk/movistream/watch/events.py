"""Events instead of flicker: when something was seen, from when to when, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.errors import MovistreamError


@dataclass(frozen=True)
class EventOptions:
    """When something counts as seen.

    Attributes:
        enter: a score at which an event begins, in (0, 1].
        leave: a score below which it ends; not above ``enter``.
        least_s: shorter events are not reported, in seconds.
    """

    enter: float = 0.5
    leave: float = 0.3
    least_s: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.enter <= 1:
            raise MovistreamError(f"an event begins at a score in (0, 1], not {self.enter!r}")
        if not 0 <= self.leave <= self.enter:
            raise MovistreamError(
                f"an event that begins at {self.enter:g} ends below 0 to {self.enter:g}, not"
                f" {self.leave!r}"
            )
        if not self.least_s >= 0:
            raise MovistreamError(f"an event lasts 0 seconds or more, not {self.least_s!r}")


@dataclass(frozen=True)
class Event:
    """Something that was seen for a while.

    Attributes:
        label: of its class.
        index: of its class.
        start_s: time of the first frame that had at least the entering score.
        end_s: time of the first frame that had less than the leaving score, or of the last frame.
        peak_score: its highest score.
    """

    label: str
    index: int
    start_s: float
    end_s: float
    peak_score: float

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON types; times rounded to 4 digits, the score to 6."""
        return {
            "index": self.index,
            "label": self.label,
            "start_s": round(self.start_s, 4),
            "end_s": round(self.end_s, 4),
            "peak_score": round(self.peak_score, 6),
        }


class EventDetector:
    """Finds events in one stream's scores. Events of several classes may overlap."""

    def __init__(
        self,
        options: EventOptions,
        labels: tuple[str, ...] = (),
        reported: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Starts with nothing going on.

        Args:
            labels: of the classes, in order; empty if the model has none.
            reported: classes to report, bool (classes,); None for all.
        """
        self._options = options
        self._labels = labels
        self._reported = reported
        self._open: dict[int, Event] = {}

    def update(self, time_s: float, scores: npt.NDArray[np.float32]) -> tuple[Event, ...]:
        """Takes the scores (classes,) of the frame at a time; returns the events that end there."""
        ended = []
        for index, event in list(self._open.items()):
            score = float(scores[index])
            if score < self._options.leave:
                ended.append(self._close(index, time_s))
            else:
                self._open[index] = _grown(event, time_s, score)
        entering = scores >= self._options.enter
        if self._reported is not None:
            entering = entering & self._reported
        for index in map(int, np.flatnonzero(entering)):
            if index not in self._open:
                label = self._labels[index] if self._labels else f"class {index}"
                score = float(scores[index])
                self._open[index] = Event(label, index, time_s, time_s, score)
        return self._long_enough(ended)

    def finish(self, time_s: float | None = None) -> tuple[Event, ...]:
        """Ends what is going on, at a time, or when it was seen last; returns it."""
        ended = [self._close(index, time_s) for index in list(self._open)]
        return self._long_enough(ended)

    @property
    def going_on(self) -> tuple[Event, ...]:
        """What has begun, lasted long enough, and not ended; each up to now."""
        return self._long_enough(list(self._open.values()))

    def _close(self, index: int, time_s: float | None) -> Event:
        event = self._open.pop(index)
        return event if time_s is None else _grown(event, time_s, event.peak_score)

    def _long_enough(self, events: list[Event]) -> tuple[Event, ...]:
        least_s = self._options.least_s
        long = (event for event in events if event.end_s - event.start_s >= least_s)
        return tuple(sorted(long, key=lambda event: (event.start_s, event.index)))


def _grown(event: Event, end_s: float, score: float) -> Event:
    peak = max(event.peak_score, score)
    return Event(event.label, event.index, event.start_s, end_s, peak)
