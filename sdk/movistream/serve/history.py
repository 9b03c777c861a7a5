"""What a feed has said lately, in bounded memory."""

from __future__ import annotations

import bisect
import statistics
import threading
import time
from collections import deque

from movistream.serve.clock import wall_time
from movistream.serve.schema import (
    History,
    Latencies,
    ScoredLabel,
    SeenEvent,
    TimelinePoint,
)
from movistream.watch.events import Event, utc_text
from movistream.watch.watcher import Step

MINUTES = 5
LIMITS_MS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0, 200.0, 500.0)

_MOST_POINTS = 6000
_MOST_EVENTS = 200
_MOST_SAVED_EVENTS = 10_000
_POINT_CLASSES = 3
_LAST_STEPS = 100
_RATE_OVER_S = 5.0


class FeedHistory:
    """The last five minutes of scores, the last events, and how long steps took.

    One thread adds, others read.
    """

    def __init__(self) -> None:
        """Starts empty."""
        self._lock = threading.Lock()
        self._points: deque[TimelinePoint] = deque(maxlen=_MOST_POINTS)
        self._events: deque[SeenEvent] = deque(maxlen=_MOST_EVENTS)
        self._saved: deque[SeenEvent] = deque(maxlen=_MOST_SAVED_EVENTS)
        self._started_at: dict[int, str] = {}
        self._counts = [0] * (len(LIMITS_MS) + 1)
        self._total_ms = 0.0
        self._last_ms: deque[float] = deque(maxlen=_LAST_STEPS)
        self._times_s: deque[float] = deque(maxlen=_MOST_POINTS)

    def add(self, step: Step, at: str) -> None:
        """Takes a step, and when what it is about was seen."""
        point = TimelinePoint(at, step.time_s, scored(step)[:_POINT_CLASSES])
        with self._lock:
            self._add(step, point)

    def _add(self, step: Step, point: TimelinePoint) -> None:
        if not step.result.warming_up:
            self._points.append(point)
        while self._points and self._points[-1].time_s - self._points[0].time_s > MINUTES * 60:
            self._points.popleft()
        taken_ms = step.result.preprocess_ms + step.result.inference_ms
        self._counts[bisect.bisect_left(LIMITS_MS, taken_ms)] += 1
        self._total_ms += taken_ms
        self._last_ms.append(taken_ms)
        now_s = time.monotonic()
        self._times_s.append(now_s)
        while now_s - self._times_s[0] > _RATE_OVER_S:
            self._times_s.popleft()

    def add_event(self, event: Event) -> SeenEvent:
        """Takes an event that begins or ends now; those that have ended are kept."""
        found = self.seen(event)
        with self._lock:
            if event.phase == "begin":
                self._started_at[event.index] = found.started_at
            else:
                self._started_at.pop(event.index, None)
                self._events.append(found)
                self._saved.append(found)
        return found

    def seen(self, event: Event) -> SeenEvent:
        """An event that goes on or ends now, to be sent.

        A recording was not captured now: its moments are those at which it was played.
        """
        if event.started_at is not None and event.ended_at is not None:
            started_at, ended_at = utc_text(event.started_at), utc_text(event.ended_at)
        else:
            ended_at = wall_time()
            lasted_s = event.end_s - event.start_s
            started_at = self._started_at.get(event.index) or wall_time(lasted_s)
        return SeenEvent(
            event.phase,
            event.index,
            event.label,
            round(event.start_s, 3),
            round(event.end_s, 3),
            round(event.peak_score, 4),
            started_at,
            ended_at,
        )

    def restart(self) -> None:
        """The source begins anew, at time 0; events to be saved stay."""
        with self._lock:
            self._points.clear()
            self._events.clear()
            self._started_at.clear()

    @property
    def frames_per_second(self) -> float:
        """Of the last seconds; 0 if nothing came."""
        with self._lock:
            times_s = list(self._times_s)
        if len(times_s) < 2 or time.monotonic() - times_s[-1] > _RATE_OVER_S:
            return 0.0
        return (len(times_s) - 1) / max(1e-3, times_s[-1] - times_s[0])

    @property
    def latencies(self) -> Latencies:
        """How long steps took, since the start."""
        with self._lock:
            last_ms = list(self._last_ms)
        median_ms = statistics.median(last_ms) if last_ms else 0.0
        return Latencies(LIMITS_MS, tuple(self._counts), round(median_ms, 3))

    @property
    def total_ms(self) -> float:
        """Of all steps together."""
        return self._total_ms

    @property
    def saved(self) -> tuple[SeenEvent, ...]:
        """The events of all the time, as far as they are kept."""
        with self._lock:
            return tuple(self._saved)

    def recent(self) -> History:
        """The last minutes."""
        with self._lock:
            return History(tuple(self._points), tuple(self._events))


def scored(step: Step) -> tuple[ScoredLabel, ...]:
    """A step's best classes."""
    return tuple(ScoredLabel(entry.index, entry.label, round(entry.score, 4)) for entry in step.top)
