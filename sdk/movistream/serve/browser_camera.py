"""The camera of somebody's browser, whose pictures come over the network as JPEG."""

from __future__ import annotations

import io
import queue
import time
from collections.abc import Iterator
from functools import partial

import numpy as np

from movistream.drawing.annotate import pillow_image
from movistream.errors import VideoError
from movistream.sources import Picture, VideoFrame
from movistream.sources.frame import as_it_is
from movistream.sources.live import LiveSource

MOST_PICTURE_BYTES = 512 * 1024
MOST_PIXELS = 1920 * 1080

_SILENCE_S = 15.0


class BrowserCamera(LiveSource):
    """Frames that :meth:`put` is given; one that is not taken in time is replaced by the next."""

    def __init__(self) -> None:
        """Starts without frames."""
        super().__init__("a browser's camera")
        self._newest: queue.Queue[tuple[Picture, float] | None] = queue.Queue(1)

    def put(self, data: bytes) -> None:
        """Takes a picture.

        Raises:
            VideoError: if it is no JPEG, or too large. Nothing has changed then.
        """
        self._replace((decode_jpeg(data), time.monotonic()))

    def interrupt(self) -> None:
        super().interrupt()
        self._replace(None)

    def end(self) -> None:
        """No more will come."""
        self._replace(None)

    def _replace(self, item: tuple[Picture, float] | None) -> None:
        while True:
            try:
                self._newest.put_nowait(item)
            except queue.Full:
                try:
                    self._newest.get_nowait()
                except queue.Empty:
                    continue
            else:
                return

    def _captured(self) -> Iterator[VideoFrame]:
        while not self.closed.is_set():
            try:
                item = self._newest.get(timeout=_SILENCE_S)
            except queue.Empty:
                raise VideoError(f"the browser sent no picture for {_SILENCE_S:g} s") from None
            if item is None:
                return
            picture, captured_s = item
            yield VideoFrame(0, 0, partial(as_it_is, picture), captured_s)

    def _free(self) -> None:
        self._replace(None)


def decode_jpeg(data: bytes) -> Picture:
    """A JPEG that somebody sent, as uint8 RGB (height, width, 3).

    Raises:
        VideoError: if it is none, is damaged, or has too many bytes or pixels.
    """
    if len(data) > MOST_PICTURE_BYTES:
        raise VideoError(f"a picture has at most {MOST_PICTURE_BYTES} bytes, not {len(data)}")
    images = pillow_image()
    try:
        with images.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise VideoError(f"a picture has at most {MOST_PIXELS} pixels")
            return np.array(image.convert("RGB"))
    except VideoError:
        raise
    except (OSError, ValueError, SyntaxError, images.DecompressionBombError):
        raise VideoError("what was sent is no JPEG picture") from None
