"""Recordings at their own pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from movistream.sources import Source, VideoFrame

_MOST_LATE_S = 1.0


class PacedSource(Source):
    """A recording whose frames come when they are due, and which can stand still.

    Attributes:
        waiting: until the next frame is due.
    """

    def __init__(self, recording: Source, running: threading.Event) -> None:
        """Paces a recording, which is closed with it.

        Args:
            running: while it is not set, the recording stands still.
        """
        self.name = recording.name
        self.frames_per_second = recording.frames_per_second
        self.seconds = recording.seconds
        self._recording = recording
        self._running = running
        self._interrupted = threading.Event()
        self.waiting = False

    def __iter__(self) -> Iterator[VideoFrame]:
        began_s: float | None = None
        for frame in self._recording:
            if not self._running.is_set():
                self._running.wait()
                began_s = None
            now_s = time.monotonic()
            began_s = now_s - frame.time_s if began_s is None else began_s
            self.waiting = True
            if self._interrupted.wait(max(0.0, began_s + frame.time_s - now_s)):
                return
            self.waiting = False
            # What came late does not have to be caught up.
            began_s = max(began_s, time.monotonic() - frame.time_s - _MOST_LATE_S)
            yield frame

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        self._recording.close()
