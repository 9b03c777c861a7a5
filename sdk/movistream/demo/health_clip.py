"""The clip for camera health: a camera that watches a photograph, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from movistream.demo.clip import (
    FRAMES_PER_SECOND,
    GRAIN,
    PHOTOGRAPH,
    SEED,
    Wall,
    grains,
    taken,
    wall_before,
)
from movistream.demo.health import AFTERMATH_S, FROZEN, MOVED, NOISE, SCENE_CUT, Fault
from movistream.demo.health_effects import EFFECTS
from movistream.demo.motion import STATIC, CameraPath, Segment, Shake, camera_path
from movistream.sources.frame import Picture
from movistream.sources.pictures import read_image

_WIND = Shake(0.03)
_MOVED_BY = (0.36, 0.06, 0.0, 0.08)
"""x, y in widths, logarithm of the zoom, angle: where the camera is turned to."""

_VIEW = 0.58
_MIDDLE = (0.55, 0.4)
_OTHER_VIEW = 0.5
_OTHER_MIDDLE = (0.45, 0.68)
"""How much of the photograph is seen across a frame, and what is in the middle of the path; of the
camera, and of the one that the input is switched to."""

_HEAVY_GRAIN = 60.0
"""Noise of single pixels; of that, a network that sees small pictures sees two thirds."""


def frames(script: Sequence[Fault], seconds: float) -> Iterator[Picture]:
    """What the camera records, uint8 RGB (360, 360, 3), 20 frames per second.

    Args:
        script: what goes wrong, and when.
        seconds: how long it records.
    """
    path = camera_way(script, seconds)
    walls = _walls(path)
    frame: Picture | None = None
    times_s = np.arange(round(seconds * FRAMES_PER_SECOND)) / FRAMES_PER_SECOND
    for time_s, grain, noise in zip(  # noqa: B905  (grain has no end)
        map(float, times_s), grains(GRAIN), grains(_HEAVY_GRAIN)
    ):
        if frame is None or not _amount(script, FROZEN, time_s):
            switched = any(f.label == SCENE_CUT and time_s >= f.begin_s for f in script)
            light = taken(walls[switched], path, time_s).astype(np.float32)
            for label, effect in EFFECTS.items():
                if amount := _amount(script, label, time_s):
                    light = effect(light, amount, time_s)
            # What is too bright for the sensor is white, whatever it adds.
            light = np.clip(light, 0, 255) + grain + _amount(script, NOISE, time_s) * noise
            frame = np.clip(light, 0, 255).astype(np.uint8)
        yield frame


def camera_way(script: Sequence[Fault], seconds: float) -> CameraPath:
    """Where the camera is: it trembles a little in the wind, and stays where it is turned to."""
    path = camera_path([Segment(STATIC, seconds)], _WIND, np.random.default_rng(SEED))
    poses = path.poses
    for fault in script:
        if fault.label == MOVED:
            rest_s = fault.end_s - AFTERMATH_S
            done = np.clip((path.times_s - fault.begin_s) / (rest_s - fault.begin_s), 0, 1)
            poses = poses + (done * done * (3 - 2 * done))[:, None] * np.array(_MOVED_BY)
    return replace(path, poses=poses)


def _walls(path: CameraPath) -> tuple[Wall, Wall]:
    """What the camera sees, and what the one does that the input is switched to."""
    picture = read_image(PHOTOGRAPH)
    # Mirrored, with red and blue exchanged.
    other = picture[:, ::-1, ::-1]
    height, width = picture.shape[:2]
    side = min(height, width)
    return (
        wall_before(path, picture, _VIEW * side, (_MIDDLE[0] * width, _MIDDLE[1] * height)),
        wall_before(
            path,
            other,
            _OTHER_VIEW * side,
            (_OTHER_MIDDLE[0] * width, _OTHER_MIDDLE[1] * height),
        ),
    )


def _amount(script: Sequence[Fault], label: str, time_s: float) -> float:
    return max((f.amount(time_s) for f in script if f.label == label), default=0.0)
