"""Random changes of a clip: the same for all its frames, so that motion stays what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]

_SIDED = re.compile(r"\b(left|right|clockwise|anticlockwise)(ward|wards)?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Augmentation:
    """What is done to one clip.

    Attributes:
        speed: how much faster it plays.
        crop: side of the square that is cut out, as a share of the frame's shorter side.
        place: where, (x, y), 0 to 1 of what is left.
        flipped: left and right exchanged.
        brightness: added, in grey levels.
        contrast: around the middle grey.
        saturation: of colours; 0 is grey.
    """

    speed: float
    crop: float
    place: tuple[float, float]
    flipped: bool
    brightness: float
    contrast: float
    saturation: float


def flips_are_safe(labels: Sequence[str]) -> bool:
    """Whether no class's name tells left from right, or a sense of turning."""
    return not any(_SIDED.search(label.replace("_", " ")) for label in labels)


def random_augmentation(generator: np.random.Generator, *, flips: bool) -> Augmentation:
    """Moderate values of everything."""
    return Augmentation(
        speed=float(np.exp(generator.uniform(-0.22, 0.22))),
        crop=generator.uniform(0.75, 1.0),
        place=(generator.uniform(), generator.uniform()),
        flipped=flips and bool(generator.random() < 0.5),
        brightness=generator.uniform(-25, 25),
        contrast=generator.uniform(0.8, 1.25),
        saturation=generator.uniform(0.6, 1.3),
    )


def augment(frame: Frame, augmentation: Augmentation, size: int) -> Frame:
    """A frame as the network is shown it, uint8 RGB (size, size, 3).

    Sampled as the runtime samples: bilinear, without smoothing.
    """
    height, width = frame.shape[:2]
    side = max(1, round(augmentation.crop * min(height, width)))
    left = round(augmentation.place[0] * (width - side))
    top = round(augmentation.place[1] * (height - side))
    square = frame[top : top + side, left : left + side]
    values = cv2.resize(square, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * np.float32(augmentation.saturation)
    values = 128 + (values - 128) * np.float32(augmentation.contrast) + augmentation.brightness
    if augmentation.flipped:
        values = values[:, ::-1]
    return np.asarray(np.clip(values, 0, 255), np.uint8)
