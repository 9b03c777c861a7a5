"""What comes in now: cameras, and streams from the network that break and come back."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import partial

from movistream.errors import VideoError
from movistream.sources.address import is_unknown_host, public_name
from movistream.sources.cameras import CameraAddress, cameras_there
from movistream.sources.container import Container, MediaError
from movistream.sources.decoding import DecodeOptions
from movistream.sources.frame import Source, VideoFrame, logger

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
_LOW_LATENCY = {"flags": "low_delay", "analyzeduration": "500000"}
"""FFmpeg otherwise looks at five seconds, given in µs, before it gives anything."""

_NETWORK_PROTOCOLS = (
    "crypto,data,http,httpproxy,https,rtmp,rtmpe,rtmps,rtmpt,rtmpte,rtmpts,rtp,srt,srtp,tcp,tls,udp"
)
"""Of FFmpeg, beside those of formats such as rtsp; all but the ones that read files."""


class NoAnswerError(VideoError):
    """An address does not answer in time, or not with enough."""


class LiveSource(Source, ABC):
    """A source whose frames are timed by when they come, see :class:`.frame.Source`.

    :meth:`close` may be called while another thread waits for a frame: that thread then ends its
    iteration at the next frame, and frees what is left.
    """

    live = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = threading.Event()
        self._in_use = threading.Lock()

    def __iter__(self) -> Iterator[VideoFrame]:
        start_s: float | None = None
        with self._in_use:
            if self.closed.is_set():
                return
            try:
                for index, frame in enumerate(self._captured()):
                    assert frame.captured_s is not None
                    start_s = frame.captured_s if start_s is None else start_s
                    yield VideoFrame(
                        index,
                        frame.captured_s - start_s,
                        frame.decode,
                        frame.captured_s,
                        frame.interruption,
                    )
                    if self.closed.is_set():
                        return
            finally:
                if self.closed.is_set():
                    self._free()

    def interrupt(self) -> None:
        self.closed.set()

    def close(self) -> None:
        self.closed.set()
        if self._in_use.acquire(blocking=False):
            try:
                self._free()
            finally:
                self._in_use.release()

    @abstractmethod
    def _captured(self) -> Iterator[VideoFrame]:
        """Frames as they come; their index and time do not matter."""

    @abstractmethod
    def _free(self) -> None:
        """Lets go of the device or the connection."""


class Camera(LiveSource):
    """A camera of this machine, such as most USB cameras are."""

    def __init__(
        self,
        address: CameraAddress,
        *,
        size: tuple[int, int] | None = None,
        frames_per_second: float | None = None,
        timeout_s: float = 5.0,
        decode: DecodeOptions | None = None,
    ) -> None:
        """Opens a camera.

        Args:
            address: see :func:`.cameras.camera_address`.
            size: width and height to ask for; by default as the camera likes.
            frames_per_second: to ask for; by default as the camera likes.
            timeout_s: after which a camera that gives nothing is given up.
            decode: how frames are decoded.

        Raises:
            VideoError: if it is not there, or cannot be used.
        """
        super().__init__(address.name)
        device = address.name
        options = {}
        frames_per_second = frames_per_second or address.frames_per_second
        if size is not None:
            options["video_size"] = f"{size[0]}x{size[1]}"
        if frames_per_second is not None:
            options["framerate"] = f"{frames_per_second:g}"
        try:
            self._container = Container(
                address.device,
                format_name=address.format_name,
                options=options,
                timeout_s=timeout_s,
                decode=decode,
            )
        except MediaError as error:
            if issubclass(error.kind, FileNotFoundError):
                raise VideoError(f"there is no camera {device}{cameras_there()}") from None
            if issubclass(error.kind, PermissionError):
                raise VideoError(
                    f"no permission to use the camera {device}; may this user read it? On many"
                    " systems one has to be in the group 'video'"
                ) from None
            wanted = " ".join(f"{name} {value}" for name, value in options.items())
            raise VideoError(
                f"the camera {device} cannot be used{wanted and f' with {wanted}'}: {error.reason}"
            ) from None
        self.tracks = self._container.tracks
        self.frames_per_second = self._container.frames_per_second

    def _captured(self) -> Iterator[VideoFrame]:
        reason = "it sends nothing any more"
        try:
            for shown in self._container.pictures():
                yield VideoFrame(0, 0, shown, time.monotonic())
        except MediaError as error:
            reason = error.reason
        raise VideoError(f"the camera {self.name} gives no more frames: {reason}")

    def _free(self) -> None:
        self._container.close()


class NetworkStream(LiveSource):
    """A live stream by RTSP, HTTP or the like.

    When it breaks it is opened again, after a wait that doubles from 0.5 s up to 15 s. The first
    frame after that tells of it in :attr:`.frame.VideoFrame.interruption`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        give_up_after_s: float = 60.0,
        decode: DecodeOptions | None = None,
        redirects: bool = True,
        opened: Container | None = None,
    ) -> None:
        """Connects.

        Args:
            url: such as ``rtsp://user:password@camera/stream``.
            timeout_s: after which a connection that gives nothing counts as broken.
            give_up_after_s: without a picture for so long, it is given up.
            decode: how frames are decoded.
            redirects: follow a web server that says that the stream is elsewhere.
            opened: the first connection, if there is one already.

        Raises:
            VideoError: if it cannot be opened.
        """
        super().__init__(public_name(url))
        self._connect = partial(open_address, url, timeout_s, decode=decode, redirects=redirects)
        self._give_up_after_s = give_up_after_s
        self._container = self._connect() if opened is None else opened
        self.tracks = self._container.tracks
        self.frames_per_second = self._container.frames_per_second

    def _captured(self) -> Iterator[VideoFrame]:
        last_s = time.monotonic()
        interruption: str | None = None
        while True:
            reason = "it has ended"
            try:
                for shown in self._container.pictures():
                    last_s = time.monotonic()
                    yield VideoFrame(0, 0, shown, last_s, interruption)
                    interruption = None
            except MediaError as error:
                reason = error.reason
            self._container.close()
            attempts = self._reconnect(reason, last_s)
            if not attempts:
                return
            interruption = (
                f"connection lost ({reason}), back after {time.monotonic() - last_s:.1f} s and"
                f" {_attempts(attempts)}"
            )

    def _reconnect(self, reason: str, lost_at_s: float) -> int:
        """How many attempts it took; 0 if the source was closed meanwhile."""
        logger.warning("%s: connection lost (%s); connecting again", self.name, reason)
        attempts, wait_s = 0, FIRST_WAIT_S
        while not self.closed.wait(wait_s):
            if time.monotonic() - lost_at_s > self._give_up_after_s:
                raise VideoError(
                    f"{self.name} is given up {self._give_up_after_s:g} s after its last frame and"
                    f" {_attempts(attempts)}: {reason}"
                )
            attempts += 1
            try:
                self._container = self._connect()
            except VideoError as error:
                reason = str(error).removeprefix(f"{self.name} ")
            else:
                return attempts
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        return 0

    def _free(self) -> None:
        self._container.close()


def open_address(
    url: str, timeout_s: float, *, decode: DecodeOptions | None = None, redirects: bool = True
) -> Container:
    """Connects to an address, which may turn out to be a file with an end.

    What it sends can have other addresses opened, as playlists do, but no files of this machine.

    Raises:
        NoAnswerError: if it takes too long.
        VideoError: if it cannot be opened for another reason.
    """
    options = {**_LOW_LATENCY, "protocol_whitelist": _NETWORK_PROTOCOLS}
    if not redirects:
        options["max_redirects"] = "0"
    if url.lower().startswith("rtsp"):
        options["rtsp_transport"] = "tcp"
    began_s = time.monotonic()
    try:
        return Container(url, options=options, timeout_s=timeout_s, decode=decode)
    except MediaError as error:
        reason = error.reason
        if is_unknown_host(url):
            reason = "there is no host of this name, or no network"
        told = f"{public_name(url)} cannot be opened: {reason}"
        # FFmpeg may say of what was interrupted that it is invalid.
        if time.monotonic() - began_s >= timeout_s:
            raise NoAnswerError(told) from None
        raise VideoError(told) from None


def _attempts(number: int) -> str:
    return f"{number} attempt{'' if number == 1 else 's'}"
