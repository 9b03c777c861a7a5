"""Examples as their videos have them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from movistream.sources import VideoFile, VideoFrame
from movistream_converters.quantise.videos import Part, part_frames
from movistream_training.examples import Example


@dataclass(frozen=True)
class Probed:
    """An example that can be decoded.

    Attributes:
        seconds: how long it is, as far as its video tells.
    """

    example: Example
    seconds: float


def probe(example: Example) -> Probed:
    """Decodes the first frame of an example.

    Raises:
        VideoError: if there is none.
    """
    with VideoFile(example.path) as video:
        _ = next(part_of_video(video, example, None, example.start_s)).image
        seconds = video.seconds
    end_s = math.inf if example.end_s is None else example.end_s
    if seconds is not None:
        end_s = min(end_s, seconds)
    return Probed(example, end_s - example.start_s if end_s < math.inf else 0.0)


def part_of_video(
    video: VideoFile, example: Example, rate: float | None, start_s: float
) -> Iterator[VideoFrame]:
    """Frames of an example.

    Args:
        video: the example's, just opened.
        rate: frames per second to take; None for all.
        start_s: where to begin, in seconds of the video.

    Raises:
        VideoError: if it has no frame from there on.
    """
    return part_frames(video, Part(example.path, start_s, example.end_s), rate)


def parts_of(examples: Iterable[Example]) -> tuple[Part, ...]:
    """Examples as a conversion takes videos."""
    return tuple(Part(example.path, example.start_s, example.end_s) for example in examples)
