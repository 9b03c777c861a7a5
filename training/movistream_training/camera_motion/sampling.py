"""Random clips of camera motion, as a network is trained on: every call another scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
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
from movistream_training.camera_motion.scene import (
    Backdrop,
    Optics,
    Picture,
    Scene,
    Thing,
    render,
)
from movistream_training.camera_motion.textures import cut_out

FRAMES_PER_SECOND = 10
SLOWEST, FASTEST = 0.045, 0.65
"""Speeds of moving cameras, in widths per second: half a pixel to six per frame of 96."""

WARM_UP_FRAMES = 3
"""A motion is not asked for at once: its first frames weigh little."""

STATIC_WEIGHT = 2.0
"""Where nothing can be seen, in a clear sky or behind a large face, the answer shall be static."""


@dataclass(frozen=True)
class Footage:
    """What scenes are made from.

    Attributes:
        pictures: photographs and textures.
        videos: frames of cameras that stand still.
    """

    pictures: Sequence[Picture]
    videos: Sequence[Sequence[Picture]] = ()


@dataclass(frozen=True)
class MotionClip:
    """A rendered clip.

    Attributes:
        frames: uint8 RGB (frames, size, size, 3).
        labels: index into :data:`.motion.LABELS` of each frame, (frames,).
        weights: how much each frame's answer counts in training, (frames,).
    """

    frames: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]


def random_clips(
    footage: Footage,
    frame_count: int,
    size: int,
    generator: np.random.Generator,
    difficulty: float = 1.0,
) -> list[MotionClip]:
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
) -> MotionClip:
    frames = np.stack([render(scene, path, time_s, generator) for time_s in times_s])
    labels = np.array([LABELS.index(path.label(time_s)) for time_s in times_s], np.int32)
    since = np.array([path.since_change_s(time_s) for time_s in times_s]) * FRAMES_PER_SECOND
    weights = np.clip(since / WARM_UP_FRAMES, 0, 1).astype(np.float32)
    weights[labels == LABELS.index(STATIC)] *= STATIC_WEIGHT
    weights[0] = 0
    return MotionClip(frames, labels, weights)


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
    backdrop = _random_backdrop(footage, size, generator)
    if not hard:
        return Scene(backdrop, (), Optics(size=size))
    count = int(generator.choice([0, 0, 1, 1, 2, 3, 4]))
    things = tuple(_random_thing(footage, generator) for _ in range(count))
    return Scene(backdrop, things, _random_optics(size, generator))


def _random_backdrop(footage: Footage, size: int, generator: np.random.Generator) -> Backdrop:
    pictures: Sequence[Picture]
    if footage.videos and generator.random() < 0.15:
        pictures = footage.videos[int(generator.integers(len(footage.videos)))]
        first = int(generator.integers(max(1, len(pictures) - 90)))
        pictures = pictures[first : first + 90]
    else:
        pictures = (footage.pictures[int(generator.integers(len(footage.pictures)))],)
    height, width = pictures[0].shape[:2]
    # From pictures sampled pixel by pixel to ones that are far finer than the frame.
    pixels = min(height, width) * generator.uniform(0.25, 0.85)
    if len(pictures) == 1:
        fineness = generator.uniform(1.0, 4.0)
        scale = min(1.0, fineness * size / pixels)
        if scale < 1.0:
            pictures = (_resized(pictures[0], scale),)
            height, width = pictures[0].shape[:2]
            pixels *= scale
        pictures = (_recolored(_softened(pictures[0], pixels, generator), generator),)
    x, y = generator.uniform(0.25, 0.75, 2)
    center = (float(x * width), float(y * height))
    return Backdrop(pictures, float(pixels), center)


def _resized(picture: Picture, scale: float) -> Picture:
    resized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _softened(picture: Picture, pixels: float, generator: np.random.Generator) -> Picture:
    """Often out of focus: skies, walls and what lies behind a flower have no sharp edges."""
    if generator.random() > 0.5:
        return picture
    sigma = pixels * math.exp(generator.uniform(math.log(0.006), math.log(0.07)))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def _recolored(picture: Picture, generator: np.random.Generator) -> Picture:
    """Turned, mirrored, with its colours exchanged, or grey."""
    if generator.random() < 0.5:
        picture = picture[:, ::-1]
    if generator.random() < 0.3:
        picture = np.rot90(picture, int(generator.integers(1, 4)))
    if generator.random() < 0.3:
        picture = picture[..., generator.permutation(3)]
    if generator.random() < 0.2:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    if generator.random() < 0.1:
        picture = 255 - picture
    return np.ascontiguousarray(picture)


def _random_thing(footage: Footage, generator: np.random.Generator) -> Thing:
    picture = footage.pictures[int(generator.integers(len(footage.pictures)))]
    start = generator.uniform(-0.5, 0.5, 2)
    moving = generator.random() < 0.6
    velocity = generator.normal(0, 0.25, 2) if moving else np.zeros(2)
    swinging = generator.random() < 0.5
    swing = generator.normal(0, 0.1, 2) if swinging else np.zeros(2)
    return Thing(
        picture=cut_out(picture, generator),
        width=float(math.exp(generator.uniform(math.log(0.15), math.log(1.0)))),
        start=(float(start[0]), float(start[1])),
        velocity=(float(velocity[0]), float(velocity[1])),
        swing=(float(swing[0]), float(swing[1])),
        swing_hz=float(generator.uniform(0.3, 2.5)),
        nearness=float(
            generator.choice([0.0, 1.0, generator.uniform(1, 1.8)], p=[0.15, 0.4, 0.45])
        ),
    )


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
