"""Which frames of a source a network is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain

from movistream.sources.frame import VideoFrame

_TIE_S = 1e-4
"""Containers round times; a frame that is closer by less than this is not closer."""


def is_at(frame: VideoFrame, time_s: float) -> bool:
    """Whether a frame has come to a time, or is beyond it."""
    return frame.time_s >= time_s - _TIE_S


def pick_at_rate(frames: Iterable[VideoFrame], frames_per_second: float) -> Iterator[VideoFrame]:
    """The frames of a recording that are nearest to 0, 1/rate, 2/rate … seconds from its start.

    So a network sees time pass as it did in training, whatever the recording's own rate, constant
    or not, and nothing drifts. Of two that are equally near, the earlier is taken. None is given
    twice: where there are fewer frames than the rate asks for, each is given once, which networks
    take far better than pictures that stand still in between.
    """
    return (frame for frame, picked in marked_at_rate(frames, frames_per_second) if picked)


def marked_at_rate(
    frames: Iterable[VideoFrame], frames_per_second: float
) -> Iterator[tuple[VideoFrame, bool]]:
    """All frames, each with whether :func:`pick_at_rate` picks it."""
    candidate: VideoFrame | None = None
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


def marked_every(frames: Iterable[VideoFrame], every: int) -> Iterator[tuple[VideoFrame, bool]]:
    """All frames, one in so many marked, the first included."""
    return ((frame, frame.index % every == 0) for frame in frames)


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
