"""What others may ask of the server, and how they are told that it is too much."""

from __future__ import annotations

from dataclasses import dataclass

from movistream.errors import MovistreamError
from movistream.serve.schema import SourceKind


@dataclass(frozen=True)
class Limits:
    """What others may ask of the server.

    Attributes:
        upload_bytes: a file that somebody sends has at most this size.
        upload_window_s: an upload is dropped when less than ``upload_window_bytes`` came in it.
        upload_window_bytes: so many bytes have to come in each window.
        uploads: there are at most so many feeds of sent videos and of browsers' cameras, together;
            the oldest that is over makes room.
        clients: at most so many connections watch, all feeds together.
        sources: there are at most so many sources that somebody has added; the oldest that is over
            makes room.
        allowed_sources: sources of these kinds may be added.
        lookup_s: how long it may take to find out where the name of a host leads.
        video_pixels: a frame that was sent or added has at most so many pixels.
        unshown_s: who has not acknowledged a picture for so long does not read, and is dropped.
    """

    upload_bytes: int = 200 * 1024**2
    upload_window_s: float = 10.0
    upload_window_bytes: int = 160_000
    uploads: int = 4
    sources: int = 8
    allowed_sources: tuple[SourceKind, ...] = ("network",)
    lookup_s: float = 5.0
    clients: int = 100
    video_pixels: int = 3840 * 2160
    unshown_s: float = 20.0


class TooManyError(MovistreamError):
    """A limit is reached."""


class NotAllowedError(MovistreamError):
    """Whoever runs the server has not allowed it."""


class NoFeedError(MovistreamError):
    """There is no such feed."""

    def __init__(self) -> None:
        super().__init__("there is no such feed")
