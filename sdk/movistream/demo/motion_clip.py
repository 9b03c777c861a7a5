"""The clip for camera motion: a camera that moves over a photograph by a known script."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from movistream.demo.clip import (
    FRAMES_PER_SECOND,
    GRAIN,
    PHOTOGRAPH,
    SEED,
    grains,
    taken,
    wall_before,
)
from movistream.demo.motion import STATIC, CameraPath, Segment, Shake, camera_path
from movistream.sources.frame import Picture
from movistream.sources.pictures import read_image

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

_VIEW = 0.5
"""Of the photograph, across a frame."""


def demo_path() -> CameraPath:
    """The camera's path, with a little shake of the hand."""
    return camera_path(SCRIPT, Shake(0.012), np.random.default_rng(SEED), ease_s=0.2)


def frames(path: CameraPath) -> Iterator[Picture]:
    """What the camera takes, uint8 RGB (360, 360, 3), 20 frames per second."""
    picture = read_image(PHOTOGRAPH)
    height, width = picture.shape[:2]
    wall = wall_before(path, picture, _VIEW * min(height, width), (width / 2, height / 2))
    times_s = np.arange(round(path.ends_s[-1] * FRAMES_PER_SECOND)) / FRAMES_PER_SECOND
    for time_s, grain in zip(times_s, grains(GRAIN)):  # noqa: B905  (grain has no end)
        yield np.clip(taken(wall, path, float(time_s)) + grain, 0, 255).astype(np.uint8)
