"""Faults as they come: every call draws another of its kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np

from movistream.demo.health import COVERED, FLICKER, FROZEN, GLARE, NOISE, OUT_OF_FOCUS, TOO_DARK
from movistream_training.camera_health.faults import (
    Course,
    Cover,
    Darkness,
    Defocus,
    Fault,
    Flicker,
    Freeze,
    Glare,
    Grey,
    Move,
    Noise,
)
from movistream_training.footage.collection import Footage
from movistream_training.footage.scene import Picture

_SIZE = 96
"""Pixels per side of a cover's drawing."""

Drawn: TypeAlias = Callable[[Course, Footage, np.random.Generator], Fault]


def _log_uniform(generator: np.random.Generator, low: float, high: float) -> float:
    return math.exp(generator.uniform(math.log(low), math.log(high)))


def random_cover(
    course: Course,
    footage: Footage,
    generator: np.random.Generator,
    shares: tuple[float, float] = (0.68, 1.0),
) -> Cover:
    """A hand, a cloth, tape, paint or a leaf, of a share of the frame between two."""
    whole = shares[1] == 1.0 and generator.random() < 0.5
    return Cover(
        course=course,
        share=1.0 if whole else generator.uniform(*shares),
        order=_random_order(generator),
        surface=_random_surface(footage, generator),
        translucency=generator.uniform(0, 0.3) if generator.random() < 0.4 else 0.0,
        softness=_log_uniform(generator, 0.02, 0.5),
    )


def _random_order(generator: np.random.Generator) -> Grey:
    """From a side, from a place on, or everywhere at once like paint."""
    x, y = np.meshgrid(*[np.linspace(-1, 1, _SIZE)] * 2)
    kind = generator.integers(3)
    if kind == 0:
        angle = generator.uniform(0, 2 * np.pi)
        height = x * np.cos(angle) + y * np.sin(angle)
        rough = generator.uniform(0, 0.4)
    elif kind == 1:
        middle = generator.uniform(-0.8, 0.8, 2)
        stretch = generator.uniform(0.5, 2.0)
        height = np.hypot((x - middle[0]) * stretch, y - middle[1])
        rough = generator.uniform(0, 0.5)
    else:
        height, rough = 0.3 * x, 1.0
    waves = generator.standard_normal((_SIZE, _SIZE))
    waves = cv2.GaussianBlur(waves, (0, 0), _log_uniform(generator, 4, 16))
    height = height + rough * waves / (waves.std() + 1e-9)
    order = np.empty(height.size, np.float32)
    order[np.argsort(height, axis=None)] = np.linspace(0, 1, height.size)
    return np.asarray(order.reshape(height.shape))


def _random_surface(footage: Footage, generator: np.random.Generator) -> Picture:
    """Something seen from too near: dark or not, blurred, with a texture or none."""
    picture = footage.pictures[int(generator.integers(len(footage.pictures)))]
    side = min(picture.shape[:2])
    cut = int(side * generator.uniform(0.2, 0.6))
    top, left = (int(generator.integers(0, length - cut + 1)) for length in picture.shape[:2])
    piece = cv2.resize(picture[top : top + cut, left : left + cut], (_SIZE, _SIZE))
    texture = np.asarray(piece, np.float32).mean(axis=2)
    # What is so near is never in focus.
    texture = cv2.GaussianBlur(texture, (0, 0), _log_uniform(generator, 2.0, 20.0))
    texture = (texture - texture.mean()) / (texture.std() + 1.0)
    if generator.random() < 0.3:
        # Woven cloth.
        across = np.arange(_SIZE) * 2 * np.pi / generator.uniform(2.5, 9)
        texture = texture + np.sin(across)[:, None] * np.sin(across)[None, :]
    level = _log_uniform(generator, 10, 120)
    tint = np.clip(1 + generator.normal(0, 0.2, 3), 0.4, 1.6)
    slope = np.linspace(-1, 1, _SIZE)
    shade = (
        1
        + generator.uniform(-0.5, 0.5) * slope[:, None]
        + (generator.uniform(-0.4, 0.4) * slope[None, :])
    )
    surface = level * shade * (1 + generator.uniform(0, 0.3) * texture)
    return np.asarray(np.clip(surface[..., None] * tint, 0, 255), np.uint8)


def random_defocus(course: Course, _: Footage, generator: np.random.Generator) -> Defocus:
    """Blurred well beyond the border."""
    return Defocus(course, _log_uniform(generator, 0.022, 0.09))


def random_freeze(course: Course, _: Footage, __: np.random.Generator) -> Freeze:
    """At once, whatever the course."""
    return Freeze(Course(course.begin_s, course.end_s))


def random_flicker(course: Course, _: Footage, generator: np.random.Generator) -> Flicker:
    """Bands of mains light, or an exposure that hunts."""
    rolling = generator.random() < 0.5
    depth = _log_uniform(generator, 0.13, 0.6)
    if rolling:
        bands = generator.uniform(0.5, 4) * generator.choice([-1, 1])
        return Flicker(course, depth, generator.uniform(0.3, 4.5), float(bands))
    rate_hz = _log_uniform(generator, 0.6, 4.6)
    return Flicker(course, depth, rate_hz, 0.0, bool(generator.random() < 0.4))


def random_darkness(course: Course, _: Footage, generator: np.random.Generator) -> Darkness:
    """Hardly anything is left."""
    return Darkness(course, _log_uniform(generator, 0.01, 0.1), generator.uniform(0, 7))


def random_glare(course: Course, _: Footage, generator: np.random.Generator) -> Glare:
    """The sun, headlights that come near, or a picture that is overexposed as a whole."""
    if generator.random() < 0.25:
        return Glare(course, gain=generator.uniform(3.0, 8.0))
    x, y = map(float, generator.uniform(0.05, 0.95, 2))
    moving = generator.random() < 0.3
    velocity = generator.normal(0, 0.15, 2) if moving else np.zeros(2)
    return Glare(
        course,
        (x, y),
        (float(velocity[0]), float(velocity[1])),
        radius=_log_uniform(generator, 0.14, 0.42),
        veil=generator.uniform(0.15, 0.6),
        gain=generator.uniform(1.0, 1.6),
    )


def random_noise(course: Course, _: Footage, generator: np.random.Generator) -> Noise:
    """Grain, specks, or a broken stream's blocks."""
    kind = generator.random()
    if kind < 0.65:
        return Noise(
            course,
            grain=_log_uniform(generator, 22, 70),
            cell=float(generator.choice([1.0, 1.0, generator.uniform(1.5, 6)])),
            colored=bool(generator.random() < 0.6),
        )
    if kind < 0.82:
        return Noise(course, specks=_log_uniform(generator, 0.06, 0.3))
    return Noise(course, blocks=int(generator.integers(12, 40)))


def random_move(begin_s: float, generator: np.random.Generator) -> Move:
    """A knock, or somebody who turns the camera away."""
    far = _log_uniform(generator, 0.1, 0.7)
    angle = generator.uniform(0, 2 * np.pi)
    turned = float(generator.uniform(-0.4, 0.4)) if generator.random() < 0.4 else 0.0
    zoomed = float(generator.uniform(-0.3, 0.3)) if generator.random() < 0.2 else 0.0
    knocked = generator.random() < 0.5
    return Move(
        begin_s,
        generator.uniform(0.1, 0.4) if knocked else generator.uniform(0.4, 1.2),
        (far * math.cos(angle), far * math.sin(angle), zoomed, turned),
        generator.uniform(0, 0.3) if knocked else 0.0,
    )


RANDOM_FAULTS: MappingProxyType[str, Drawn] = MappingProxyType(
    {
        COVERED: random_cover,
        OUT_OF_FOCUS: random_defocus,
        FROZEN: random_freeze,
        FLICKER: random_flicker,
        TOO_DARK: random_darkness,
        GLARE: random_glare,
        NOISE: random_noise,
    }
)
"""What draws a fault of a class that lasts for a course of time."""
