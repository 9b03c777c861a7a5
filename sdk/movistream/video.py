"""Frames of video files, decoded by OpenCV."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.errors import MissingExtraError, VideoError


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video.

    Attributes:
        index: in the video, from 0.
        time_s: since the video's start, in seconds, by its frame rate; by its index if it has none.
        image: uint8 RGB (height, width, 3).
    """

    index: int
    time_s: float
    image: npt.NDArray[np.uint8]


class VideoFile:
    """An open video, a context manager.

    Attributes:
        frames_per_second: as the file says; None if it does not.
        frame_count: as the file says, which may be wrong; None if it does not.
        frames_decoded: after :meth:`frames` has ended, how many there were.
    """

    def __init__(self, path: Path) -> None:
        """Opens a video.

        Raises:
            VideoError: if it cannot be opened.
            MissingExtraError: if OpenCV is not installed.
        """
        cv2 = _opencv()
        if path.is_dir():
            raise VideoError(f"{path} is a folder, not a video file")
        if not path.is_file():
            kind = "is not a file" if path.exists() else "does not exist"
            raise VideoError(
                f"the video {path} {kind}; only files are read, not cameras, streams or patterns"
            )
        self._path = path
        self._capture: Any = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise VideoError(
                f"{path} cannot be opened as a video: it is damaged or of another type"
            )
        self._to_rgb = cv2.COLOR_BGR2RGB
        self._convert = cv2.cvtColor
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.frames_per_second = rate if math.isfinite(rate) and 0 < rate <= 1000 else None
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frames_decoded = 0
        self.frame_count = int(count) if math.isfinite(count) and count > 0 else None

    def frames(
        self, *, every: int = 1, rate: float | None = None, start_s: float = 0.0
    ) -> Iterator[VideoFrame]:
        """The video's frames from here on, or some of them.

        Args:
            every: takes one frame in this many.
            rate: takes this many frames per second instead; all of them if the video has fewer.
            start_s: leaves out the frames before this time of the video, in seconds.

        Raises:
            VideoError: if not one frame can be decoded, or a rate is asked of a video without one.
        """
        if rate is not None and self.frames_per_second is None:
            raise VideoError(
                f"{self._path} does not say its frame rate; choose frames with --every instead"
            )
        index, chosen = -1, 0
        while self._capture.grab():
            index += 1
            if not self._chosen(index, every, rate) or self._time_s(index) < start_s:
                continue
            found, image = self._capture.retrieve()
            if not found:
                continue
            chosen += 1
            yield VideoFrame(index, self._time_s(index), self._convert(image, self._to_rgb))
        if not chosen:
            raise VideoError(f"{self._path} holds no frame that can be decoded")
        self.frames_decoded = index + 1

    def _time_s(self, index: int) -> float:
        return index / self.frames_per_second if self.frames_per_second else float(index)

    def _chosen(self, index: int, every: int, rate: float | None) -> bool:
        if rate is None or self.frames_per_second is None:
            return index % every == 0
        step = rate / self.frames_per_second
        return index == 0 or math.floor(index * step) > math.floor((index - 1) * step)

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._capture.release()


def _opencv() -> Any:
    # Decoders complain on stderr about every damaged packet.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        import cv2
    except ImportError:
        raise MissingExtraError("reading videos", "video") from None
    return cv2
