"""What faults do to the light of a frame, float32 RGB (size, size, 3) in grey levels of 0 to 255.

Each effect takes how much of the fault there is, 0 to 1. In full, each is far beyond what a camera
that nothing is wrong with may have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from movistream.demo.health import COVERED, FLICKER, GLARE, OUT_OF_FOCUS, TOO_DARK
from movistream.drawing.annotate import pillow_filters, pillow_image

Light: TypeAlias = npt.NDArray[np.float32]
"""It may exceed 255 until a frame is made of it."""

Effect: TypeAlias = Callable[[Light, float, float], Light]
"""Takes light, how much of the fault there is, and the time in seconds."""

_BLUR = 0.04
"""Standard deviation, in widths of the frame."""

_COVERED_SHARE = 0.9
_COVER_SOFTNESS = 0.12
_COVER_COLOR = (74.0, 52.0, 42.0)
_COVER_SWAY, _COVER_SWAY_HZ = 0.04, 0.8
"""Nobody holds a hand still: of the frame, more and less of it is hidden."""

_DARK_GAIN, _DARK_FLOOR = 0.04, 2.0

_FLICKER_DEPTH, _FLICKER_HZ, _FLICKER_BANDS = 0.4, 1.7, 1.0
"""Bands roll over the frame, as a rolling shutter shows lamps on mains."""

_LAMP = (0.35, 0.3)
_LAMP_RADIUS = 0.2
_LAMP_BRIGHTEST = 6.0
_VEIL, _VEIL_LEVEL = 0.4, 245.0


def defocused(light: Light, amount: float, _time_s: float) -> Light:
    """All is blurred, by a lens that is not focused on the scene."""
    picture = pillow_image().fromarray(np.clip(light, 0, 255).astype(np.uint8))
    blur = pillow_filters().GaussianBlur(_BLUR * amount * len(light))
    return np.asarray(picture.filter(blur), np.float32)


def covered(light: Light, amount: float, time_s: float) -> Light:
    """Something close to the lens comes over the frame from a corner, as a hand does."""
    order, surface = _cover(len(light))
    share = _COVERED_SHARE + _COVER_SWAY * np.sin(2 * np.pi * _COVER_SWAY_HZ * time_s)
    level = share * amount * (1 + _COVER_SOFTNESS) - _COVER_SOFTNESS / 2
    hidden = np.clip((level - order) / np.float32(_COVER_SOFTNESS) + np.float32(0.5), 0, 1)
    return np.asarray(light + hidden[..., None] * (surface - light), np.float32)


def dimmed(light: Light, amount: float, _time_s: float) -> Light:
    """Hardly any light is left."""
    gain = np.float32(_DARK_GAIN**amount)
    return np.asarray(light * gain + np.float32(_DARK_FLOOR * amount))


def flickering(light: Light, amount: float, time_s: float) -> Light:
    """The light swings, in bands that roll over the frame."""
    rows = np.arange(len(light)) / len(light)
    wave = np.sin(2 * np.pi * (_FLICKER_HZ * time_s + _FLICKER_BANDS * rows))
    factor = (1 + _FLICKER_DEPTH * amount * wave).astype(np.float32)
    return np.asarray(light * factor[:, None, None])


def dazzled(light: Light, amount: float, _time_s: float) -> Light:
    """A lamp shines into the lens, and its stray light takes the contrast away."""
    veil = np.float32(_VEIL * amount)
    places = (np.arange(len(light)) + 0.5) / len(light)
    x, y = (np.square(places - middle) for middle in _LAMP)
    # Stray light falls with the square of the distance from its source.
    spread = np.minimum(_LAMP_RADIUS**2 / (x[None, :] + y[:, None]), _LAMP_BRIGHTEST)
    bloom = (255 * amount * spread).astype(np.float32)
    return np.asarray(light * (1 - veil) + veil * np.float32(_VEIL_LEVEL) + bloom[..., None])


EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        OUT_OF_FOCUS: defocused,
        COVERED: covered,
        TOO_DARK: dimmed,
        FLICKER: flickering,
        GLARE: dazzled,
    }
)
"""Of what happens before the sensor, by label, in the order in which light passes them."""


@lru_cache(maxsize=1)
def _cover(size: int) -> tuple[Light, Light]:
    """In which order a frame's pixels are hidden, (size, size) from 0 to 1, evenly spread; and
    what is seen there."""
    generator = np.random.default_rng(0)
    down, across = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    uneven = _soft_noise(size, 5, generator)
    height = -0.8 * across - 0.6 * down + 0.2 * uneven
    order = np.empty(height.size, np.float32)
    order[np.argsort(height, axis=None)] = np.linspace(0, 1, height.size)
    shade = 1 + 0.25 * across - 0.2 * down + 0.12 * _soft_noise(size, 9, generator)
    surface = shade[..., None] * np.array(_COVER_COLOR)
    return order.reshape(height.shape), surface.astype(np.float32)


def _soft_noise(size: int, cells: int, generator: np.random.Generator) -> Light:
    """Noise of so many cells across, (size, size), about -2 to 2."""
    images = pillow_image()
    coarse = images.fromarray(generator.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), images.Resampling.BICUBIC))
