"""How a camera moves: nine classes, and paths of poses with a known class at every moment.

Lengths are in widths of the frame at zoom 1, angles in radians, x to the right and y down. A speed
is how fast the picture flows, in widths per second: that of a pan or tilt itself, and the mean over
the frame of a zoom's or roll's, so that one number means the same for all classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]

STATIC = "static"
LABELS = (
    STATIC,
    "pan left",
    "pan right",
    "tilt up",
    "tilt down",
    "zoom in",
    "zoom out",
    "roll clockwise",
    "roll counter-clockwise",
)
"""What the camera does, not what the picture does: in a pan to the left, things move right."""

DIRECTIONS: dict[str, tuple[float, float, float, float]] = {
    STATIC: (0, 0, 0, 0),
    "pan left": (-1, 0, 0, 0),
    "pan right": (1, 0, 0, 0),
    "tilt up": (0, -1, 0, 0),
    "tilt down": (0, 1, 0, 0),
    "zoom in": (0, 0, 1, 0),
    "zoom out": (0, 0, -1, 0),
    "roll clockwise": (0, 0, 0, 1),
    "roll counter-clockwise": (0, 0, 0, -1),
}
"""Signs of (x, y, logarithm of the zoom, angle) per second, by label."""

MEAN_RADIUS = 0.38
"""The mean distance of a square frame's pixels from its centre, in widths."""

_TICKS_PER_SECOND = 120


@dataclass(frozen=True)
class Segment:
    """A stretch of one motion.

    Attributes:
        label: one of :data:`LABELS`.
        speed: of the flow, in widths per second; what a static camera has is all shake.
        impurity: flow of each other motion, as a share of the speed, (x, y, zoom, angle), signed.
        ripple: by how much the speed swings around itself, as a share of it.
    """

    label: str
    seconds: float
    speed: float = 0.0
    impurity: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    ripple: float = 0.0


@dataclass(frozen=True)
class Shake:
    """A hand's tremor: sums of sines in every direction.

    Attributes:
        amplitude: of its flow, in widths per second, root mean square.
        frequencies_hz: of the sines.
    """

    amplitude: float = 0.0
    frequencies_hz: tuple[float, ...] = (2.3, 3.7, 5.1)


@dataclass(frozen=True)
class CameraPath:
    """Where the camera is and what it does, from 0 s to the end of the last segment.

    Attributes:
        times_s: (ticks,).
        poses: x, y, logarithm of the zoom and angle at those times, (ticks, 4).
        ends_s: when each segment ends.
        labels: of the segments.
    """

    times_s: FloatArray
    poses: FloatArray
    ends_s: tuple[float, ...]
    labels: tuple[str, ...]

    def pose(self, time_s: float) -> FloatArray:
        """(x, y, logarithm of the zoom, angle) at a time; before and after, the nearest known."""
        return np.array([np.interp(time_s, self.times_s, values) for values in self.poses.T])

    def label(self, time_s: float) -> str:
        """What the camera does at a time."""
        index = int(np.searchsorted(self.ends_s, time_s, side="right"))
        return self.labels[min(index, len(self.labels) - 1)]

    def since_change_s(self, time_s: float) -> float:
        """Time since the present motion began."""
        starts = [0.0, *self.ends_s[:-1]]
        return time_s - max(start for start in starts if start <= time_s)


def camera_path(
    segments: Sequence[Segment],
    shake: Shake,
    generator: np.random.Generator,
    ease_s: float = 0.1,
) -> CameraPath:
    """Joins segments to one path.

    Args:
        ease_s: how long a change of speed takes.
    """
    ends_s = np.cumsum([segment.seconds for segment in segments])
    ticks = round(float(ends_s[-1]) * _TICKS_PER_SECOND) + 1
    times_s = np.arange(ticks) / _TICKS_PER_SECOND
    which = np.minimum(np.searchsorted(ends_s, times_s, side="right"), len(segments) - 1)
    flows = np.stack([_flow(segment) for segment in segments])[which]
    ripples = np.array([segment.ripple for segment in segments])[which]
    phase, rate_hz = generator.uniform(0, 2 * np.pi), generator.uniform(0.3, 1.5)
    flows *= (1 + ripples * np.sin(2 * np.pi * rate_hz * times_s + phase))[:, None]
    window = max(1, round(ease_s * _TICKS_PER_SECOND))
    padded = np.pad(flows, ((window - 1, 0), (0, 0)), mode="edge")
    kernel = np.ones(window) / window
    flows = np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=1)
    flows += _tremor(shake, times_s, generator)
    return CameraPath(
        times_s,
        _integrate(flows),
        tuple(map(float, ends_s)),
        tuple(segment.label for segment in segments),
    )


def _flow(segment: Segment) -> FloatArray:
    direction = np.array(DIRECTIONS[segment.label], float)
    others = np.where(direction == 0, segment.impurity, 0.0)
    return np.asarray((direction + others) * segment.speed)


def _tremor(shake: Shake, times_s: FloatArray, generator: np.random.Generator) -> FloatArray:
    tremor = np.zeros((len(times_s), 4))
    if not shake.amplitude:
        return tremor
    for column, share in enumerate((1.0, 1.0, 0.15, 0.4)):
        for frequency_hz in shake.frequencies_hz:
            phase = generator.uniform(0, 2 * np.pi)
            strength = generator.uniform(0.5, 1.0) * share * shake.amplitude
            tremor[:, column] += strength * np.sin(2 * np.pi * frequency_hz * times_s + phase)
    return np.asarray(tremor * np.sqrt(2 / len(shake.frequencies_hz)))


def _integrate(flows: FloatArray) -> FloatArray:
    """Poses of a camera whose picture flows so."""
    step_s = 1 / _TICKS_PER_SECOND
    log_zoom = np.cumsum(flows[:, 2] / MEAN_RADIUS) * step_s
    angle = np.cumsum(flows[:, 3] / MEAN_RADIUS) * step_s
    # The camera moves along its own axes, by less when it is zoomed in.
    cosine, sine = np.cos(angle), np.sin(angle)
    along, down = flows[:, 0], flows[:, 1]
    shrink = np.exp(-log_zoom) * step_s
    x = np.cumsum((cosine * along - sine * down) * shrink)
    y = np.cumsum((sine * along + cosine * down) * shrink)
    return np.stack([x, y, log_zoom, angle], axis=1)
