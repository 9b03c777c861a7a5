"""The demo's clip: a camera that moves over a photograph by a known script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from movistream.demo.motion import STATIC, CameraPath, FloatArray, Segment, Shake, camera_path
from movistream.drawing.annotate import pillow_image
from movistream.drawing.video_writer import open_video_writer
from movistream.sources.frame import Picture
from movistream.sources.pictures import read_image

PHOTOGRAPH = Path(__file__).parent / "data" / "astronaut.jpg"
"""Eileen Collins by NASA, in the public domain; not part of what the model was trained on."""

FRAMES_PER_SECOND = 20

SCRIPT = (
    Segment(STATIC, 3.0),
    Segment("pan right", 3.0, 0.16),
    Segment("tilt up", 2.5, 0.15),
    Segment("zoom in", 3.0, 0.10),
    Segment("roll clockwise", 3.0, 0.13),
    Segment("pan left", 3.5, 0.18),
    Segment(STATIC, 2.5),
    Segment("tilt down", 3.0, 0.16),
    Segment("roll counter-clockwise", 3.0, 0.13),
    Segment("zoom out", 3.0, 0.10),
)
"""What the demo's camera does."""

_SIZE = 360
"""Pixels per side of a frame: text under it is legible without enlarging it."""
_VIEW = 0.5
_SHUTTER_S = 0.012
_EXPOSURES = 2
_NOISE = 3.0
_NOISES = 8
_SEED = 3


def demo_path() -> CameraPath:
    """The camera's path, with a little shake of the hand."""
    return camera_path(SCRIPT, Shake(0.012), np.random.default_rng(_SEED), ease_s=0.2)


def write_clip(path: CameraPath, output: Path, progress: Callable[[float], None]) -> None:
    """Renders what the camera takes, and writes it as a video.

    Args:
        progress: is told the time in the clip, in seconds, after each frame.

    Raises:
        OutputError: if the video cannot be written.
        MissingExtraError: if the packages that it needs are not installed.
    """
    with open_video_writer(output) as writer:
        for index, frame in enumerate(frames(path)):
            writer.write(frame, index / FRAMES_PER_SECOND)
            progress(index / FRAMES_PER_SECOND)


def frames(path: CameraPath) -> Iterator[Picture]:
    """What the camera takes, uint8 RGB (360, 360, 3), 20 frames per second."""
    images = pillow_image()
    picture = read_image(PHOTOGRAPH)
    height, width = picture.shape[:2]
    pixels = _VIEW * min(height, width)
    # The photograph's middle is where the path's is; beyond its edges, it is mirrored.
    middle = (path.poses.min(axis=0) + path.poses.max(axis=0))[:2] / 2
    margin = _margin(path, middle, pixels, min(height, width))
    wall = images.fromarray(
        np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), "reflect")
    )
    center = np.array([width / 2, height / 2]) + margin - middle * pixels
    generator = np.random.default_rng(_SEED)
    noises = np.round(generator.normal(0, _NOISE, (_NOISES, _SIZE, _SIZE, 3))).astype(np.int16)
    for index in range(round(path.ends_s[-1] * FRAMES_PER_SECOND)):
        light = np.zeros((_SIZE, _SIZE, 3), np.int16)
        for part in range(_EXPOSURES):
            time_s = index / FRAMES_PER_SECOND - _SHUTTER_S * part / _EXPOSURES
            light += _exposed(images, wall, path.pose(time_s), pixels, center)
        # A grain that comes again every so many frames looks as one that never does.
        grain = np.roll(noises[index % _NOISES], index * 7, axis=1)
        yield np.clip(light // _EXPOSURES + grain, 0, 255).astype(np.uint8)


def _exposed(
    images: Any, wall: Any, pose: FloatArray, pixels: float, center: FloatArray
) -> Picture:
    x, y, log_zoom, angle = pose
    scale = pixels / np.exp(log_zoom) / _SIZE
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # From the frame's pixels, whose middle is the camera's axis, to those of the wall.
    start = center + pixels * np.array([x, y]) - turn @ np.array([_SIZE / 2, _SIZE / 2])
    matrix = (*turn[0], start[0], *turn[1], start[1])
    affine, bilinear = images.Transform.AFFINE, images.Resampling.BILINEAR
    return np.asarray(wall.transform((_SIZE, _SIZE), affine, matrix, bilinear))


def _margin(path: CameraPath, middle: FloatArray, pixels: float, side: int) -> int:
    """Pixels that a camera sees at most beyond the edges of the picture."""
    far = np.abs(path.poses[:, :2] - middle).max(axis=1) + np.sqrt(0.5) / np.exp(path.poses[:, 2])
    return max(0, int(np.ceil(far.max() * pixels - side / 2)) + 2)
