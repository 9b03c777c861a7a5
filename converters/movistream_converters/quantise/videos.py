"""Videos that a file is calibrated or judged on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from movistream.errors import VideoError
from movistream.file.manifest import ImageInput
from movistream.sources import VideoFile, VideoFrame, find_videos
from movistream.sources.picking import at_rate, from_time, one_in
from movistream.stream.parts import Shown
from movistream.stream.preprocess import Preprocessor
from movistream_converters.errors import ConversionError
from movistream_converters.ir.layers import Image
from movistream_converters.ir.network import Network, node_shapes
from movistream_converters.tflite.image_input import float_image

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """Some of a video.

    Attributes:
        path: of the video.
        start_s: where the part begins, in seconds.
        end_s: where it ends; None: with the video.
    """

    path: Path
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True)
class Clip:
    """A video's first frames, uint8 (frames, height, width, channels), of the network's size."""

    name: str
    frames: npt.NDArray[np.uint8]


def image_input(network: Network, frames_per_second: float | None) -> ImageInput:
    """What frames a network takes: of this size, channels and rate, in [0, 1].

    Args:
        frames_per_second: at which it was trained to see them; None if unknown.
    """
    shape = node_shapes(network)[network.nodes[0].name]
    image = float_image(Image(shape[2]), (1, *shape))
    return replace(image, frames_per_second=frames_per_second)


def videos_at(path: Path) -> tuple[Path, ...]:
    """A video, or all videos in a folder and the folders in it, in the order of their names.

    Raises:
        ConversionError: if there is nothing.
        VideoError: if a folder holds no video.
    """
    if not path.exists():
        raise ConversionError(f"{path} does not exist; name a video, or a folder of videos")
    return find_videos(path) if path.is_dir() else (path,)


def decodable(
    videos: tuple[Path | Part, ...],
) -> tuple[tuple[Path | Part, ...], tuple[str, ...]]:
    """The videos that show a first frame, and what is wrong with each of the others.

    Raises:
        VideoError: if none does: what is wrong with the first.
    """
    good: list[Path | Part] = []
    wrong: list[VideoError] = []
    for video in videos:
        part = video if isinstance(video, Part) else Part(video)
        try:
            with VideoFile(part.path) as file:
                _ = next(part_frames(file, part, None)).image
        except VideoError as error:
            wrong.append(error)
        else:
            good.append(video)
    if wrong and not good:
        raise wrong[0]
    return tuple(good), tuple(map(str, wrong))


def read_frames(video: Path | Part, image: ImageInput) -> Iterator[Frame]:
    """A video's frames at the network's rate and size, uint8 (height, width, channels).

    A video that does not say its frame rate gives every frame.

    Raises:
        VideoError: if it cannot be read.
        ConversionError: if the network takes other frames than RGB and grey.
    """
    if image.channels not in (1, 3):
        raise ConversionError(
            f"the network takes frames of {image.channels} channels, and videos have red, green and"
            " blue; a precision that needs no videos can do without"
        )
    preprocess = Preprocessor(image)
    part = video if isinstance(video, Part) else Part(video)
    with VideoFile(part.path) as file:
        for frame in part_frames(file, part, image.frames_per_second):
            yield seen_frame(preprocess, frame.shown, image)


def part_frames(file: VideoFile, part: Part, rate: float | None) -> Iterator[VideoFrame]:
    """The frames of a part.

    Args:
        file: the part's video, just opened.
        rate: frames per second to take; None for all. A video that does not say its frame rate
            gives every frame.

    Raises:
        VideoError: if there is none.
    """
    end_s = math.inf if part.end_s is None else part.end_s
    found = False
    picking = one_in(1)
    if rate is not None and file.frames_per_second is not None:
        picking = at_rate(rate)
    for frame in file.picked(from_time(picking, part.start_s)):
        if frame.time_s >= end_s:
            break
        found = True
        yield frame
    if not found:
        raise VideoError(f"{part.path} holds no frame from {part.start_s:g} to {end_s:g} s")


def seen_frame(preprocess: Preprocessor, frame: Shown, image: ImageInput) -> Frame:
    """A frame as the runtime brings it to a network's size and channels, as bytes."""
    values = preprocess(frame).reshape(image.height, image.width, image.channels)
    return np.asarray(np.round(values * np.float32(255)), np.uint8)


def lasting(frames: Iterable[Frame], least: int) -> Iterator[Frame]:
    """The frames; where they are too few, backwards and forwards again until they are not.

    So short videos show something to a network that says nothing at first.
    """
    kept: list[Frame] = []
    for frame in frames:
        if len(kept) < least:
            kept.append(frame)
        yield frame
    there_and_back = [*kept, *kept[-2:0:-1]]
    for place in range(len(kept), least if kept else 0):
        yield there_and_back[place % len(there_and_back)]


LEAST_JUDGED_FRAMES = 8
"""Of a video, where it has so many."""


def read_clips(
    videos: tuple[Path | Part, ...],
    image: ImageInput,
    most_frames: int,
    on_clip: Callable[[], None] = lambda: None,
    least_frames: int = 1,
) -> tuple[Clip, ...]:
    """The first frames of each video, at most so many in all, shared out evenly.

    Where that would be fewer than :data:`LEAST_JUDGED_FRAMES` of each, in which a stream has hardly
    begun, some videos are left out, evenly too.

    Args:
        least_frames: of each clip, see :func:`lasting`.
    """
    clips = []
    least = max(min(LEAST_JUDGED_FRAMES, most_frames), least_frames)
    share = max(most_frames // len(videos), least)
    count = min(len(videos), max(1, most_frames // share))
    for video in (videos[i * len(videos) // count] for i in range(count)):
        frames = []
        for frame in lasting(read_frames(video, image), least_frames):
            frames.append(frame)
            if len(frames) == share:
                break
        path = video.path if isinstance(video, Part) else video
        clips.append(Clip(path.name, np.stack(frames)))
        on_clip()
    return tuple(clips)
