"""Videos that a file is calibrated or judged on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from movistream.errors import VideoError
from movistream.manifest import ImageInput
from movistream.preprocess import Preprocessor
from movistream.video import VideoFile
from movistream_converters.errors import ConversionError
from movistream_converters.movinet import MovinetOptions

Frame = npt.NDArray[np.uint8]

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}
)


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
    """A video's first frames, uint8 (frames, height, width, 3), as the network sees them."""

    name: str
    frames: npt.NDArray[np.uint8]


def image_input(options: MovinetOptions) -> ImageInput:
    """What frames a network takes, as a float step's manifest says it."""
    size = options.image_size
    return ImageInput(
        tensor="image",
        shape=(1, size, size, 3),
        dtype="float32",
        frames_per_second=options.frames_per_second,
    )


def find_videos(path: Path) -> tuple[Path, ...]:
    """A video, or all videos in a folder and the folders in it, in the order of their names.

    Raises:
        ConversionError: if there is none.
    """
    if not path.exists():
        raise ConversionError(f"{path} does not exist; name a video, or a folder of videos")
    if not path.is_dir():
        return (path,)
    videos = (file for file in path.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
    found = tuple(sorted(file for file in videos if file.is_file()))
    if not found:
        raise ConversionError(
            f"the folder {path} holds no video ({', '.join(sorted(VIDEO_SUFFIXES))})"
        )
    return found


def read_frames(video: Path | Part, image: ImageInput) -> Iterator[Frame]:
    """A video's frames at the network's rate and size, uint8 (height, width, 3).

    A video that does not say its frame rate gives every frame.

    Raises:
        VideoError: if it cannot be read.
    """
    preprocess = Preprocessor(image)
    part = video if isinstance(video, Part) else Part(video)
    with VideoFile(part.path) as file:
        for frame in part_images(file, part, image.frames_per_second):
            yield seen_frame(preprocess, frame, image)


def part_images(file: VideoFile, part: Part, rate: float | None) -> Iterator[Frame]:
    """The frames of a part as they are, uint8 RGB.

    Args:
        file: the part's video, just opened.
        rate: frames per second to take; None for all. A video that does not say its frame rate
            gives every frame.

    Raises:
        VideoError: if there is none.
    """
    end_s = math.inf if part.end_s is None else part.end_s
    found = False
    if file.frames_per_second is None:
        rate = None
    for frame in file.frames(rate=rate, start_s=part.start_s):
        if frame.time_s >= end_s:
            break
        found = True
        yield frame.image
    if not found:
        raise VideoError(f"{part.path} holds no frame from {part.start_s:g} to {end_s:g} s")


def seen_frame(preprocess: Preprocessor, frame: Frame, image: ImageInput) -> Frame:
    """A frame as the runtime shows it to a network, as bytes."""
    values = preprocess(frame).reshape(image.height, image.width, 3)
    return np.asarray(np.round(values * np.float32(255)), np.uint8)


def read_clips(
    videos: tuple[Path | Part, ...],
    image: ImageInput,
    most_frames: int,
    on_clip: Callable[[], None] = lambda: None,
) -> tuple[Clip, ...]:
    """The first frames of each video, at most so many in all, shared out evenly."""
    clips = []
    share = max(1, most_frames // len(videos))
    for video in videos:
        frames = []
        for frame in read_frames(video, image):
            frames.append(frame)
            if len(frames) == share:
                break
        path = video.path if isinstance(video, Part) else video
        clips.append(Clip(path.name, np.stack(frames)))
        on_clip()
    return tuple(clips)
