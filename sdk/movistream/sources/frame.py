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

from movistream.sources.picking import Picking
from movistream.stream.parts import Parts, Shown

Picture = npt.NDArray[np.uint8]
AnySource = TypeVar("AnySource", bound="Source")

logger = logging.getLogger("movistream.sources")
"""Says what happens to a source beside its frames: warnings only."""

_HIGHEST_RATE = 1000


class Undecoded(ABC):
    """A picture of a live source that stands alone: nothing is lost if nobody has it decoded."""

    @abstractmethod
    def decoded(self) -> Callable[[], Picture]:
        """What gives the picture. Only the thread that reads the source may ask for it.

        Raises:
            VideoError: if it is damaged.
        """

    def __call__(self) -> Picture:
        """The picture."""
        return self.decoded()()


@dataclass(frozen=True, eq=False, repr=False)
class VideoFrame:
    """One frame of a source.

    Attributes:
        index: the number of the frame in the source, from 0. Frames that nobody looks at are
            counted too.
        time_s: the time since the source's start in seconds. It is never less than the time of the
            frame before.
        decode: the function that makes the picture when :attr:`image` is asked for. It may be
            :class:`Undecoded`, which nobody has decoded yet.
        captured_s: when the frame came in, on the clock of :func:`time.monotonic`. None for frames
            that were recorded before.
        interruption: what happened between the frame before and this one; None if nothing did.
    """

    index: int
    time_s: float
    decode: Callable[[], Picture]
    captured_s: float | None = None
    interruption: str | None = None

    @cached_property
    def image(self) -> Picture:
        """The picture, upright, uint8 RGB (height, width, 3). It is made when it is asked for."""
        return self.decode()

    @property
    def shown(self) -> Shown:
        """The picture for :meth:`.Stream.step`, which may take less of it than all.

        The result is that of :attr:`image`. Of a decoded frame, the rows and columns that a network
        samples become RGB, and nothing else does.
        """
        return self.decode if isinstance(self.decode, Parts) else self.image

    def __repr__(self) -> str:
        return f"<VideoFrame {self.index} at {self.time_s:.2f} s>"


@dataclass(frozen=True)
class Track:
    """One of the videos in a file, or of what a camera or an address sends.

    Attributes:
        codec: FFmpeg's name of it.
        width: in pixels, and so is the height.
        frames_per_second: as it says; None if it does not.
    """

    codec: str
    width: int
    height: int
    frames_per_second: float | None


class Source(ABC):
    """Where frames come from. A source can be iterated over once, and is a context manager.

    Attributes:
        name: the name of the source for people. Of an address it has scheme, host and port only.
        live: whether frames come when they come, so that those not taken in time are lost.
        frames_per_second: the frame rate that the source states; None if it states none.
        seconds: the length that the source states, which may be wrong. None if it states none, or
            has no end.
        tracks: the videos that there are, of which the source is one; empty where nothing is coded.
    """

    name: str
    live: bool = False
    frames_per_second: float | None = None
    seconds: float | None = None
    tracks: tuple[Track, ...] = ()

    @abstractmethod
    def __iter__(self) -> Iterator[VideoFrame]:
        """Gives the frames from here on.

        Raises:
            VideoError: where no more frames can be had although there should be some.
        """

    def picked(self, picking: Picking) -> Iterator[VideoFrame]:
        """Gives the frames from here on that are picked, in order.

        Sources that know when frames are shown before they decode them save what nobody sees.

        Raises:
            VideoError: as iterating does.
        """
        return (frame for frame, picked in picking(self) if picked)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'name', 'without a name')}>"

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Lets go of the file, the device or the connection."""

    def interrupt(self) -> None:  # noqa: B027 - most never wait for long
        """Lets an iteration that waits for a frame end soon. Any thread may call it."""

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
