"""Backdrops and things as they come: every call another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from movistream_training.footage.collection import Footage
from movistream_training.footage.scene import Backdrop, Picture, Thing
from movistream_training.footage.textures import cut_out


def random_backdrop(
    footage: Footage,
    size: int,
    generator: np.random.Generator,
    softest: float = 0.07,
    video_share: float = 0.15,
) -> Backdrop:
    """A picture or a video as frames of so many pixels per side see it, its colours changed.

    Args:
        softest: half of the pictures are out of focus, by blurs of up to so many widths of the
            frame (standard deviation); 0: none is.
        video_share: how often it is a video, if there are some.
    """
    pictures: Sequence[Picture]
    if footage.videos and generator.random() < video_share:
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
        if softest:
            pictures = (_softened(pictures[0], pixels, softest, generator),)
        pictures = (_recolored(pictures[0], generator),)
    x, y = generator.uniform(0.25, 0.75, 2)
    center = (float(x * width), float(y * height))
    return Backdrop(pictures, float(pixels), center)


def _resized(picture: Picture, scale: float) -> Picture:
    resized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _softened(
    picture: Picture, pixels: float, softest: float, generator: np.random.Generator
) -> Picture:
    """Often out of focus: skies, walls and what lies behind a flower have no sharp edges."""
    if generator.random() > 0.5:
        return picture
    sigma = pixels * math.exp(generator.uniform(math.log(0.006), math.log(softest)))
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


def random_thing(footage: Footage, generator: np.random.Generator) -> Thing:
    """A piece of a picture that goes its way, or stays, or swings."""
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
