"""What faults do to a frame: plain functions of its light, float32 (size, size, 3), 0 to 255.

A frame is as large as it is rendered; nothing here depends on its size but the cost.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from movistream_training.camera_health.faults import (
    Cover,
    Darkness,
    Flicker,
    Glare,
    Grey,
    Lamp,
    Noise,
)

Light: TypeAlias = npt.NDArray[np.float32]
"""float32 RGB (size, size, 3), in grey levels; it may exceed 255 until a frame is made of it."""

_TILE = 640
"""Pixels per side of the noise that all frames take theirs from, at random places."""

_BRIGHTEST = 6.0
"""How often a lamp in the lens exceeds white in its middle."""

_CELL_SIZE = 96
"""Pixels per side of the frame that cells of noise are counted in, and its grain is measured in."""

_FINE_GAIN = 1.5
"""Noise of single pixels of a larger frame is weaker when it is sampled between them: each of two
directions takes a third of its variance."""


def covered(light: Light, cover: Cover, time_s: float) -> tuple[Light, float]:
    """The frame behind a cover, and the share of it that is hidden."""
    amount = cover.course.amount(time_s)
    if not amount:
        return light, 0.0
    size = len(light)
    level = cover.share * amount * (1 + cover.softness) - cover.softness / 2
    order = _sized(cover.order, size)
    hidden = np.clip((level - order) / np.float32(cover.softness) + np.float32(0.5), 0, 1)
    surface = _sized(cover.surface, size).astype(np.float32)
    if cover.translucency:
        through = cv2.GaussianBlur(cv2.resize(light, (24, 24)), (0, 0), 2.0)
        surface += np.float32(cover.translucency) * cv2.resize(through, (size, size))
    mixed = light + hidden[..., None] * (surface - light)
    return np.asarray(mixed, np.float32), float(np.mean(hidden > 0.5))


def dimmed(light: Light, darkness: Darkness, time_s: float) -> Light:
    """The frame when light is missing."""
    amount = darkness.course.amount(time_s)
    gain = darkness.gain**amount
    return np.asarray(light * np.float32(gain) + np.float32(amount * darkness.floor))


def flickering(light: Light, flicker: Flicker, time_s: float) -> tuple[Light, float]:
    """The frame in flickering light, and how deep the flicker is."""
    depth = flicker.depth * flicker.course.amount(time_s)
    if not depth:
        return light, 0.0
    rows = np.arange(len(light)) / len(light)
    wave = np.sin(2 * np.pi * (flicker.rate_hz * time_s + flicker.bands * rows))
    if flicker.sharp:
        wave = np.clip(4 * wave, -1, 1)
    factor = (1 + depth * wave).astype(np.float32)
    return np.asarray(light * factor[:, None, None]), depth


def dazzled(light: Light, glare: Glare, time_s: float) -> tuple[Light, float]:
    """The frame with a light in the lens, and the share of what could be darker that is lost."""
    amount = glare.course.amount(time_s)
    if not amount:
        return light, 0.0
    bright = light * np.float32(1 + (glare.gain - 1) * amount)
    veil = np.float32(glare.veil * amount)
    bright = bright * (1 - veil) + veil * np.float32(245)
    if glare.radius:
        x, y = (
            start + speed * (time_s - glare.course.begin_s)
            for start, speed in zip(glare.center, glare.velocity, strict=True)
        )
        # Stray light falls with the square of the distance from its source.
        spread = np.square(glare.radius) / np.maximum(_squares((x, y), len(light)), 1e-6)
        bloom = 255 * amount * np.minimum(spread, _BRIGHTEST)
        bright = bright + bloom.astype(np.float32)[..., None]
    before, after = (np.minimum(one, 255) for one in (light, bright))
    return bright, float(np.mean(after - before) / (np.mean(255 - before) + 1))


def lit(light: Light, lamp: Lamp, time_s: float) -> Light:
    """The frame with a lamp in it."""
    if lamp.blinks_hz and (time_s * lamp.blinks_hz) % 1.0 < 0.5:
        return light
    glow = np.exp(_squares(lamp.center, len(light)) / np.float32(-2 * lamp.radius**2))
    return np.asarray(light + (np.float32(lamp.level) * glow)[..., None])


def rained(light: Light, rain: float, generator: np.random.Generator) -> Light:
    """The frame behind streaks of rain or snow, which begin in a share of its pixels."""
    drops = (_grain(len(light), generator)[..., 0] > _limit(rain)).astype(np.float32)
    length = max(1, len(light) // 12)
    streaks = cv2.blur(drops, (1, length)) * np.float32(50 * np.sqrt(length))
    return np.asarray(light + streaks[..., None])


def _squares(center: tuple[float, float], size: int) -> Grey:
    """The squared distance of each pixel from a point, in widths."""
    places = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    x, y = (np.square(places - np.float32(middle)) for middle in center)
    return np.asarray(x[None, :] + y[:, None])


def grainy(light: Light, grain: float, generator: np.random.Generator) -> Light:
    """The frame with a sensor's grain, of a standard deviation in grey levels."""
    return np.asarray(light + np.float32(grain) * _grain(len(light), generator))


def noisy(light: Light, noise: Noise, time_s: float, generator: np.random.Generator) -> Light:
    """The frame with heavy noise."""
    amount = noise.course.amount(time_s)
    if not amount:
        return light
    size = len(light)
    if noise.grain:
        cells = max(8, round(_CELL_SIZE / noise.cell)) if noise.cell > 1 else size
        grain = _grain(cells, generator)
        if cells > _CELL_SIZE:
            grain = grain * np.float32(_FINE_GAIN)
        if not noise.colored:
            grain = np.repeat(grain[..., :1], 3, axis=2)
        if cells != size:
            grain = cv2.resize(grain, (size, size), interpolation=cv2.INTER_NEAREST)
        light = light + np.float32(noise.grain * amount) * grain
    if noise.specks:
        chance = _grain(size, generator)[..., 0]
        # Of normal numbers, this share is beyond the limit on each side.
        limit = np.float32(_limit(noise.specks * amount / 2))
        light = np.where((chance > limit)[..., None], np.float32(255), light)
        light = np.where((chance < -limit)[..., None], np.float32(0), light)
    if noise.blocks:
        light = _damaged(light, round(noise.blocks * amount), generator)
    return light


def _damaged(light: Light, blocks: int, generator: np.random.Generator) -> Light:
    """Blocks of a frame come from elsewhere, with other colours, as a broken stream shows them."""
    size, damaged = len(light), light.copy()
    for _ in range(blocks):
        height, width = (max(2, int(size * generator.uniform(0.05, 0.3))) for _ in range(2))
        height = max(2, height // 3)
        top, left = generator.integers(0, size - height), generator.integers(0, size - width)
        row, column = generator.integers(0, size - height), generator.integers(0, size - width)
        piece = light[row : row + height, column : column + width]
        shift = generator.normal(0, 60, 3).astype(np.float32)
        damaged[top : top + height, left : left + width] = piece + shift
    return np.asarray(damaged)


def _grain(size: int, generator: np.random.Generator) -> Light:
    """Normal noise of standard deviation 1, float32 (size, size, 3)."""
    top, left = generator.integers(0, _TILE - size + 1, 2)
    return _tile()[top : top + size, left : left + size]


@lru_cache(maxsize=1)
def _tile() -> Light:
    return np.random.default_rng(0).standard_normal((_TILE, _TILE, 3), np.float32)


@lru_cache(maxsize=64)
def _limit(share: float) -> float:
    """What so large a share of the noise exceeds."""
    return float(np.quantile(_tile()[..., 0], 1 - share))


def _sized(picture: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.float32]:
    if len(picture) == size:
        return np.asarray(picture, np.float32)
    return np.asarray(cv2.resize(picture, (size, size)), np.float32)
