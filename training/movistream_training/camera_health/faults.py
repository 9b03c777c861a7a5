"""What can be wrong with a watching camera's picture, as data.

Lengths are in widths of the frame, brightness in grey levels of 0 to 255, times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from movistream_training.footage.scene import Picture

Grey: TypeAlias = npt.NDArray[np.float32]
"""float32 (height, width)."""


@dataclass(frozen=True)
class Course:
    """When a fault is there, and how much of it.

    Attributes:
        begin_s: from when on there is some of it.
        end_s: when it begins to go.
        rise_s: how long it takes to come; 0: sudden.
        fall_s: how long it takes to go.
    """

    begin_s: float
    end_s: float
    rise_s: float = 0.0
    fall_s: float = 0.0

    def amount(self, time_s: float) -> float:
        """How much of the fault there is at a time, 0 to 1."""
        if not self.begin_s <= time_s < self.end_s + self.fall_s:
            return 0.0
        risen = min(1.0, (time_s - self.begin_s) / self.rise_s) if self.rise_s else 1.0
        left = min(1.0, (self.end_s + self.fall_s - time_s) / self.fall_s) if self.fall_s else 1.0
        return risen * left


@dataclass(frozen=True, eq=False)
class Cover:
    """Something close before the lens: a hand, cloth, tape, paint, a leaf, an insect.

    Attributes:
        course: it comes over the frame as its amount grows.
        share: of the frame that it hides at most, 0 to 1.
        order: in which the frame's parts are hidden, 0 (first) to 1, evenly spread.
        surface: what is seen of it, of the same size.
        translucency: how much of the scene's light comes through, 0 to 1.
        softness: how blurred its edge is, as a share of the frame.
    """

    course: Course
    share: float
    order: Grey
    surface: Picture
    translucency: float
    softness: float


@dataclass(frozen=True)
class Defocus:
    """The lens is not focused on the scene.

    Attributes:
        blur: standard deviation, in widths.
    """

    course: Course
    blur: float


@dataclass(frozen=True)
class Move:
    """The camera is knocked, turned or zoomed, and stays so.

    Attributes:
        begin_s: when it begins.
        seconds: how long it takes.
        pose: by how much: x and y in widths, logarithm of the zoom, angle in radians.
        swing: how far it swings to and fro while it comes to rest, as a share of the way.
    """

    begin_s: float
    seconds: float
    pose: tuple[float, float, float, float]
    swing: float = 0.0


@dataclass(frozen=True)
class Freeze:
    """The same frame again and again.

    Attributes:
        course: no part of it is gradual.
    """

    course: Course


@dataclass(frozen=True)
class Flicker:
    """Brightness swings, of all rows at once or in bands that roll over them.

    Attributes:
        depth: how far, as a share of the brightness.
        rate_hz: how often, as a stream of 10 frames per second shows it.
        bands: across the height of a frame; 0: all rows at once.
        sharp: whether it jumps rather than swings.
    """

    course: Course
    depth: float
    rate_hz: float
    bands: float = 0.0
    sharp: bool = False


@dataclass(frozen=True)
class Darkness:
    """Light is missing.

    Attributes:
        gain: the share of the brightness that is left.
        floor: what black is shown as, in grey levels.
    """

    course: Course
    gain: float
    floor: float = 0.0


@dataclass(frozen=True)
class Glare:
    """Light shines into the lens, or the exposure is far too long.

    Attributes:
        center: of the light in the first frame, (x, y) in widths from the top left.
        velocity: of the light, (x, y) in widths per second.
        radius: of what is saturated by it; 0: there is no such light.
        veil: how much of the frame's contrast is lost in stray light, 0 to 1.
        gain: by which all is too bright.
    """

    course: Course
    center: tuple[float, float] = (0.5, 0.5)
    velocity: tuple[float, float] = (0.0, 0.0)
    radius: float = 0.0
    veil: float = 0.0
    gain: float = 1.0


@dataclass(frozen=True)
class Noise:
    """The sensor or the line disturbs pixels.

    Attributes:
        grain: standard deviation in a frame of 96 pixels, in grey levels.
        cell: pixels of such a frame that share a value; 1: each of the frame, however large, has
            its own.
        colored: whether colours differ.
        specks: share of pixels that are black or white instead.
        blocks: how many blocks of a frame are damaged.
    """

    course: Course
    grain: float = 0.0
    cell: float = 1.0
    colored: bool = True
    specks: float = 0.0
    blocks: int = 0


Fault: TypeAlias = Cover | Defocus | Freeze | Flicker | Darkness | Glare | Noise
"""What a camera's picture may suffer; a move is part of its path, a cut of what is recorded."""


@dataclass(frozen=True)
class LightChange:
    """A lamp, or all light, goes on or off once, or day becomes dusk: nothing is wrong then.

    Attributes:
        at_s: when it begins.
        seconds: how long it takes; 0: sudden.
        gain: by which all becomes brighter, or darker.
    """

    at_s: float
    seconds: float
    gain: float

    def factor(self, time_s: float) -> float:
        """Of the brightness at a time."""
        if time_s < self.at_s:
            return 1.0
        done = min(1.0, (time_s - self.at_s) / self.seconds) if self.seconds else 1.0
        return float(self.gain**done)


@dataclass(frozen=True)
class Lamp:
    """A light in the picture that dazzles nobody.

    Attributes:
        center: (x, y) in widths from the top left.
        radius: in widths.
        level: by how much it brightens its middle, in grey levels.
        blinks_hz: how often it goes on and off; 0: it stays on.
    """

    center: tuple[float, float]
    radius: float
    level: float
    blinks_hz: float = 0.0
