"""Brings a frame of any size to what a network takes, as its manifest says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream.errors import FrameError
from movistream.manifest import ImageInput


def check_frame(frame: object) -> npt.NDArray[np.uint8]:
    """The frame itself, if it is one.

    Raises:
        FrameError: if it is not a uint8 array (height, width, 3) with pixels.
    """
    if not isinstance(frame, np.ndarray):
        raise FrameError(f"a frame is a numpy array, not {type(frame).__name__}")
    if frame.dtype != np.uint8:
        raise FrameError(
            f"a frame is uint8 with values 0 to 255, not {frame.dtype}; scale and convert it first"
        )
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise FrameError(f"a frame has shape (height, width, 3) in RGB order, not {frame.shape}")
    if 0 in frame.shape:
        raise FrameError(f"the frame of shape {frame.shape} has no pixels")
    return frame


class Preprocessor:
    """Crops, resizes and scales frames into one array that is reused."""

    def __init__(self, image: ImageInput) -> None:
        self._height, self._width = image.height, image.width
        low, high = image.value_range
        self._factor = np.float32((high - low) / 255.0)
        self._offset = np.float32(low)
        self._values = np.empty(image.shape, np.float32)
        self._target = self._values.reshape(self._height, self._width, 3)
        self._sampling: _Sampling | None = None

    def __call__(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """The network's input for a frame; valid until the next call.

        Raises:
            FrameError: see :func:`check_frame`.
        """
        frame = check_frame(frame)
        if frame.shape[:2] == (self._height, self._width):
            np.multiply(frame, self._factor, out=self._target)
        else:
            if self._sampling is None or self._sampling.frame_size != frame.shape[:2]:
                self._sampling = _plan(frame.shape[0], frame.shape[1], self._height, self._width)
            _sample(frame, self._sampling, self._target)
            self._target *= self._factor
        if self._offset:
            self._target += self._offset
        return self._values


@dataclass(frozen=True)
class _Sampling:
    """Bilinear sampling of a frame's centred crop, worked out once per frame size.

    Attributes:
        frame_size: (height, width) that it is for.
        corners: flat pixel indices of the four neighbours: top left, top right, bottom left,
            bottom right; each (height, width) of the target.
        right: how much the right neighbours weigh, (width, 1).
        bottom: how much the lower neighbours weigh, (height, 1, 1).
    """

    frame_size: tuple[int, int]
    corners: tuple[npt.NDArray[np.intp], ...]
    right: npt.NDArray[np.float32]
    bottom: npt.NDArray[np.float32]


def _plan(height: int, width: int, target_height: int, target_width: int) -> _Sampling:
    scale = min(height / target_height, width / target_width)
    top, bottom, down = _axis(height, target_height, scale)
    left, right, along = _axis(width, target_width, scale)
    corners = tuple(
        (rows[:, None] * width + columns[None, :]).astype(np.intp)
        for rows in (top, bottom)
        for columns in (left, right)
    )
    return _Sampling((height, width), corners, along[:, None], down[:, None, None])


def _axis(
    size: int, target: int, scale: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Neighbours and weights of target pixels along one axis, half-pixel centres."""
    start = (size - target * scale) / 2
    centers = np.clip(start + (np.arange(target) + 0.5) * scale - 0.5, 0, size - 1)
    first = np.floor(centers).astype(np.intp)
    return first, np.minimum(first + 1, size - 1), (centers - first).astype(np.float32)


def _sample(
    frame: npt.NDArray[np.uint8], sampling: _Sampling, out: npt.NDArray[np.float32]
) -> None:
    pixels = frame.reshape(-1, 3)
    top_left, top_right, bottom_left, bottom_right = (
        pixels[corner].astype(np.float32) for corner in sampling.corners
    )
    top = top_left + (top_right - top_left) * sampling.right
    bottom = bottom_left + (bottom_right - bottom_left) * sampling.right
    np.add(top, (bottom - top) * sampling.bottom, out=out)
