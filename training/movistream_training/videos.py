"""Examples as their videos have them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream.sources import VideoFile
from movistream_converters.quantise.videos import Part, part_images
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
        next(part_of_video(video, example, None, example.start_s))
        seconds = video.seconds
    end_s = math.inf if example.end_s is None else example.end_s
    if seconds is not None:
        end_s = min(end_s, seconds)
    return Probed(example, end_s - example.start_s if end_s < math.inf else 0.0)


def part_of_video(
    video: VideoFile, example: Example, rate: float | None, start_s: float
) -> Iterator[npt.NDArray[np.uint8]]:
    """Frames of an example, uint8 RGB.

    Args:
        video: the example's, just opened.
        rate: frames per second to take; None for all.
        start_s: where to begin, in seconds of the video.

    Raises:
        VideoError: if it has no frame from there on.
    """
    return part_images(video, Part(example.path, start_s, example.end_s), rate)


def parts_of(examples: Iterable[Example]) -> tuple[Part, ...]:
    """Examples as a conversion takes videos."""
    return tuple(Part(example.path, example.start_s, example.end_s) for example in examples)
