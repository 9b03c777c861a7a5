"""Frames out of files, cameras and network streams, by FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from movistream.errors import MissingExtraError
from movistream.sources.address import reason_of
from movistream.sources.decoding import DecodeOptions, decoder_settings
from movistream.sources.frame import Track, sane_rate
from movistream.sources.hardware import decoder_in, opened_with_help
from movistream.sources.packets import STANDING_ALONE
from movistream.sources.picking import Picking
from movistream.sources.planes import DecodedPicture, UndecodedPicture
from movistream.sources.selecting import Decoded, all_frames, picked_frames

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
        text = reason_of(cause)
        self.reason = _TIMEOUT_REASON if text == _TIMEOUT_TEXT else text
        self.kind = type(cause)
        super().__init__(self.reason)


class NoVideoTrackError(MediaError):
    """There is nothing to see in it, such as in a file of sound, or not the track that is asked."""


class Container:
    """Something opened by FFmpeg that holds at least one video stream.

    Attributes:
        frames_per_second: as it says; None if it does not.
        frame_count: as it says; None if it does not.
        seconds: how long it says it is; None if it does not, or has no end.
        has_end: it says how long it is, in seconds or in bytes.
        tracks: what videos it holds.
    """

    def __init__(
        self,
        address: str,
        *,
        format_name: str | None = None,
        options: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        decode: DecodeOptions | None = None,
    ) -> None:
        """Opens it.

        Args:
            address: a file, device or URL.
            format_name: FFmpeg's name of its format; by default recognised from its content.
            options: FFmpeg's, for the format.
            timeout_s: after which opening, or waiting for a packet, fails.
            decode: how frames are decoded; by default exactly, of any size.

        Raises:
            MediaError: if it cannot be opened.
        """
        av = pyav()
        self._decode = decode or DecodeOptions()
        opening = partial(
            av.open,
            address,
            format=format_name,
            options=dict(options or {}),
            timeout=None if timeout_s is None else (timeout_s, timeout_s),
        )
        failure: MediaError | None = None
        try:
            self._container: Any = opened_with_help(opening, self._decode.hardware)
        except (av.FFmpegError, OSError, ValueError) as error:
            failure = MediaError(error)
        if failure is not None:
            # Out here, where no error that holds the address becomes its context.
            raise failure
        videos = self._container.streams.video
        if len(videos) < self._decode.track:
            self._container.close()
            raise NoVideoTrackError(ValueError(_too_few(len(videos))))
        self._stream: Any = videos[self._decode.track - 1]
        if self._stream.codec_context is None:
            self._container.close()
            raise MediaError(ValueError("its codec is not known here"))
        for other in videos:
            # Of a list of streams of several sizes, the others need not be fetched.
            if other is not self._stream and hasattr(other, "discard"):
                other.discard = av.stream.Discard.all
        self._stream.thread_type = "AUTO"
        # 0 is FFmpeg's word for one per core. Each holds a frame, and makes live ones a frame late.
        self._stream.codec_context.thread_count = self._decode.threads or 0
        self._stream.codec_context.options = decoder_settings(
            self._stream.codec_context, self._decode
        )
        self._codec: Any = decoder_in(self._decode.hardware, self._stream.codec_context)
        self.tracks = tuple(_track(video) for video in videos if video.codec_context is not None)
        self.frames_per_second = _rate(self._stream)
        self._step_s = 1 / self.frames_per_second if self.frames_per_second else 1.0
        self.frame_count = self._stream.frames or None
        duration = self._container.duration
        self.seconds = None if not duration or duration < 0 else duration / av.time_base
        # Of a playlist, the size is that of the list.
        is_list = not _PLAYLISTS.isdisjoint(self._container.format.name.split(","))
        self.has_end = self.seconds is not None or (not is_list and self._container.size > 0)

    def frames(self) -> Iterator[Decoded]:
        """All frames, as they are decoded, with times from 0.

        Times that jump back, as in joined recordings, go on from the last one.

        Raises:
            MediaError: where it cannot be read or decoded on.
        """
        return _told(all_frames(self._packets(), self._codec, self._step_s))

    def pictures(self) -> Iterator[DecodedPicture | UndecodedPicture]:
        """All pictures as they come; those that stand alone are decoded by who looks at them.

        Raises:
            MediaError: where it cannot be read or decoded on.
        """
        codec = self._codec
        if codec.name not in STANDING_ALONE:
            return (DecodedPicture(decoded.frame) for decoded in self.frames())
        # So that a packet's picture is there at once.
        codec.thread_count = 1
        packets = self._packets()
        return _told(UndecodedPicture(codec, packet) for packet in packets if packet.size)

    def picked(self, picking: Picking) -> Iterator[Decoded]:
        """The frames of a recording that are picked; no more is decoded than these need.

        Raises:
            MediaError: where it cannot be read or decoded on.
        """
        return _told(
            picked_frames(
                self._packets(),
                self._codec,
                picking,
                self._step_s,
                references_only=self._decode.references_only,
            )
        )

    def _packets(self) -> Iterator[Any]:
        """Those of the video, but for one that the file's end cuts off, if its frame stands alone.

        What is not there of it would be whatever was in memory before.
        """
        stands_alone = self._codec.name in STANDING_ALONE
        return (
            packet
            for packet in self._container.demux(self._stream)
            if not (stands_alone and packet.is_corrupt)
        )

    def close(self) -> None:
        """Lets go of it; closing twice does nothing."""
        if self._container is not None:
            self._container.close()
        # The decoder's memory goes with the object, not with the file.
        self._container = self._stream = self._codec = None


def _too_few(tracks: int) -> str:
    """Why a track cannot be had."""
    if not tracks:
        return "it has no video track"
    return f"it has {tracks} video track{'s' if tracks > 1 else ''}"


def _track(stream: Any) -> Track:
    codec = stream.codec_context
    return Track(codec.name, codec.width, codec.height, _rate(stream))


def _rate(stream: Any) -> float | None:
    rate = stream.average_rate or stream.guessed_rate
    return sane_rate(None if rate is None else float(rate))


def _told(frames: Iterator[Any]) -> Iterator[Any]:
    """Frames, with FFmpeg's errors as those of this module."""
    failure: MediaError | None = None
    try:
        yield from frames
    except (pyav().FFmpegError, OSError, ValueError) as error:
        failure = MediaError(error)
    if failure is not None:
        # Out here, where no error that holds the address becomes its context.
        raise failure


def file_options() -> dict[str, str]:
    """What keeps an untrusted file from having other files or addresses opened."""
    formats = sorted(pyav().formats_available - _PLAYLISTS)
    return {"protocol_whitelist": "file", "format_whitelist": ",".join(formats)}
