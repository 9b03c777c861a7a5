"""Video files, written frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from movistream.errors import OutputError
from movistream.sources.container import pyav
from movistream.sources.frame import Picture
from movistream.system.output import check_output, replaced_when_done

VIDEO_FORMATS = {".mkv": "matroska", ".mov": "mov", ".mp4": "mp4"}
"""By the end of a file's name."""

_TIME_BASE = Fraction(1, 1000)
"""Fine enough to see, and .mp4 files then hold days."""
_NOMINAL_RATE = 30
_CODECS = ("libx264", "libopenh264", "mpeg4")
_QUALITY = {"libx264": {"crf": "21", "preset": "veryfast"}, "mpeg4": {"qscale": "4"}}


class VideoWriter:
    """Takes pictures with their times."""

    def __init__(self, container: Any) -> None:
        """Use :func:`open_video_writer`."""
        self._container = container
        self._stream: Any = None
        self._last = -1

    def write(self, image: Picture, time_s: float) -> None:
        """Adds a picture, uint8 RGB (height, width, 3), shown from this time on.

        The first one's size, made even, is the video's; others are brought to it. A picture of a
        time that is not after the last one's is left out.
        """
        av = pyav()
        place = round(time_s / _TIME_BASE)
        if place <= self._last:
            return
        self._last = place
        if self._stream is None:
            self._stream = self._add_stream(image.shape[1] // 2 * 2, image.shape[0] // 2 * 2)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame = frame.reformat(self._stream.width, self._stream.height, "yuv420p")
        frame.pts, frame.time_base = place, _TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))

    def _add_stream(self, width: int, height: int) -> Any:
        known = pyav().codecs_available
        codec = next(codec for codec in _CODECS if codec in known)
        stream = self._container.add_stream(
            codec, rate=_NOMINAL_RATE, options=_QUALITY.get(codec, {})
        )
        stream.width, stream.height, stream.pix_fmt = max(2, width), max(2, height), "yuv420p"
        stream.codec_context.time_base = _TIME_BASE
        return stream


def check_video_output(path: Path) -> None:
    """Refuses a path that no video can be written to.

    Raises:
        OutputError: if the format is unknown, or see :func:`.system.output.check_output`.
    """
    if path.suffix.lower() not in VIDEO_FORMATS:
        raise OutputError(
            f"cannot write the video {path}: its name must end in {' or '.join(VIDEO_FORMATS)}"
        )
    check_output(path)


@contextmanager
def open_video_writer(path: Path) -> Iterator[VideoWriter]:
    """A writer of H.264 (or MPEG-4, where FFmpeg has nothing better); the file appears at the end.

    Raises:
        OutputError: if it cannot be written.
    """
    check_video_output(path)
    av = pyav()
    with replaced_when_done(path) as part:
        try:
            container = av.open(str(part), "w", format=VIDEO_FORMATS[path.suffix.lower()])
            with container:
                writer = VideoWriter(container)
                yield writer
                writer.finish()
        except av.FFmpegError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
