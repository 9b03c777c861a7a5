"""How much of a video its decoder is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from movistream.errors import VideoError
from movistream.sources.hardware import HARDWARE, Hardware

Quality = Literal["exact", "fast"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)

_MOST_HALVINGS = 3
_SCALED_BY_DECODER = frozenset({"mjpeg"})


@dataclass(frozen=True)
class DecodeOptions:
    """How frames are decoded.

    Attributes:
        quality: ``exact`` gives every pixel as the video's maker meant it. ``fast`` takes the
            nearest frame that others refer to, leaves block edges of frames that no other refers
            to as they are, and decodes MJPEG at a half, a quarter or an eighth of its size where
            that is enough for the network.
        seen_size: height and width in pixels that a frame must have at least; None if nobody has
            said, or if all pixels are wanted.
        threads: the number of threads that decode a source. None for as many as the model that
            watches it has, or its part of them where several are watched; of a source that is only
            read, one per core.
        most_pixels: larger frames are not decoded, which fails; None for any.
        hardware: what decodes in place of the CPU, if it is there and can; a warning says if not.
            The frames are the same.
        track: which of several videos in one file or address, from 1.
    """

    quality: Quality = "exact"
    seen_size: tuple[int, int] | None = None
    threads: int | None = None
    most_pixels: int | None = None
    hardware: Hardware | None = None
    track: int = 1

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise VideoError(f"videos are decoded {' or '.join(QUALITIES)}, not {self.quality!r}")
        if self.threads is not None and self.threads < 1:
            raise VideoError(f"videos are decoded by one thread or more, not {self.threads}")
        if self.hardware is not None and self.hardware not in HARDWARE:
            raise VideoError(f"hardware is {', '.join(HARDWARE)}, not {self.hardware!r}")
        if self.track < 1:
            raise VideoError(f"video tracks are counted from 1, so there is none {self.track}")

    @property
    def references_only(self) -> bool:
        """Whether only frames are picked that others refer to."""
        return self.quality == "fast"


def decoder_settings(codec: Any, options: DecodeOptions) -> dict[str, str]:
    """FFmpeg's options for a decoder (PyAV's context) that has not begun."""
    settings: dict[str, str] = {}
    if options.most_pixels is not None:
        settings["max_pixels"] = str(options.most_pixels)
    if options.quality == "fast":
        settings["skip_loop_filter"] = "noref"
        if codec.name in _SCALED_BY_DECODER and options.seen_size is not None:
            settings["lowres"] = str(_halvings((codec.height, codec.width), options.seen_size))
    return settings


def _halvings(size: tuple[int, int], seen_size: tuple[int, int]) -> int:
    """How often a frame can be halved and still has what is seen of it."""
    least = min(side / seen for side, seen in zip(size, seen_size, strict=True))
    return sum(least >= 2**times for times in range(1, _MOST_HALVINGS + 1))
