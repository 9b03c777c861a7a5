"""Frames out of files, cameras and network streams, by FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from movistream.errors import MissingExtraError, VideoError
from movistream.sources.address import without_addresses
from movistream.sources.frame import Picture, sane_rate

_PLAYLISTS = frozenset({"concat", "dash", "hls", "sdp", "webm_dash_manifest"})
"""Formats that are lists of other files and addresses: an untrusted file must not choose these."""

_TIMEOUT_TEXT = "Immediate exit requested"
_TIMEOUT_REASON = "it does not answer in time"


def pyav() -> Any:
    """PyAV.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingExtraError("reading videos", "video") from None
    return av


class MediaError(Exception):
    """Something cannot be opened, read or decoded.

    Attributes:
        reason: without the address, which may hold a password.
        kind: of the error below it, which is not kept: it holds the address.
    """

    def __init__(self, cause: Exception) -> None:
        """What went wrong in PyAV, or here."""
        text = without_addresses(str(getattr(cause, "strerror", None) or cause))
        self.reason = _TIMEOUT_REASON if text == _TIMEOUT_TEXT else text
        self.kind = type(cause)
        super().__init__(self.reason)


class NoVideoTrackError(MediaError):
    """There is nothing to see in it, such as in a file of sound."""


class Container:
    """Something opened by FFmpeg that holds at least one video stream.

    Attributes:
        frames_per_second: as it says; None if it does not.
        frame_count: as it says; None if it does not.
        seconds: how long it says it is; None if it does not, or has no end.
        has_end: it says how long it is, in seconds or in bytes.
    """

    def __init__(
        self,
        address: str,
        *,
        format_name: str | None = None,
        options: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        most_pixels: int | None = None,
    ) -> None:
        """Opens it.

        Args:
            address: a file, device or URL.
            format_name: FFmpeg's name of its format; by default recognised from its content.
            options: FFmpeg's, for the format.
            timeout_s: after which opening, or waiting for a packet, fails.
            most_pixels: larger frames are not decoded, which fails; None for any.

        Raises:
            MediaError: if it cannot be opened.
        """
        av = pyav()
        timeout = None if timeout_s is None else (timeout_s, timeout_s)
        failure: MediaError | None = None
        try:
            self._container: Any = av.open(
                address, format=format_name, options=dict(options or {}), timeout=timeout
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            failure = MediaError(error)
        if failure is not None:
            # Out here, where no error that holds the address becomes its context.
            raise failure
        videos = self._container.streams.video
        if not videos:
            self._container.close()
            raise NoVideoTrackError(ValueError("it has no video track"))
        self._stream: Any = videos[0]
        if self._stream.codec_context is None:
            self._container.close()
            raise MediaError(ValueError("its codec is not known here"))
        self._stream.thread_type = "AUTO"
        if most_pixels is not None:
            self._stream.codec_context.options = {"max_pixels": str(most_pixels)}
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.frames_per_second = sane_rate(None if rate is None else float(rate))
        self.frame_count = self._stream.frames or None
        duration = self._container.duration
        self.seconds = None if not duration or duration < 0 else duration / av.time_base
        # Of a playlist, the size is that of the list.
        is_list = not _PLAYLISTS.isdisjoint(self._container.format.name.split(","))
        self.has_end = self.seconds is not None or (not is_list and self._container.size > 0)

    def frames(self) -> Iterator[tuple[float, Any]]:
        """The decoded frames, for :func:`picture`, with times from 0.

        Times that jump back, as in joined recordings, go on from the last one.

        Raises:
            MediaError: where it cannot be read or decoded on.
        """
        av = pyav()
        failure: MediaError | None = None
        start_s: float | None = None
        time_s, step_s = 0.0, 1 / self.frames_per_second if self.frames_per_second else 1.0
        try:
            for index, frame in enumerate(self._container.decode(self._stream)):
                if frame.is_corrupt:
                    raise MediaError(ValueError("the next frame is damaged"))
                own_s = frame.time
                if own_s is not None and start_s is None:
                    start_s = own_s
                if own_s is None or start_s is None:
                    time_s += step_s if index else 0.0
                else:
                    if own_s - start_s < time_s:
                        start_s = own_s - time_s - step_s
                    time_s = own_s - start_s
                yield time_s, frame
        except (av.FFmpegError, OSError, ValueError) as error:
            failure = MediaError(error)
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Lets go of it; closing twice does nothing."""
        if self._container is not None:
            self._container.close()
        # The decoder's memory goes with the object, not with the file.
        self._container = self._stream = None


def picture(frame: Any) -> Picture:
    """A decoded frame as uint8 RGB (height, width, 3), turned as its metadata says.

    Raises:
        VideoError: if its pixels are of a kind that cannot become RGB.
    """
    try:
        image: Picture = frame.to_ndarray(format="rgb24")
    except (pyav().FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"a frame cannot become RGB: {MediaError(error)}") from None
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


def file_options() -> dict[str, str]:
    """What keeps an untrusted file from having other files or addresses opened."""
    formats = sorted(pyav().formats_available - _PLAYLISTS)
    return {"protocol_whitelist": "file", "format_whitelist": ",".join(formats)}
