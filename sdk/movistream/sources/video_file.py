"""Video files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from movistream.errors import VideoError
from movistream.sources.address import public_name
from movistream.sources.container import (
    Container,
    MediaError,
    NoVideoTrackError,
    file_options,
)
from movistream.sources.decoding import DecodeOptions
from movistream.sources.frame import Source, VideoFrame, logger
from movistream.sources.picking import AnyTimed, Picking, one_in
from movistream.sources.planes import DecodedPicture
from movistream.sources.selecting import Decoded
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
        self, path: Path, *, name: str | None = None, decode: DecodeOptions | None = None
    ) -> None:
        """Opens a video.

        Args:
            name: for people; by default the path.
            decode: how frames are decoded; those that are too large count as damage.

        Raises:
            VideoError: if it cannot be opened.
            MissingExtraError: if the packages for videos are not installed.
        """
        shown = name or public_name(path)
        if path.is_dir():
            raise VideoError(f"{shown} is a folder, not a video file")
        if not path.is_file():
            kind = "is not a file" if path.exists() else "does not exist"
            raise VideoError(f"the video {shown} {kind}")
        try:
            container = Container(f"file:{path}", options=file_options(), decode=decode)
        except MediaError as error:
            if issubclass(error.kind, PermissionError):
                raise VideoError(f"no permission to read the video {shown}") from None
            raise VideoError(_refusal(shown, path, error)) from None
        self._take(container, shown)

    def _take(self, container: Container, name: str) -> None:
        self.name = name
        self._container = container
        self.tracks = container.tracks
        self.frames_per_second = container.frames_per_second
        self.seconds = container.seconds

    def __iter__(self) -> Iterator[VideoFrame]:
        return self._frames(None)

    def picked(self, picking: Picking) -> Iterator[VideoFrame]:
        """See :meth:`.frame.Source.picked`; the pictures are those of a whole decoding."""
        return self._frames(picking)

    def _frames(self, picking: Picking | None) -> Iterator[VideoFrame]:
        """The frames that are picked; all, if there is no way to pick them."""
        decoded: Iterator[Decoded]
        if picking is None:
            tally = _Tally(one_in(1))
            decoded = (frame for frame, _ in tally(self._container.frames()))
        else:
            tally = _Tally(picking)
            decoded = self._container.picked(tally)
        last: Decoded | None = None
        try:
            for last in decoded:
                yield VideoFrame(last.index, last.time_s, DecodedPicture(last.frame))
        except MediaError:
            if last is not None:
                raise VideoError(
                    f"{self.name} is damaged after frame {last.index} ({last.time_s:.2f} s)"
                ) from None
            tally.count = 0
        if not tally.count:
            raise VideoError(f"{self.name} holds no frame that can be decoded")
        self._warn_of_missing_frames(tally.count, tally.last_s)

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


class _Tally:
    """A way to pick frames that counts them.

    Attributes:
        count: frames that there were, picked or not.
        last_s: the time of the last one.
    """

    def __init__(self, picking: Picking) -> None:
        self._picking = picking
        self.count = 0
        self.last_s = 0.0

    def __call__(self, frames: Iterable[AnyTimed], /) -> Iterator[tuple[AnyTimed, bool]]:
        for frame, picked in self._picking(frames):
            self.count, self.last_s = self.count + 1, frame.time_s
            yield frame, picked


def _refusal(shown: str, path: Path, error: MediaError) -> str:
    """Why a file cannot be opened."""
    kind = looks_like(head_of(path))
    if kind == "empty":
        return f"{shown} is empty"
    if isinstance(error, NoVideoTrackError):
        return f"{shown} {error.reason.removeprefix('it ')}"
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
