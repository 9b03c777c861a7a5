"""What the demo's clips are made of: a camera that looks at a photograph, and videos of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from movistream.demo.motion import CameraPath, FloatArray
from movistream.drawing.annotate import pillow_image
from movistream.drawing.video_writer import open_video_writer
from movistream.sources.frame import Picture

PHOTOGRAPH = Path(__file__).parent / "data" / "astronaut.jpg"
"""Eileen Collins by NASA, in the public domain; not part of what the models were trained on."""

FRAMES_PER_SECOND = 20

SIZE = 360
"""Pixels per side of a frame: text under it is legible without enlarging it."""

GRAIN = 3.0
"""Of a sensor by day, standard deviation in grey levels."""

SEED = 3

Levels: TypeAlias = npt.NDArray[np.int16]
"""Grey levels of RGB, int16 (360, 360, 3)."""

_SHUTTER_S = 0.012
_EXPOSURES = 2
_NOISES = 8


@dataclass(frozen=True, eq=False)
class Wall:
    """A photograph before a camera, mirrored at its edges as far as the camera sees.

    Attributes:
        image: the photograph with what is mirrored, one of Pillow's.
        pixels: of it across a frame at zoom 1.
        center: what a camera looks at in pose 0, (x, y) in pixels of the image.
    """

    image: Any
    pixels: float
    center: FloatArray


def wall_before(
    path: CameraPath, picture: Picture, pixels: float, middle: tuple[float, float]
) -> Wall:
    """A photograph that a camera goes over.

    Args:
        path: of the camera.
        picture: the photograph, uint8 RGB (height, width, 3).
        pixels: of it across a frame at zoom 1.
        middle: of it, (x, y) in its pixels, which the middle of the path is over.
    """
    height, width = picture.shape[:2]
    middle_pose = (path.poses.min(axis=0) + path.poses.max(axis=0))[:2] / 2
    far = np.abs(path.poses[:, :2] - middle_pose).max(axis=1)
    far += np.sqrt(0.5) / np.exp(path.poses[:, 2])
    x, y = middle
    near_edge = min(x, y, width - x, height - y)
    margin = max(0, int(np.ceil(far.max() * pixels - near_edge)) + 2)
    mirrored = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), "reflect")
    center = np.array(middle) + margin - middle_pose * pixels
    return Wall(pillow_image().fromarray(mirrored), pixels, center)


def taken(wall: Wall, path: CameraPath, time_s: float) -> Levels:
    """What falls on the camera's sensor at a time, while its shutter is open."""
    light = np.zeros((SIZE, SIZE, 3), np.int16)
    for part in range(_EXPOSURES):
        light += _exposed(wall, path.pose(time_s - _SHUTTER_S * part / _EXPOSURES))
    return light // _EXPOSURES


def grains(deviation: float) -> Iterator[Levels]:
    """A sensor's noise, frame by frame, without end.

    Args:
        deviation: its standard deviation, in grey levels.
    """
    generator = np.random.default_rng(SEED)
    noises = np.round(generator.normal(0, deviation, (_NOISES, SIZE, SIZE, 3))).astype(np.int16)
    # A grain that comes again every so many frames looks as one that never does.
    return (np.roll(noises[index % _NOISES], index * 7, axis=1) for index in count())


def write_clip(frames: Iterable[Picture], output: Path, progress: Callable[[float], None]) -> None:
    """Writes frames as a video, 20 per second.

    Args:
        progress: is told the time in the clip, in seconds, after each frame.

    Raises:
        OutputError: if the video cannot be written.
        MissingExtraError: if the packages that it needs are not installed.
    """
    with open_video_writer(output) as writer:
        for index, frame in enumerate(frames):
            writer.write(frame, index / FRAMES_PER_SECOND)
            progress(index / FRAMES_PER_SECOND)


def _exposed(wall: Wall, pose: FloatArray) -> Picture:
    x, y, log_zoom, angle = pose
    scale = wall.pixels / np.exp(log_zoom) / SIZE
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # From the frame's pixels, whose middle is the camera's axis, to those of the wall.
    start = wall.center + wall.pixels * np.array([x, y]) - turn @ np.array([SIZE / 2, SIZE / 2])
    matrix = (*turn[0], start[0], *turn[1], start[1])
    images = pillow_image()
    affine, bilinear = images.Transform.AFFINE, images.Resampling.BILINEAR
    return np.asarray(wall.image.transform((SIZE, SIZE), affine, matrix, bilinear))
