"""When streams forget: gaps, intervals, and cuts to other scenes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.sources.frame import VideoFrame
from movistream.watch.resets import ResetOptions, ResetPolicy, SceneCutDetector

Bytes = npt.NDArray[np.uint8]
Rectangle = tuple[int, int, int, int, int, int, int]
"""Left, top, width and height in pixels; brightness, U and V. Colours take even ones."""

_TIMES: dict[str, list[float]] = {
    "evenly": [index / 10 for index in range(40)],
    "a gap of a second and more": [0, 0.5, 1.5, 2.6, 3.0, 4.0, 5.1],
    "ten minutes": [0, 0.1, 0.2, 600.2, 600.3],
    "late at first": [5.0, 5.5, 6.0, 6.5, 7.1, 8.0, 8.1],
    "again and again": [0, 2.5, 5.0, 5.1, 9.0],
}


def policies() -> list[dict[str, Any]]:
    """Reasons, frame by frame; null to go on. No gap and no interval is 0."""
    cases = []
    for about, times in _TIMES.items():
        for gap_s, every_s in ((1.0, None), (None, 1.0), (1.0, 2.0), (2.0, 0.5), (None, None)):
            policy = ResetPolicy(ResetOptions(gap_s=gap_s, every_s=every_s))
            reasons = [policy.reason(VideoFrame(0, time_s, _nothing)) for time_s in times]
            case = {"about": about, "gap_s": gap_s or 0, "every_s": every_s or 0}
            cases.append({**case, "times_s": times, "reasons": reasons})
    return cases


def _nothing() -> Bytes:
    raise AssertionError("no picture is needed for gaps")


def _scene(seed: int, width: int, height: int) -> list[Rectangle]:
    """A background, and rectangles on it."""
    random = np.random.default_rng(seed)

    def colours() -> tuple[int, int, int]:
        y, u, v = random.integers(16, 240, 3).tolist()
        return y, u, v

    rectangles: list[Rectangle] = [(0, 0, width + width % 2, height + height % 2, *colours())]
    for _ in range(6):
        left, top = (2 * random.integers(0, [width // 2, height // 2])).tolist()
        size = (2 * random.integers(1, [width // 4, height // 4])).tolist()
        rectangles.append((left, top, *size, *colours()))
    return rectangles


def _moved(scene: list[Rectangle], shift: int) -> list[Rectangle]:
    return [scene[0], *((left + shift, *rest) for left, *rest in scene[1:])]  # type: ignore[misc]


def planes(width: int, height: int, scene: list[Rectangle]) -> tuple[Bytes, Bytes, Bytes]:
    """Brightness (height, width), and U and V of half of that, rounded up."""
    y = np.zeros((height, width), np.uint8)
    u, v = (np.zeros(((height + 1) // 2, (width + 1) // 2), np.uint8) for _ in range(2))
    for left, top, wide, high, *colours in scene:
        y[top : top + high, left : left + wide] = colours[0]
        half = np.s_[top // 2 : (top + high) // 2, left // 2 : (left + wide) // 2]
        u[half], v[half] = colours[1], colours[2]
    return y, u, v


def rgb(y: Bytes, u: Bytes, v: Bytes) -> Bytes:
    """BT.601 in full range, in units of 2^-16, rounded: what docs/android.md says of frames."""
    height, width = y.shape
    luma = y.astype(np.int64)
    blue, red = (
        plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width].astype(np.int64) - 128
        for plane in (u, v)
    )
    channels = (
        luma + ((91881 * red + 32768) >> 16),
        luma + ((-22554 * blue - 46802 * red + 32768) >> 16),
        luma + ((116130 * blue + 32768) >> 16),
    )
    return np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)


def cuts() -> list[dict[str, Any]]:
    """Numbers of the frames that a scene begins with."""
    made = []
    for width, height in ((64, 48), (101, 75), (640, 36), (40, 40)):
        scenes = [_scene(seed, width, height) for seed in range(3)]
        still = [scenes[0]] * 3 + [scenes[1]] * 3 + [scenes[2], scenes[0], scenes[0]]
        moving = [_moved(scenes[0], 2 * index) for index in range(6)] + [scenes[1]]
        for about, frames in (("still scenes", still), ("motion", moving)):
            made += [
                _cut_case(about, width, height, rotation, frames) for rotation in (0, 90, 180, 270)
            ]
    for columns in (36, 40):
        steady = [_striped(20, brightness) for brightness in (40, 72, 104, 136)]
        frames = [_striped(0, 40), *steady, _striped(columns, 200)]
        made.append(_cut_case(f"after four times 40 %, {2 * columns} %", 50, 2, 0, frames))
    return made


def _striped(columns: int, brightness: int) -> list[Rectangle]:
    """Fifty columns, of which so many have another brightness; 76 % are a cut behind 40 %s."""
    return [(0, 0, 50, 2, 16, 128, 128), (0, 0, columns, 2, brightness, 128, 128)]


def _cut_case(
    about: str, width: int, height: int, rotation: int, frames: list[list[Rectangle]]
) -> dict[str, Any]:
    detector = SceneCutDetector()
    found = []
    for index, scene in enumerate(frames):
        image = np.rot90(rgb(*planes(width, height, scene)), -rotation // 90)
        if detector.is_cut(image):
            found.append(index)
    case = {"about": about, "width": width, "height": height, "rotation": rotation}
    return {**case, "frames": frames, "cuts": found}
