"""Which frames of a source a network is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar

_TIE_S = 1e-4
"""Containers round times; a frame that is closer by less than this is not closer."""


class Timed(Protocol):
    """What can be picked: a frame, or what will become one."""

    @property
    def index(self) -> int:
        """The number of the frame in its source, from 0."""

    @property
    def time_s(self) -> float:
        """The time since the source's start in seconds, never less than the one before."""


AnyTimed = TypeVar("AnyTimed", bound=Timed)


class Picking(Protocol):
    """A way to pick frames of a recording by their numbers and times alone."""

    def __call__(self, frames: Iterable[AnyTimed], /) -> Iterator[tuple[AnyTimed, bool]]:
        """All frames, each with whether it is picked; asks for one more at most to tell."""


def at_rate(frames_per_second: float) -> Picking:
    """Picks the frames that are nearest to 0, 1/rate, 2/rate … seconds from a recording's start.

    So a network sees time pass as it did in training, whatever the recording's own rate, constant
    or not, and nothing drifts. Of two that are equally near, the earlier is taken. None is given
    twice: where there are fewer frames than the rate asks for, each is given once, which networks
    take far better than pictures that stand still in between.
    """
    return partial(_marked_at_rate, frames_per_second)


def one_in(every: int) -> Picking:
    """Picks one frame in so many, the first included."""
    return partial(_marked, lambda frame: frame.index % every == 0)


def from_time(picking: Picking, start_s: float) -> Picking:
    """Picks what another way picks, but nothing before a time."""

    def marked(frames: Iterable[AnyTimed], /) -> Iterator[tuple[AnyTimed, bool]]:
        return ((frame, picked and is_at(frame, start_s)) for frame, picked in picking(frames))

    return marked


def pick_at_rate(frames: Iterable[AnyTimed], frames_per_second: float) -> Iterator[AnyTimed]:
    """Those of the frames that :func:`at_rate` picks."""
    return (frame for frame, picked in at_rate(frames_per_second)(frames) if picked)


def is_at(frame: Timed, time_s: float) -> bool:
    """Whether a frame has come to a time, or is beyond it."""
    return frame.time_s >= time_s - _TIE_S


def _marked(
    picks: Callable[[Timed], bool], frames: Iterable[AnyTimed], /
) -> Iterator[tuple[AnyTimed, bool]]:
    return ((frame, picks(frame)) for frame in frames)


def _marked_at_rate(
    frames_per_second: float, frames: Iterable[AnyTimed], /
) -> Iterator[tuple[AnyTimed, bool]]:
    candidate: AnyTimed | None = None
    count = 0
    for frame in chain(frames, [None]):
        if candidate is not None:
            until_s = candidate.time_s
            if frame is not None:
                until_s = (candidate.time_s + frame.time_s) / 2
            until_s += _TIE_S
            picked = count / frames_per_second <= until_s
            if picked:
                count = math.floor(until_s * frames_per_second) + 1
            yield candidate, picked
        candidate = frame


class LiveTicks:
    """Which frames of a live source come nearest to 0, 1/rate, 2/rate … seconds from its start.

    Nobody knows yet when the next frame will come, so a frame is taken if it is due by less than
    half the time between the last two. None is taken twice.
    """

    def __init__(self, frames_per_second: float) -> None:
        self._period_s = 1 / frames_per_second
        self._due_s = 0.0
        self._last_s = 0.0

    def wants(self, time_s: float) -> bool:
        """Whether to take the frame of this time, in seconds; ask once per frame, in order."""
        apart_s, self._last_s = time_s - self._last_s, time_s
        if time_s + min(apart_s, self._period_s) / 2 < self._due_s:
            return False
        passed = max(1, math.floor((time_s - self._due_s) / self._period_s + 0.5) + 1)
        self._due_s += passed * self._period_s
        return True
