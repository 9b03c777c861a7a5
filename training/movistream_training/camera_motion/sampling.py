"""Random clips of camera motion, as a network is trained on: every call another scene."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from movistream.demo.motion import (
    LABELS,
    STATIC,
    CameraPath,
    Segment,
    Shake,
    camera_path,
)
from movistream_training.footage.clip import Clip
from movistream_training.footage.collection import Footage
from movistream_training.footage.random_scenes import random_backdrop, random_thing
from movistream_training.footage.scene import Optics, Scene, render

FRAMES_PER_SECOND = 10
SLOWEST, FASTEST = 0.045, 0.65
"""Speeds of moving cameras, in widths per second: half a pixel to six per frame of 96."""

WARM_UP_FRAMES = 3
"""A motion is not asked for at once: its first frames weigh little."""

STATIC_WEIGHT = 2.0
"""Where nothing can be seen, in a clear sky or behind a large face, the answer shall be static."""


def random_clips(
    footage: Footage,
    frame_count: int,
    size: int,
    generator: np.random.Generator,
    difficulty: float = 1.0,
) -> list[Clip]:
    """One clip of each motion, all of one scene, so that the scene tells nothing about the motion.

    Half of the scenes see a second motion after the first.

    Args:
        difficulty: how likely a scene has all that makes it hard; others are plain, 0 to 1.
    """
    hard = generator.random() < difficulty
    scene = _random_scene(footage, size, generator, hard=hard)
    times_s = _frame_times(frame_count, generator)
    labels: list[tuple[str, ...]] = [(label,) for label in LABELS]
    if generator.random() < 0.5:
        following = generator.permutation(len(LABELS))
        labels = [(a, LABELS[b]) for a, b in zip(LABELS, following, strict=True)]
    change_s = times_s[-1] * generator.uniform(0.35, 0.65)
    return [
        _clip(scene, _random_path(own, times_s[-1], change_s, generator, hard), times_s, generator)
        for own in labels
    ]


def _clip(
    scene: Scene,
    path: CameraPath,
    times_s: npt.NDArray[np.float64],
    generator: np.random.Generator,
) -> Clip:
    frames = np.stack([render(scene, path, time_s, generator) for time_s in times_s])
    labels = np.array([LABELS.index(path.label(time_s)) for time_s in times_s], np.int32)
    since = np.array([path.since_change_s(time_s) for time_s in times_s]) * FRAMES_PER_SECOND
    weights = np.clip(since / WARM_UP_FRAMES, 0, 1).astype(np.float32)
    weights[labels == LABELS.index(STATIC)] *= STATIC_WEIGHT
    weights[0] = 0
    return Clip(frames, labels, weights)


def _frame_times(frame_count: int, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """When a stream at 10 frames/s takes frames from a video of any rate."""
    source_rate = 60.0 if generator.random() < 0.5 else generator.uniform(8, 60)
    rate = min(source_rate, FRAMES_PER_SECOND)
    indices = np.ceil(np.arange(frame_count) * source_rate / rate - 1e-9)
    return np.asarray(indices / source_rate)


def _random_path(
    labels: Sequence[str],
    seconds: float,
    change_s: float,
    generator: np.random.Generator,
    hard: bool,
) -> CameraPath:
    ends = [seconds + 1.0] if len(labels) == 1 else [change_s, seconds + 1.0 - change_s]
    segments = [_random_segment(*parts, generator) for parts in zip(labels, ends, strict=True)]
    if not hard:
        return camera_path(segments, Shake(), generator)
    slowest = min((s.speed for s in segments if s.label != STATIC), default=FASTEST)
    strongest = min(0.05, 0.5 * slowest)
    amplitude = generator.uniform(0, strongest) if generator.random() < 0.7 else 0.0
    frequencies = tuple(map(float, generator.uniform(1.2, 7, 3)))
    ease_s = generator.uniform(0, 0.25)
    return camera_path(segments, Shake(amplitude, frequencies), generator, ease_s)


def _random_segment(label: str, seconds: float, generator: np.random.Generator) -> Segment:
    # Slow ones are hard: they come more often than by chance.
    speed = math.exp(generator.uniform(math.log(SLOWEST), math.log(FASTEST)))
    if label == STATIC:
        return Segment(label, seconds)
    if "zoom" in label or "roll" in label:
        speed = min(speed, 0.4)
    impurity = tuple(map(float, generator.uniform(-0.25, 0.25, 4)))
    impurity = (impurity[0], impurity[1], impurity[2] / 2, impurity[3] / 2)
    return Segment(label, seconds, speed, impurity, generator.uniform(0, 0.4))


def _random_scene(
    footage: Footage, size: int, generator: np.random.Generator, *, hard: bool
) -> Scene:
    backdrop = random_backdrop(footage, size, generator)
    if not hard:
        return Scene(backdrop, (), Optics(size=size))
    count = int(generator.choice([0, 0, 1, 1, 2, 3, 4]))
    things = tuple(random_thing(footage, generator) for _ in range(count))
    return Scene(backdrop, things, _random_optics(size, generator))


def _random_optics(size: int, generator: np.random.Generator) -> Optics:
    blurred = generator.random() < 0.5
    compressed = generator.random() < 0.5
    color = generator.uniform(0.85, 1.15, 3) * generator.uniform(0.6, 1.3)
    return Optics(
        size=size,
        shutter_s=generator.uniform(0.005, 0.06) if blurred else 0.0,
        exposures=int(generator.integers(2, 5)) if blurred else 1,
        keystone=(generator.uniform(-0.2, 0.2), generator.uniform(-0.2, 0.2)),
        gamma=generator.uniform(0.6, 1.6),
        contrast=math.exp(generator.uniform(math.log(0.25), math.log(1.4))),
        gain=(float(color[0]), float(color[1]), float(color[2])),
        flicker=(generator.uniform(0, 0.1) * (generator.random() < 0.3), generator.uniform(0.2, 4)),
        noise=generator.uniform(0, 10) * (generator.random() < 0.6),
        jpeg_quality=int(generator.integers(30, 95)) if compressed else None,
    )
