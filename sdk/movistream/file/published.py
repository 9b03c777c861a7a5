"""Frame rates of the published MoViNet stream files, which do not say them.

The rates are those that the released weights were trained at. A network is told by its stream
buffers, whose frames and channels neither an image size nor a number of classes changes, nor
whether it has squeeze-excite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from movistream.file.manifest import State

_LEAST_BUFFERED_FRAMES = 2
"""A state of one frame is a pool or a clock."""
_BUFFER_AXES = 5


@dataclass(frozen=True)
class PublishedRate:
    """How often a published network sees a frame.

    Attributes:
        network: its name, for people.
        frames_per_second: that it was trained at.
    """

    network: str
    frames_per_second: float


Buffers = tuple[tuple[int, int, int], ...]
"""Of each kind of stream buffer: its frames, its channels, and how many there are; sorted."""

PUBLISHED: Mapping[Buffers, PublishedRate] = MappingProxyType(
    {
        ((2, 80, 3), (2, 112, 1), (2, 184, 4), (4, 184, 2), (4, 384, 1)): PublishedRate(
            "MoViNet-A0", 5.0
        ),
        (
            (2, 40, 1),
            (2, 96, 3),
            (2, 120, 1),
            (2, 128, 2),
            (2, 168, 1),
            (2, 216, 5),
            (2, 456, 1),
            (4, 216, 2),
            (4, 456, 1),
        ): PublishedRate("MoViNet-A1", 5.0),
        (
            (2, 40, 1),
            (2, 64, 1),
            (2, 96, 3),
            (2, 120, 2),
            (2, 160, 1),
            (2, 192, 1),
            (2, 240, 6),
            (2, 480, 1),
            (4, 240, 2),
            (4, 480, 1),
        ): PublishedRate("MoViNet-A2", 5.0),
        (
            (2, 40, 2),
            (2, 64, 1),
            (2, 112, 2),
            (2, 144, 3),
            (2, 152, 1),
            (2, 192, 1),
            (2, 240, 2),
            (2, 264, 6),
            (2, 560, 2),
            (4, 240, 1),
            (4, 264, 1),
            (4, 560, 1),
        ): PublishedRate("MoViNet-A3", 12.0),
        (
            (2, 64, 3),
            (2, 96, 2),
            (2, 136, 3),
            (2, 160, 2),
            (2, 168, 5),
            (2, 192, 2),
            (2, 256, 1),
            (2, 320, 11),
            (2, 640, 2),
            (2, 768, 1),
            (4, 320, 2),
            (4, 640, 1),
        ): PublishedRate("MoViNet-A4", 8.0),
        (
            (2, 64, 2),
            (2, 96, 2),
            (2, 152, 5),
            (2, 192, 5),
            (2, 224, 3),
            (2, 296, 2),
            (2, 376, 16),
            (2, 744, 4),
            (4, 192, 1),
            (4, 376, 2),
            (4, 744, 1),
        ): PublishedRate("MoViNet-A5", 12.0),
    }
)


def published_rate(states: Iterable[State]) -> PublishedRate | None:
    """The rate of a published network by its states; None if they are of another."""
    shapes = [state.shape for state in states if len(state.shape) == _BUFFER_AXES]
    counts = Counter((shape[1], shape[4]) for shape in shapes if shape[1] >= _LEAST_BUFFERED_FRAMES)
    buffers = tuple((frames, channels, n) for (frames, channels), n in sorted(counts.items()))
    return PUBLISHED.get(buffers)
