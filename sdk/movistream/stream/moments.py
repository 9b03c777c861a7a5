"""Which frame an answer is about, where a model answers some frames late."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

Moment: TypeAlias = tuple[int, float | None]
"""A frame's index, and its time in seconds if that is known."""


class Moments:
    """The frames that a stream has seen and not answered yet."""

    def __init__(self, delay_frames: int) -> None:
        """Starts with none.

        Args:
            delay_frames: an answer is about the frame that was so many before the newest.
        """
        self._waiting: deque[Moment] = deque(maxlen=delay_frames)

    def answered(self, newest: Moment) -> Moment:
        """Takes a frame; returns the one that the answer to it is about.

        Before there is one, that is the first frame.
        """
        about = self._waiting[0] if self._waiting else newest
        self._waiting.append(newest)
        return about

    def kept(self) -> tuple[Moment, ...]:
        """What later answers may be about, oldest first."""
        return tuple(self._waiting)

    def restore(self, kept: tuple[Moment, ...]) -> None:
        """Goes back to what :meth:`kept` returned; to none, for a reset."""
        self._waiting.clear()
        self._waiting.extend(kept)
