"""Whole watches: what becomes of scripted logits, times and gaps; and events as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
import numpy as np

from movistream.file.manifest import Activation, EventDefaults
from movistream.serve.events_table import events_table
from movistream.serve.history import FeedHistory
from movistream.serve.schema import SavedEvents
from movistream.sources.frame import VideoFrame
from movistream.stream.moments import Moments
from movistream.stream.result import Result
from movistream.watch import watcher as watching
from movistream.watch.events import Event, EventOptions
from movistream.watch.resets import ResetOptions
from movistream.watch.scores import ScoreOptions
from movistream.watch.watcher import Notice, Seen, Step, Watcher, WatchOptions

_CLASSES = 4
_BEGAN_AT = datetime(2026, 1, 2, 3, 4, 5, 678000, timezone.utc)
_PICTURE = np.zeros((4, 6, 3), np.uint8)


class _Stream:
    """Answers with the script's logits, one row after the other."""

    def __init__(self, logits: Sequence[Sequence[float]], delay: int, warm_up: int) -> None:
        self._logits = iter(logits)
        self._moments = Moments(delay)
        self._warm_up = warm_up
        self._seen = 0

    def step(self, image: Any, *, frame: int, time_s: float) -> Result:
        warming_up = self._seen < self._warm_up
        self._seen += 1
        frame, about_s = self._moments.answered((frame, time_s))  # type: ignore[assignment]
        logits = np.array(next(self._logits), np.float32)
        return Result(frame, about_s, logits, 0.0, 0.0, (), warming_up)

    def reset(self) -> None:
        self._seen = 0
        self._moments.restore(())


@dataclass(frozen=True)
class _Case:
    """One watch.

    Attributes:
        times_s: of the frames.
        seen: by frame, the class that the network sees; -1 for none.
        also: the same, where several classes may be at once; empty where they may not.
        said: of events, by the model.
    """

    about: str
    times_s: Sequence[float]
    seen: Sequence[int]
    smoothing_s: float | None = 0.0
    temperature: float = 1.0
    shortest_s: float | None = 0.5
    gap_s: float | None = None
    every_s: float | None = None
    delay: int = 0
    warm_up: int = 0
    live: bool = False
    reset_before: int | None = None
    also: Sequence[int] = ()
    said: EventDefaults | None = None

    @property
    def activation(self) -> Activation:
        """Of the model."""
        return "sigmoid" if self.also else "softmax"


def _tenths(count: int, start_s: float = 0.0) -> list[float]:
    return [round(start_s + index / 10, 3) for index in range(count)]


_PAUSE = [*_tenths(20), *_tenths(20, 602.0)]
_WALK = [0] * 8 + [1] * 9 + [-1] * 3 + [2] * 4 + [1] * 10 + [0] * 6

_ALSO = [-1] * 5 + [3] * 20 + [2] * 10 + [-1] * 5
_SAID = EventDefaults(
    enter=(0.6, 0.25, 0.999, 0.5), leave=(0.55, 0.25, 0.1, 0.0), shortest_s=0.2, smoothing_s=0.15
)

_CASES = (
    _Case("a walk", _tenths(40), _WALK),
    _Case("a walk, smoothed, live", _tenths(40), _WALK, smoothing_s=0.3, live=True),
    _Case("a walk, everything reported", _tenths(40), _WALK, shortest_s=0.0, temperature=1.3),
    _Case("ten minutes' pause within an event", _PAUSE, [1] * 40, gap_s=2.0, live=True),
    _Case("the same, and nobody cares", _PAUSE, [1] * 40, live=True),
    _Case("the same, smoothed", _PAUSE, [1] * 20 + [0] * 20, smoothing_s=0.3, gap_s=2.0),
    _Case("a pause behind an event that was too short", _PAUSE, [0] * 17 + [1] * 23, gap_s=2.0),
    _Case("intervals do not end events", _tenths(40), [1] * 40, smoothing_s=0.5, every_s=1.0),
    _Case("a reset that is asked for", _tenths(40), _WALK, smoothing_s=0.3, reset_before=14),
    _Case("a model that answers late", _tenths(40), _WALK, delay=3, live=True),
    _Case("one that warms up, smoothed", _tenths(40), _WALK, smoothing_s=0.4, delay=2, warm_up=5),
    _Case(
        "one that warms up, after a pause too",
        _PAUSE,
        [1] * 25 + [2] * 15,
        smoothing_s=0.3,
        delay=2,
        warm_up=4,
        gap_s=1.0,
        live=True,
    ),
    _Case("two things at once", _tenths(40), _WALK, also=_ALSO),
    _Case("the same, smoothed, cooler", _tenths(40), _WALK, 0.3, 0.7, also=_ALSO),
    _Case("one thing at once, then none", _tenths(30), [1] * 12 + [-1] * 18, also=[-1] * 30),
    _Case("the same after a pause", _PAUSE, [1] * 40, gap_s=2.0, also=[-1] * 8 + [0] * 32),
    _Case("as the model says", _tenths(40), _WALK, None, shortest_s=None, also=_ALSO, said=_SAID),
    _Case("the same of one class of several", _tenths(40), _WALK, None, said=_SAID, live=True),
    _Case("otherwise than the model says", _tenths(40), _WALK, also=_ALSO, said=_SAID),
    _Case("two events of one start", _tenths(30), [3] * 6 + [1] * 24, shortest_s=0.3),
)


def _logits(case: _Case, seed: int) -> list[list[float]]:
    noise = np.random.default_rng(seed).normal(0, 0.4, (len(case.seen), _CLASSES))
    for seen in (case.seen, case.also):
        for row, index in zip(noise, seen, strict=False):
            if index >= 0:
                row[index] += 4.0
    if case.also:
        noise -= 2.0
    return [[round(float(value), 3) for value in row] for row in noise]


def watched() -> list[dict[str, Any]]:
    """By frame: the events that ended before it by a reset, its scores, and its events."""
    return [_watched(case, seed) for seed, case in enumerate(_CASES)]


def _watched(case: _Case, seed: int) -> dict[str, Any]:
    logits = _logits(case, seed)
    model = SimpleNamespace(
        labels=(),
        classes=_CLASSES,
        horizon_frames=None,
        delay_frames=case.delay,
        activation=case.activation,
        event_defaults=case.said,
        stream=lambda **_: _Stream(logits, case.delay, case.warm_up),
    )
    options = WatchOptions(
        scores=ScoreOptions(case.temperature, case.smoothing_s),
        events=EventOptions(shortest_s=case.shortest_s),
        resets=ResetOptions(gap_s=case.gap_s, every_s=case.every_s),
        top=3,
    )
    watcher = Watcher("camera", model, options)  # type: ignore[arg-type]
    frames = []
    for index, time_s in enumerate(case.times_s):
        if index == case.reset_before:
            watcher.ask_for_reset()
        captured_s = time_s if case.live else None
        frame = VideoFrame(index, time_s, lambda: _PICTURE, captured_s)
        frames.append(_told(watcher, frame))
    overall = watcher._overall.scores()
    assert overall is not None
    return {
        "about": case.about,
        "smoothing_s": case.smoothing_s,
        "temperature": case.temperature,
        "activation": case.activation,
        "said": None if case.said is None else msgspec.structs.asdict(case.said),
        "shortest_s": case.shortest_s,
        "gap_s": case.gap_s or 0,
        "every_s": case.every_s or 0,
        "delay_frames": case.delay,
        "warm_up_frames": case.warm_up,
        "reset_before": case.reset_before,
        "began_at_ms": _ms(_BEGAN_AT) if case.live else None,
        "times_s": list(case.times_s),
        "logits": logits,
        "frames": frames,
        "finish": [seen.event.to_dict() for seen in watcher.finish()],
        "answer": _rounded(overall),
        "is_mean": watcher.answers_with_mean,
    }


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1e3)


def _told(watcher: Watcher, frame: VideoFrame) -> dict[str, Any]:
    """What a frame leads to, captured so long after the beginning as its time says."""
    now = SimpleNamespace(now=lambda _: _BEGAN_AT + timedelta(seconds=frame.time_s))
    clock = SimpleNamespace(monotonic=lambda: frame.captured_s)
    with mock.patch.object(watching, "datetime", now), mock.patch.object(watching, "time", clock):
        items = watcher.look(frame)
    (place,) = (place for place, item in enumerate(items) if isinstance(item, Step))
    step = items[place]
    assert isinstance(step, Step)
    notices = [item.reason for item in items if isinstance(item, Notice)]
    return {
        "before": [item.event.to_dict() for item in items[:place] if isinstance(item, Seen)],
        "notice": notices[0] if notices else None,
        "time_s": step.time_s,
        "frame": step.result.frame,
        "warming_up": step.result.warming_up,
        "scores": _rounded(step.scores),
        "top": [entry.index for entry in step.top],
        "going_on": [event.to_dict() for event in step.going_on],
        "events": [item.event.to_dict() for item in items[place:] if isinstance(item, Seen)],
    }


def _rounded(scores: Any) -> list[float]:
    return [round(float(score), 5) for score in scores]


def _float32(value: float) -> float:
    return float(np.float32(value))


def table() -> dict[str, Any]:
    """Events as the server writes them for spreadsheets, and as JSON."""
    at = _BEGAN_AT
    later = at + timedelta(seconds=3.25)
    events = [
        Event("pan left", 1, 0.1, 3.35, _float32(0.98765432), "begin", at, later),
        Event("pan left", 1, 0.1, 3.35, _float32(0.98765432), "end", at, later),
        Event('a "b", c', 2, 12.00004, 15.0, 0.5, "end", at, later),
        Event("=1+1", 3, 0.0005, 0.0015, 1.0, "end", at, at),
        Event("-x", 4, 1234567.8912, 12345678.5, _float32(0.3), "end", at, later),
        Event("é😀\n", 5, 2.00005, 2.00015, _float32(0.1234565), "end", at, later),
    ]
    feed = "@front, door"
    seen = FeedHistory().seen
    return {
        "feed": feed,
        "events": [
            {
                "phase": event.phase,
                "label": event.label,
                "index": event.index,
                "start_s": event.start_s,
                "end_s": event.end_s,
                "peak_score": event.peak_score,
                "started_at_ms": _ms(event.started_at) if event.started_at else None,
                "ended_at_ms": _ms(event.ended_at) if event.ended_at else None,
            }
            for event in events
        ],
        "json": [event.to_dict() for event in events],
        "csv": events_table(SavedEvents("0", feed, tuple(map(seen, events)))),
    }
