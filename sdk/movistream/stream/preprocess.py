"""Brings a frame of any size to what a network takes, as its manifest says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from movistream.errors import FrameError
from movistream.file.manifest import ImageInput
from movistream.stream.parts import Parts, Shown
from movistream.stream.scratch import scratch

_FRAME_TO_PARTS = 8
"""Points of a frame to each that is sampled, from where on gathering these is cheaper."""

_LUMA = np.array([0.299, 0.587, 0.114])
"""Of red, green and blue in grey, by BT.601."""

_BYTE_ZERO_POINT = -128
"""Of int8 tensors that hold pixel values less 128."""

Fit = Literal["crop", "letterbox", "stretch"]
FITS: tuple[str, ...] = get_args(Fit)


@dataclass(frozen=True)
class Region:
    """A rectangle of a frame, in pixels.

    Attributes:
        x: how far its left edge is from the frame's.
        y: how far its top edge is from the frame's.
        width: its width, 1 or more.
        height: its height, 1 or more.
    """

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
        fit: how the region is brought to the network's aspect ratio. ``crop`` takes the largest
            centred rectangle of that ratio, as networks are evaluated. ``letterbox`` shows all of
            the region with black bars beside it. ``stretch`` shows all of it, distorted.
        region: the part of the frame that is looked at; None for all of it.
    """

    fit: Fit = "crop"
    region: Region | None = None

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise FrameError(f"a frame is fitted by {', '.join(FITS)}, not {self.fit!r}")


def check_frame(frame: object, channels: int = 3) -> npt.NDArray[np.uint8]:
    """The frame itself, if a network of so many channels can be shown it.

    Raises:
        FrameError: if it is not a uint8 array (height, width, channels) with pixels. For one
            channel, (height, width) is a frame too, and so is RGB.
    """
    if not isinstance(frame, np.ndarray):
        raise FrameError(f"a frame is a numpy array, not {type(frame).__name__}")
    if frame.dtype != np.uint8:
        raise FrameError(
            f"a frame is uint8 with values 0 to 255, not {frame.dtype}; scale and convert it first"
        )
    shape = frame.shape
    if channels == 1:
        fits = frame.ndim == 2 or (frame.ndim == 3 and shape[2] in (1, 3))
    else:
        fits = frame.ndim == 3 and shape[2] == channels
    if not fits:
        raise FrameError(f"a frame has shape {_frame_shape(channels)}, not {shape}")
    if 0 in shape:
        raise FrameError(f"the frame of shape {shape} has no pixels")
    return frame


def _frame_shape(channels: int) -> str:
    if channels == 3:
        return "(height, width, 3) in RGB order"
    if channels == 1:
        return "(height, width), (height, width, 1), or (height, width, 3) in RGB order"
    return f"(height, width, {channels}), as many channels as the network has"


@dataclass(frozen=True, eq=False)
class Scaling:
    """How pixel values become a tensor's numbers: value · factor · weight + offset.

    Attributes:
        factor: of all channels.
        weights: of each channel, float32 (channels,).
        offsets: of each channel, float32 (channels,).
        zero_point: added to rounded numbers; 0 for float tensors.
    """

    factor: np.float32
    weights: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.float32]
    zero_point: int


def scaling_of(image: ImageInput) -> Scaling:
    """What a manifest says of numbers, see :class:`.manifest.ImageInput`."""
    low, high = image.value_range
    scale, zero_point = 1.0, 0
    if image.scale is not UNSET:
        scale = image.scale
        zero_point = 0 if image.zero_point is UNSET else image.zero_point
    elif image.dtype == "int8":
        low, high, zero_point = 0.0, 255.0, _BYTE_ZERO_POINT
    mean = np.zeros(image.channels) if image.mean is UNSET else np.array(image.mean)
    std = np.ones(image.channels) if image.std is UNSET else np.array(image.std)
    return Scaling(
        factor=np.float32((high - low) / 255 / scale),
        weights=(1 / std).astype(np.float32),
        offsets=((low - mean) / std / scale).astype(np.float32),
        zero_point=zero_point,
    )


class Preprocessor:
    """Crops, resizes, greys and scales frames into one array that is reused."""

    def __init__(self, image: ImageInput, view: View | None = None) -> None:
        self._view = view or View()
        self._size = image.height, image.width
        self._channels = image.channels
        self._values = np.empty(image.shape, image.dtype)
        lines = self._values.reshape(image.height, image.width * image.channels)
        self._stored = lines if image.dtype == "int8" else None
        self._lines = lines
        scaling = scaling_of(image)
        self._factor = scaling.factor
        self._zero_point = scaling.zero_point
        # Numbers that all channels share are faster than rows of them.
        plain = image.mean is UNSET and image.std is UNSET
        self._weights = None if plain else np.tile(scaling.weights, image.width)
        self._offsets = scaling.offsets[:1] if plain else np.tile(scaling.offsets, image.width)
        # Pixel values less 128 need no arithmetic.
        self._is_bytes = self._stored is not None and image.scale is UNSET
        std = 1.0 if image.std is UNSET else image.std[0]
        self._grey = _Grey(std) if image.channels == 1 else None
        self._sampler: _Sampler | None = None

    def __call__(self, frame: Shown) -> npt.NDArray[np.generic]:
        """The network's input for a frame; valid until the next call.

        Raises:
            FrameError: see :func:`check_frame`.
        """
        if isinstance(frame, Parts) and not self._takes_parts(frame.shape):
            frame = frame()
        if not isinstance(frame, Parts):
            frame = check_frame(frame, self._channels)
            frame = frame[..., None] if frame.ndim == 2 else frame
        is_whole = frame.shape[:2] == self._size and self._view.region is None
        floats = scratch("floats", self._lines.shape) if self._stored is not None else self._lines
        if self._grey is not None and frame.shape[2] == 3:
            colors = scratch("colors", (self._size[0], self._size[1] * 3))
            self._sample(frame, colors, is_whole=is_whole)
            self._grey.mix(colors, floats)
        elif (
            is_whole
            and self._is_bytes
            and self._stored is not None
            and isinstance(frame, np.ndarray)
        ):
            pixels = self._stored.view(np.uint8)
            _turn_sign(frame.reshape(pixels.shape), pixels)
            return self._values
        else:
            self._sample(frame, floats, is_whole=is_whole)
            if self._weights is not None:
                floats *= self._weights
        if self._offsets.any():
            floats += self._offsets
        if self._stored is not None:
            self._store(floats, self._stored)
        return self._values

    def _takes_parts(self, frame_shape: tuple[int, ...]) -> bool:
        """Whether what is sampled of a frame costs less than all of it."""
        height, width = self._size
        sampled = 2 * height * 2 * width
        points = frame_shape[0] * frame_shape[1]
        return self._channels in (1, 3) and points > _FRAME_TO_PARTS * sampled

    def _sample(self, frame: Shown, lines: npt.NDArray[np.float32], *, is_whole: bool) -> None:
        """Writes what is seen of a frame, times the factor, into (height, width · channels)."""
        if is_whole and isinstance(frame, np.ndarray):
            np.multiply(frame.reshape(lines.shape), self._factor, out=lines)
            return
        if self._sampler is None or self._sampler.frame_shape != frame.shape:
            self._sampler = _Sampler(frame.shape, self._size, self._view, self._factor)
        self._sampler.sample(frame, lines)

    def _store(self, floats: npt.NDArray[np.float32], stored: npt.NDArray[np.generic]) -> None:
        """Rounds to the numbers of an int8 tensor."""
        np.rint(floats, out=floats)
        if self._is_bytes:
            pixels = stored.view(np.uint8)
            np.copyto(pixels, floats, casting="unsafe")
            _turn_sign(pixels, pixels)
            return
        floats += self._zero_point
        np.clip(floats, -128, 127, out=floats)
        np.copyto(stored, floats, casting="unsafe")


class _Grey:
    """Makes grey of red, green and blue, without rounding it."""

    def __init__(self, std: float) -> None:
        self._weights = (_LUMA / std).astype(np.float32)

    def mix(self, colors: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
        """Writes the grey of (height, width · 3) over std into (height, width)."""
        pixels = colors.reshape(*out.shape, 3)
        part = scratch("grey", out.shape)
        np.multiply(pixels[..., 0], self._weights[0], out=out)
        for channel in (1, 2):
            np.multiply(pixels[..., channel], self._weights[channel], out=part)
            out += part


def _turn_sign(pixels: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8]) -> None:
    """Writes 0 to 255 as the bytes of -128 to 127."""
    np.bitwise_xor(pixels, np.uint8(0x80), out=out)


class _Sampler:
    """Bilinear sampling of what a view shows of a frame, worked out once per frame shape.

    Neighbouring rows, then neighbouring columns are gathered as bytes; two weighted sums do the
    rest. Of an array, nothing is allocated per frame.
    """

    def __init__(
        self,
        frame_shape: tuple[int, ...],
        target: tuple[int, int],
        view: View,
        factor: np.float32,
    ) -> None:
        self.frame_shape = frame_shape
        *frame_size, channels = frame_shape
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
        self._columns = np.concatenate([left, right])
        self._values = np.concatenate(
            [
                (columns[:, None] * channels + np.arange(channels)).reshape(-1)
                for columns in (left, right)
            ]
        )
        self._row_weights = np.stack([1 - down, down]) * inside_rows * factor
        self._column_weights = np.repeat(np.stack([1 - along, along]) * inside, channels, axis=1)
        self._target = target[0], channels * target[1]

    def sample(self, frame: Shown, out: npt.NDArray[np.float32]) -> None:
        """Writes the sampled frame, times the factor, into (height, width · channels)."""
        height, width = self._target
        if isinstance(frame, Parts):
            corners = frame.take(self._rows, self._columns)
        else:
            lines = frame.reshape(len(frame), -1)
            # Indices are in range; "clip" is what lets take write in place.
            strips = scratch("strips", (2 * height, lines.shape[1]), np.uint8)
            lines.take(self._rows, axis=0, out=strips, mode="clip")
            corners = scratch("corners", (2 * height, 2 * width), np.uint8)
            strips.take(self._values, axis=1, out=corners, mode="clip")
        mixed = scratch("mixed", (height, 2, width))
        corners = corners.reshape(2, height, 2, width)
        np.einsum("rhcw,rh->hcw", corners, self._row_weights, out=mixed)
        np.einsum("hcw,cw->hw", mixed, self._column_weights, out=out)


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
