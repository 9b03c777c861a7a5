"""A Raspberry Pi's camera."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from movistream.errors import VideoError
from movistream.sources.frame import VideoFrame, as_it_is, sane_rate
from movistream.sources.live import LiveSource

_DEFAULT_SIZE = 640, 480


class PiCamera(LiveSource):
    """A camera of a Raspberry Pi, by picamera2, see :class:`.live.LiveSource`."""

    def __init__(
        self,
        number: int = 0,
        *,
        size: tuple[int, int] | None = None,
        frames_per_second: float | None = None,
    ) -> None:
        """Starts a camera.

        Args:
            number: of the camera.
            size: width and height; 640 × 480 by default.
            frames_per_second: by default as picamera2 likes.

        Raises:
            VideoError: if picamera2 is not installed, or the camera cannot be used.
        """
        super().__init__(f"picamera:{number}")
        self.frames_per_second = sane_rate(frames_per_second)
        try:
            from picamera2 import Picamera2
        except ImportError:
            raise VideoError(
                "the Raspberry Pi's camera needs picamera2: sudo apt install python3-picamera2, and"
                " a virtual environment made with --system-site-packages"
            ) from None
        try:
            self._camera: Any = Picamera2(number)
            # In picamera2's names, BGR888 is the one that has red first in memory.
            main = {"size": size or _DEFAULT_SIZE, "format": "BGR888"}
            controls = {"FrameRate": frames_per_second} if frames_per_second else {}
            self._camera.configure(
                self._camera.create_video_configuration(main=main, controls=controls)
            )
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            raise VideoError(f"{self.name} cannot be used: {error}") from None

    def _captured(self) -> Iterator[VideoFrame]:
        while True:
            try:
                image = self._camera.capture_array("main")
            except (RuntimeError, OSError) as error:
                raise VideoError(f"{self.name} gives no more frames: {error}") from None
            yield VideoFrame(0, 0, partial(as_it_is, image), time.monotonic())

    def _free(self) -> None:
        self._camera.stop()
        self._camera.close()
