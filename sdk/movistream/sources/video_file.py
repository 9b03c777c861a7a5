"""Video files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from movistream.errors import VideoError
from movistream.sources.address import public_name
from movistream.sources.container import (
    Container,
    MediaError,
    NoVideoTrackError,
    file_options,
    picture,
)
from movistream.sources.frame import Source, VideoFrame, logger
from movistream.system.content import head_of, looks_like
from movistream.system.text import printable

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}
)

_MISSING_SHARE = 0.02
_FEW_FRAMES = 2


class VideoFile(Source):
    """A recorded video, see :class:`.frame.Source`.

    Times are those in the file, so a variable frame rate stays what it is; the picture is turned
    as the file says.
    """

    def __init__(
        self, path: Path, *, name: str | None = None, most_pixels: int | None = None
    ) -> None:
        """Opens a video.

        Args:
            name: for people; by default the path.
            most_pixels: larger frames count as damage; None for any.

        Raises:
            VideoError: if it cannot be opened.
            MissingExtraError: if the packages for videos are not installed.
        """
        shown = public_name(path)
        if path.is_dir():
            raise VideoError(f"{shown} is a folder, not a video file")
        if not path.is_file():
            kind = "is not a file" if path.exists() else "does not exist"
            raise VideoError(f"the video {shown} {kind}")
        try:
            container = Container(f"file:{path}", options=file_options(), most_pixels=most_pixels)
        except MediaError as error:
            if issubclass(error.kind, PermissionError):
                raise VideoError(f"no permission to read the video {shown}") from None
            raise VideoError(_refusal(shown, path, error)) from None
        self._take(container, name or shown)

    def _take(self, container: Container, name: str) -> None:
        self.name = name
        self._container = container
        self.frames_per_second = container.frames_per_second
        self.seconds = container.seconds

    def __iter__(self) -> Iterator[VideoFrame]:
        index, time_s = -1, 0.0
        try:
            for index, (time_s, frame) in enumerate(self._container.frames()):
                yield VideoFrame(index, time_s, partial(picture, frame))
        except MediaError:
            if index >= 0:
                raise VideoError(
                    f"{self.name} is damaged after frame {index} ({time_s:.2f} s)"
                ) from None
        if index < 0:
            raise VideoError(f"{self.name} holds no frame that can be decoded")
        self._warn_of_missing_frames(index + 1, time_s)

    def _warn_of_missing_frames(self, found: int, last_s: float) -> None:
        expected, rate = self._container.frame_count, self.frames_per_second
        if not expected or expected - found <= max(_FEW_FRAMES, _MISSING_SHARE * expected):
            return
        # Some formats count pauses as frames: nothing is missing where the last one comes late.
        if rate is None or last_s < (1 - _MISSING_SHARE) * expected / rate - _FEW_FRAMES / rate:
            logger.warning(
                "%s says that it has %d frames, but only %d could be read: it may be damaged or"
                " cut off",
                printable(self.name),
                expected,
                found,
            )

    def close(self) -> None:
        self._container.close()


def _refusal(shown: str, path: Path, error: MediaError) -> str:
    """Why a file cannot be opened."""
    kind = looks_like(head_of(path))
    if kind == "empty":
        return f"{shown} is empty"
    if isinstance(error, NoVideoTrackError):
        return f"{shown} has no video track"
    if kind is not None and not kind.endswith(("video", "like")):
        return f"{shown} is no video, but {kind}"
    return f"{shown} cannot be opened as a video: it is damaged or of another type"


def find_videos(folder: Path) -> tuple[Path, ...]:
    """All videos in a folder and the folders in it, in the order of their names.

    Raises:
        VideoError: if there is none.
    """
    videos = (file for file in folder.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
    found = tuple(sorted(file for file in videos if file.is_file()))
    if not found:
        raise VideoError(
            f"the folder {folder} holds no video ({', '.join(sorted(VIDEO_SUFFIXES))})"
        )
    return found
