"""Text in a picture: a camera's name and a clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from movistream_training.footage.scene import Picture

_HEIGHT, _WIDTH = 24, 300
"""Pixels of the drawn text; far finer than any frame shows it."""


@dataclass(frozen=True)
class Overlay:
    """What is written into the picture, once a second anew.

    Attributes:
        name: of the camera.
        starts_s: what the clock shows at 0 s, in seconds after midnight.
        left: of the text, in widths from the left edge of the frame.
        top: of the text, in widths from the top edge.
        width: of the text, in widths.
        boxed: whether a black bar lies behind it.
        runs_on: whether it goes on over a frozen picture, as when the sensor hangs and not the
            device; else it stands still with it.
    """

    name: str
    starts_s: float
    left: float
    top: float
    width: float
    boxed: bool
    runs_on: bool

    def box(self, size: int) -> tuple[slice, slice]:
        """Its rows and columns in a frame of so many pixels per side."""
        width = min(size, max(4, round(self.width * size)))
        height = max(2, round(width * _HEIGHT / _WIDTH))
        top = min(size - height, round(self.top * size))
        left = min(size - width, round(self.left * size))
        return slice(top, top + height), slice(left, left + width)


def overlaid(picture: Picture, overlay: Overlay, clock_s: float) -> Picture:
    """The picture with the text of a moment."""
    rows, columns = overlay.box(len(picture))
    second = int(overlay.starts_s + clock_s)
    text = f"{overlay.name} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    ink = _ink(text, columns.stop - columns.start, rows.stop - rows.start)
    written = picture.copy()
    region = written[rows, columns].astype(np.float32)
    if overlay.boxed:
        region *= np.float32(0.2)
    written[rows, columns] = (region + ink[..., None] * (255 - region)).astype(np.uint8)
    return np.asarray(written)


@lru_cache(maxsize=32)
def _ink(text: str, width: int, height: int) -> npt.NDArray[np.float32]:
    drawn = np.zeros((_HEIGHT, _WIDTH), np.uint8)
    cv2.putText(drawn, text, (2, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.55, 255, 1, cv2.LINE_AA)
    sampled = cv2.resize(drawn, (width, height))
    return np.asarray(sampled / np.float32(255), np.float32)
