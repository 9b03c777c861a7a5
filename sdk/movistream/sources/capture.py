"""A live source in a thread of its own, and its newest frame."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from movistream.errors import VideoError
from movistream.sources.frame import Source, Undecoded, VideoFrame

_JOIN_S = 1.0
_MOST_DAMAGED = 25
"""Pictures in a row that cannot be decoded, from where on a source has failed."""


class Capture:
    """Gives the newest frame of a live source, whatever was missed meanwhile.

    A thread takes every frame that comes, and puts those that are wanted into a
    mailbox with room for one. So a slow reader skips frames instead of falling behind, and memory
    is bounded. It is a context manager; leaving it closes the source.

    Attributes:
        captured: frames that have come.
        skipped: frames that were wanted, but overwritten by the next before they were taken.
    """

    def __init__(
        self,
        source: Source,
        wants: Callable[[VideoFrame], bool],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Starts to capture.

        Args:
            source: is closed at the end.
            wants: whether to take a frame; asked once per frame, in order.
            on_change: called, from the thread, when there is a frame to take, or an end.
        """
        self.captured = 0
        self.skipped = 0
        self._source = source
        self._wants = wants
        self._on_change = on_change
        self._mailbox: VideoFrame | None = None
        self._error: Exception | None = None
        self._ended = False
        self._changed = threading.Condition()
        # A thread that hangs in a driver must not keep the process alive.
        self._thread = threading.Thread(
            target=self._run, name=f"capture {source.name}", daemon=True
        )
        self._thread.start()

    def take(self, timeout_s: float | None = None) -> VideoFrame | None:
        """The newest frame that was not taken yet, once there is one.

        None if none comes in time, or none will come any more, see :attr:`ended`.

        Raises:
            VideoError: if the source has broken; the frames before that are given first.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._mailbox is not None or self._ended, timeout_s)
            frame, self._mailbox = self._mailbox, None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    @property
    def ended(self) -> bool:
        """Whether no frame is left, and none will come any more."""
        with self._changed:
            return self._ended and self._mailbox is None

    @property
    def has_news(self) -> bool:
        """Whether there is a frame to take, or an end to notice."""
        with self._changed:
            return self._ended or self._mailbox is not None

    def close(self) -> None:
        """Ends the capture and closes the source."""
        with self._changed:
            self._ended = True
        self._source.close()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self._capture()
        except Exception as caught:
            error = caught
        except BaseException as caught:
            # The reader must not wait for ever.
            error = VideoError(f"{self._source.name} ends with {caught!r}")
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()
        self._on_change()

    def _capture(self) -> None:
        damaged = 0
        for frame in self._source:
            wanted = self._wants(frame) or frame.interruption is not None
            if wanted and isinstance(frame.decode, Undecoded):
                try:
                    frame = replace(frame, decode=frame.decode.decoded())
                except VideoError:
                    damaged += 1
                    if damaged == _MOST_DAMAGED:
                        raise
                    continue
                damaged = 0
            with self._changed:
                if self._ended:
                    return
                self.captured += 1
                if not wanted:
                    continue
                if self._mailbox is not None:
                    self.skipped += 1
                    frame = _with_news_of(frame, self._mailbox)
                self._mailbox = frame
                self._changed.notify_all()
            self._on_change()

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _with_news_of(frame: VideoFrame, skipped: VideoFrame) -> VideoFrame:
    """A frame that tells of an interruption before a skipped one as well."""
    if skipped.interruption is None or frame.interruption is not None:
        return frame
    return replace(frame, interruption=skipped.interruption)
