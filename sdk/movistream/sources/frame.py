"""What every source of pictures gives, and what it says about itself."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
AnySource = TypeVar("AnySource", bound="Source")

logger = logging.getLogger("movistream.sources")
"""Says what happens to a source beside its frames: warnings only."""

_HIGHEST_RATE = 1000


@dataclass(frozen=True, eq=False, repr=False)
class VideoFrame:
    """One frame of a source.

    Attributes:
        index: in the source, from 0; frames that nobody looks at count too.
        time_s: since the source's start, in seconds; never less than that of the frame before.
        decode: makes the picture, see :attr:`image`.
        captured_s: when it came in, on the clock of :func:`time.monotonic`; None for frames that
            were recorded before.
        interruption: what happened between the frame before and this one; None if nothing did.
    """

    index: int
    time_s: float
    decode: Callable[[], Picture]
    captured_s: float | None = None
    interruption: str | None = None

    @cached_property
    def image(self) -> Picture:
        """uint8 RGB (height, width, 3), upright; made when it is asked for."""
        return self.decode()

    def __repr__(self) -> str:
        return f"<VideoFrame {self.index} at {self.time_s:.2f} s>"


class Source(ABC):
    """Where frames come from: an iterator of frames, once through, and a context manager.

    Attributes:
        name: for people; of an address no more than scheme, host and port.
        live: frames come when they come, and those not taken in time are lost.
        frames_per_second: as the source says; None if it does not.
        seconds: how long the source says that it is, which may be wrong; None if it does not, or
            has no end.
    """

    name: str
    live: bool = False
    frames_per_second: float | None = None
    seconds: float | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[VideoFrame]:
        """The frames from here on.

        Raises:
            VideoError: where no more frames can be had although there should be some.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'name', 'without a name')}>"

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Lets go of the file, the device or the connection."""

    def interrupt(self) -> None:  # noqa: B027 - most never wait for long
        """From any thread: lets an iteration that waits for a frame end soon."""

    def __enter__(self: AnySource) -> AnySource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def as_it_is(image: Picture) -> Picture:
    """A picture that needs no decoding; for :attr:`VideoFrame.decode`."""
    return image


def sane_rate(rate: float | None) -> float | None:
    """A frame rate, if it can be one."""
    return float(rate) if rate and math.isfinite(rate) and 0 < rate <= _HIGHEST_RATE else None
