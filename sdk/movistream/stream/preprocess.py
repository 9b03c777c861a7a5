"""Brings a frame of any size to what a network takes, as its manifest says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from movistream.errors import FrameError
from movistream.file.manifest import ImageInput

Fit = Literal["crop", "letterbox", "stretch"]
FITS: tuple[str, ...] = get_args(Fit)


@dataclass(frozen=True)
class Region:
    """A rectangle of a frame, in pixels from its top left corner."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x < 0 or self.y < 0 or self.width < 1 or self.height < 1:
            raise FrameError(
                f"the region {self} is no rectangle of a frame: x and y are 0 or more, width and"
                " height 1 or more"
            )

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"


@dataclass(frozen=True)
class View:
    """Which part of a frame a network sees, and how that becomes the network's shape.

    Attributes:
        fit: ``crop`` takes the largest centred rectangle of the network's aspect ratio, as
            networks are evaluated; ``letterbox`` shows all, with black beside it; ``stretch``
            shows all, distorted.
        region: of the frame; None for all of it.
    """

    fit: Fit = "crop"
    region: Region | None = None

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise FrameError(f"a frame is fitted by {', '.join(FITS)}, not {self.fit!r}")


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

    def __init__(self, image: ImageInput, view: View | None = None) -> None:
        self._view = view or View()
        self._size = image.height, image.width
        self._values = np.empty(image.shape, image.dtype)
        lines = self._values.reshape(image.height, image.width * 3)
        low, high = image.value_range
        int8 = image.dtype == "int8"
        self._bytes = lines.view(np.uint8) if int8 else None
        self._floats = np.empty(lines.shape, np.float32) if int8 else lines
        self._factor = np.float32(1 if int8 else (high - low) / 255)
        self._offset = np.float32(0 if int8 else low)
        self._sampler: _Sampler | None = None

    def __call__(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.generic]:
        """The network's input for a frame; valid until the next call.

        Raises:
            FrameError: see :func:`check_frame`.
        """
        frame = check_frame(frame)
        size = frame.shape[:2]
        if size != self._size or self._view.region is not None:
            if self._sampler is None or self._sampler.frame_size != size:
                self._sampler = _Sampler(size, self._size, self._view, self._factor)
            self._sampler.sample(frame, self._floats)
            if self._bytes is not None:
                np.rint(self._floats, out=self._floats)
                np.copyto(self._bytes, self._floats, casting="unsafe")
                _turn_sign(self._bytes, self._bytes)
        elif self._bytes is not None:
            _turn_sign(frame.reshape(self._bytes.shape), self._bytes)
        else:
            np.multiply(frame.reshape(self._floats.shape), self._factor, out=self._floats)
        if self._offset:
            self._floats += self._offset
        return self._values


def _turn_sign(pixels: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8]) -> None:
    """Writes 0 to 255 as the bytes of -128 to 127."""
    np.bitwise_xor(pixels, np.uint8(0x80), out=out)


class _Sampler:
    """Bilinear sampling of what a view shows of a frame, worked out once per frame size.

    Neighbouring rows, then neighbouring columns are gathered as bytes; two weighted sums do the
    rest. Nothing is allocated per frame.
    """

    def __init__(
        self,
        frame_size: tuple[int, int],
        target: tuple[int, int],
        view: View,
        factor: np.float32,
    ) -> None:
        self.frame_size = frame_size
        region = view.region or Region(0, 0, frame_size[1], frame_size[0])
        if region.y + region.height > frame_size[0] or region.x + region.width > frame_size[1]:
            raise FrameError(
                f"the region {region} (x,y,width,height) is not inside a frame of"
                f" {frame_size[1]}x{frame_size[0]} pixels"
            )
        scales = region.height / target[0], region.width / target[1]
        if view.fit != "stretch":
            scale = min(scales) if view.fit == "crop" else max(scales)
            scales = scale, scale
        top, bottom, down, inside_rows = _axis(region.y, region.height, target[0], scales[0])
        left, right, along, inside = _axis(region.x, region.width, target[1], scales[1])
        self._rows = np.concatenate([top, bottom])
        self._columns = np.concatenate(
            [(columns[:, None] * 3 + np.arange(3)).reshape(-1) for columns in (left, right)]
        )
        self._row_weights = np.stack([1 - down, down]) * inside_rows * factor
        self._column_weights = np.repeat(np.stack([1 - along, along]) * inside, 3, axis=1)
        self._strips = np.empty((2 * target[0], 3 * frame_size[1]), np.uint8)
        self._corners = np.empty((2 * target[0], 6 * target[1]), np.uint8)
        self._columns_mixed = np.empty((target[0], 2, 3 * target[1]), np.float32)

    def sample(self, frame: npt.NDArray[np.uint8], out: npt.NDArray[np.float32]) -> None:
        """Writes the sampled frame, times the factor, into (height, width · 3)."""
        lines = frame.reshape(len(frame), -1)
        # Indices are in range; "clip" is what lets take write in place.
        lines.take(self._rows, axis=0, out=self._strips, mode="clip")
        self._strips.take(self._columns, axis=1, out=self._corners, mode="clip")
        height, pair, width = self._columns_mixed.shape
        corners = self._corners.reshape(2, height, pair, width)
        np.einsum("rhcw,rh->hcw", corners, self._row_weights, out=self._columns_mixed)
        np.einsum("hcw,cw->hw", self._columns_mixed, self._column_weights, out=out)


def _axis(
    start: int, size: int, target: int, scale: float
) -> tuple[
    npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32], npt.NDArray[np.float32]
]:
    """How target pixels lie along one axis of a region, half-pixel centres.

    Returns:
        Both neighbours of each, the weight of the second, and 1, or 0 beside the region.
    """
    offset = (size - target * scale) / 2
    centers = offset + (np.arange(target) + 0.5) * scale
    inside = ((centers >= 0) & (centers <= size)).astype(np.float32)
    places = np.clip(centers - 0.5, 0, size - 1)
    first = np.floor(places).astype(np.intp)
    second = np.minimum(first + 1, size - 1)
    return start + first, start + second, (places - first).astype(np.float32), inside
