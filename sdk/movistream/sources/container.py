"""Frames out of files, cameras and network streams, by FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from movistream.errors import MissingExtraError
from movistream.sources.frame import Picture, sane_rate

_PLAYLISTS = frozenset({"concat", "dash", "hls", "sdp", "webm_dash_manifest"})
"""Formats that are lists of other files and addresses: an untrusted file must not choose these."""


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


class Container:
    """Something opened by FFmpeg that holds at least one video stream.

    Attributes:
        frames_per_second: as it says; None if it does not.
        frame_count: as it says; None if it does not.
        seconds: how long it says it is; None if it does not, or has no end.
    """

    def __init__(
        self,
        address: str,
        *,
        format_name: str | None = None,
        options: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Opens it.

        Args:
            address: a file, device or URL.
            format_name: FFmpeg's name of its format; by default recognised from its content.
            options: FFmpeg's, for the format.
            timeout_s: after which opening, or waiting for a packet, fails.

        Raises:
            OSError, ValueError: if it cannot be opened, PyAV's own kinds of them.
        """
        av = pyav()
        timeout = None if timeout_s is None else (timeout_s, timeout_s)
        self._container: Any = av.open(
            address, format=format_name, options=dict(options or {}), timeout=timeout
        )
        videos = self._container.streams.video
        if not videos:
            self._container.close()
            raise ValueError("it holds no video")
        self._stream = videos[0]
        self._stream.thread_type = "AUTO"
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.frames_per_second = sane_rate(None if rate is None else float(rate))
        self.frame_count = self._stream.frames or None
        duration = self._container.duration
        self.seconds = None if not duration or duration < 0 else duration / av.time_base

    def frames(self) -> Iterator[tuple[float, Any]]:
        """The decoded frames, upright once :func:`picture` has made them, with times from 0.

        Raises:
            OSError, ValueError: where it cannot be read or decoded on.
        """
        start_s: float | None = None
        time_s, step_s = 0.0, 1 / self.frames_per_second if self.frames_per_second else 1.0
        for index, frame in enumerate(self._container.decode(self._stream)):
            if frame.is_corrupt:
                raise ValueError("the next frame is damaged")
            if frame.time is None:
                time_s += step_s if index else 0.0
            else:
                start_s = frame.time if start_s is None else start_s
                time_s = max(time_s, frame.time - start_s)
            yield time_s, frame

    def close(self) -> None:
        """Lets go of it."""
        self._container.close()


def picture(frame: Any) -> Picture:
    """A decoded frame as uint8 RGB (height, width, 3), turned as its metadata says."""
    image: Picture = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


def file_options() -> dict[str, str]:
    """What keeps an untrusted file from having other files or addresses opened."""
    formats = sorted(pyav().formats_available - _PLAYLISTS)
    return {"protocol_whitelist": "file", "format_whitelist": ",".join(formats)}
