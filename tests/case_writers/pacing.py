"""Which frames a network is shown, live and of recordings, and what their times are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from movistream.sources.picking import LiveTicks, at_rate
from movistream.sources.selecting import Clock

_USUAL_STEP_S = 1 / 30
"""Between a camera's frames where its clock does not tell; as in Java."""


@dataclass(frozen=True)
class _Frame:
    index: int
    time_s: float


def _evenly(count: int, rate: float, start_s: float = 0.0) -> list[float]:
    return [start_s + index / rate for index in range(count)]


def _jittered(count: int, rate: float, jitter_s: float) -> list[float]:
    """Rounded to the milliseconds of containers, and never going back."""
    generator = np.random.default_rng(7)
    times = np.arange(count) / rate + generator.uniform(0, jitter_s, count)
    times -= times[0]
    return [round(float(time_s), 3) for time_s in np.maximum.accumulate(times)]


_TIMES: dict[str, list[float]] = {
    "30 a second": _evenly(61, 30),
    "24 a second": _evenly(60, 24),
    "25 a second": _evenly(60, 25),
    "10 a second": _evenly(30, 10),
    "59.94 a second": _evenly(120, 60000 / 1001),
    "4 a second": _evenly(12, 4),
    "jittered": _jittered(120, 30, 0.02),
    "so jittered that frames come together": _jittered(80, 20, 0.12),
    "a variable rate": [0, 0.1, 0.15, 0.433, 0.5, 0.9, 1.0],
    "a pause": [0, 0.1, 0.2, 7.33, 7.43, 7.53, 7.63],
    "behind a pause, all due at once": [0, 0.1, 2.0, 2.033, 2.067, 2.1, 2.133, 2.2],
    "frames of the same time": [0, 0, 0.1, 0.1, 0.2, 0.2, 0.2, 0.3],
    "equally near": [0, 0.05, 0.15, 0.25, 0.35, 0.45],
    "nearly equally near": [0, 0.15004, 0.25, 0.3501, 0.45],
    "one frame": [0.0],
    "none": [],
}
_RATES = (5.0, 10.0, 12.0, 7.5, 30.0)

_STAMPS: dict[str, list[float]] = {
    "a sensor's, since the device began": _evenly(61, 30, 183442.2),
    "a clock that is set back by an hour": [
        *_evenly(20, 30, 5000.0),
        *_evenly(40, 30, 5000.0 - 3600 + 20 / 30),
    ],
    "a clock that is set back a little, twice": [
        *_evenly(10, 30, 100.0),
        *_evenly(10, 30, 100.0 + 10 / 30 - 0.07),
        *_evenly(30, 30, 100.0 + 20 / 30 - 0.2),
    ],
    "a clock that is set forth": [*_evenly(10, 30), *_evenly(30, 30, 60.0)],
    "before 0": _evenly(30, 30, -4.0),
}


def live() -> list[dict[str, Any]]:
    """What a camera's stamps become, and which of the frames are taken."""
    cases = []
    for about, stamps in {**_TIMES, **_STAMPS}.items():
        for rate in _RATES:
            clock, ticks = Clock(_USUAL_STEP_S), LiveTicks(rate)
            times = [clock.at(stamp) for stamp in stamps]
            picked = [index for index, time_s in enumerate(times) if ticks.wants(time_s)]
            case = {"about": about, "rate": rate, "stamps_s": stamps, "times_s": times}
            cases.append({**case, "picked": picked})
    return cases


def recorded() -> list[dict[str, Any]]:
    """Which frames of a recording are taken."""
    return [
        {"about": about, "rate": rate, "times_s": times, "picked": _picked(times, rate)}
        for about, times in _TIMES.items()
        for rate in _RATES
    ]


def _picked(times: Sequence[float], rate: float) -> list[int]:
    frames = [_Frame(index, time_s) for index, time_s in enumerate(times)]
    return [frame.index for frame, picked in at_rate(rate)(frames) if picked]


def clocks() -> list[dict[str, Any]]:
    """What the times that frames say themselves become; null is none."""
    cases: dict[str, list[float | None]] = {
        "from elsewhere": [12.5, 12.6, 12.75],
        "recordings that are joined": [0.0, 0.1, 0.2, 0.0, 0.1, 0.2, 0.1],
        "times that repeat": [1.0, 1.0, 1.5, 1.5],
        "none": [None, None, None],
        "some": [None, 3.0, None, 3.2, 3.05, None],
        "a stamp of a hundred years": [3155760000.0, 3155760000.25],
    }
    made = []
    for about, own in cases.items():
        for step_s in (0.0, 0.04):
            clock = Clock(step_s)
            times = [clock.at(own_s) for own_s in own]
            made.append({"about": about, "step_s": step_s, "own_s": own, "times_s": times})
    return made
