"""Pictures that are not in a video: a folder of image files, arrays, raw bytes."""

from __future__ import annotations

import os
import re
import select
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from movistream.errors import MissingExtraError, VideoError
from movistream.sources.frame import Picture, Source, VideoFrame, as_it_is, sane_rate
from movistream.sources.video_file import VIDEO_SUFFIXES
from movistream.stream.preprocess import check_frame

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

MOST_PIXELS = 40_000_000
"""Of an image file: with transparency, its copies take 19 bytes a pixel on the way to RGB."""

_SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_POLL_S = 0.2
_DIGITS = re.compile(r"(\d+)")


class ImageFolder(Source):
    """The image files of a folder as one video, see :class:`.frame.Source`.

    They come in the order of their names, numbers in them compared as numbers. Grey pictures and
    palettes become RGB, transparency is laid over black, 16 bits are cut to 8, and the turn that a
    camera has noted is obeyed.
    """

    def __init__(self, path: Path, frames_per_second: float) -> None:
        """Finds the files.

        Raises:
            VideoError: if there are none, or videos beside them.
            MissingExtraError: if Pillow is not installed.
        """
        _pillow()
        self.name = str(path)
        self.frames_per_second = frames_per_second
        files = [file for file in path.iterdir() if file.is_file()]
        images = (file for file in files if file.suffix.lower() in IMAGE_SUFFIXES)
        self._files = sorted(images, key=_natural_order)
        videos = sum(file.suffix.lower() in VIDEO_SUFFIXES for file in files)
        if videos:
            raise VideoError(
                f"the folder {path} holds videos ({videos}) and images ({len(self._files)}), and"
                " only a folder of images is one video: name the videos, or run them all with"
                " --output-dir"
            )
        if not self._files:
            raise VideoError(
                f"the folder {path} holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})"
            )
        self.seconds = len(self._files) / frames_per_second

    def __iter__(self) -> Iterator[VideoFrame]:
        assert self.frames_per_second is not None
        for index, file in enumerate(self._files):
            yield VideoFrame(index, index / self.frames_per_second, partial(read_image, file))


class ArraySource(Source):
    """A :class:`.frame.Source` of one's own pictures, each uint8 RGB (height, width, 3).

    For models that take other frames than RGB, pictures are as :meth:`.Stream.step` takes them.
    """

    def __init__(
        self,
        images: Iterable[Picture],
        frames_per_second: float | None = None,
        name: str = "array",
    ) -> None:
        """Takes pictures.

        Args:
            images: an array (frames, height, width, 3), a list, or whatever gives pictures.
            frames_per_second: how fast they come; if it is not known, times count frames as if
                one came a second.
            name: for people.

        Raises:
            VideoError: if the images cannot be iterated over, or the rate is no number above 0.
        """
        if isinstance(images, (str, bytes)) or not isinstance(images, Iterable):
            raise VideoError(
                f"images must be an array or give pictures, not {type(images).__name__}"
            )
        if frames_per_second is not None and sane_rate(frames_per_second) is None:
            raise VideoError(
                "frames per second must be a number above 0 and at most 1000, not"
                f" {frames_per_second!r}"
            )
        self.name = name
        self.frames_per_second = frames_per_second
        if frames_per_second is not None and isinstance(images, (np.ndarray, list, tuple)):
            self.seconds = len(images) / frames_per_second
        self._images = images

    def __iter__(self) -> Iterator[VideoFrame]:
        rate = self.frames_per_second or 1.0
        for index, image in enumerate(self._images):
            yield VideoFrame(index, index / rate, partial(_checked, image))


def _checked(image: Picture) -> Picture:
    """A picture of any number of channels: its model knows how many there should be."""
    rank = image.ndim if isinstance(image, np.ndarray) else 0
    return check_frame(image, {2: 1, 3: image.shape[-1]}[rank] if rank in (2, 3) else 3)


class RawSource(Source):
    """Uncompressed RGB from a pipe, see :class:`.frame.Source`: height · width · 3 bytes a frame.

    Reading holds the writer back, so no frame is lost.
    """

    def __init__(
        self, file: IO[bytes], width: int, height: int, frames_per_second: float, name: str
    ) -> None:
        self.name = name
        self.frames_per_second = frames_per_second
        self._file = file
        self._shape = height, width, 3
        self._interrupted = False

    def __iter__(self) -> Iterator[VideoFrame]:
        assert self.frames_per_second is not None
        size = int(np.prod(self._shape))
        index = 0
        while data := self._read(size):
            if len(data) < size:
                raise VideoError(
                    f"{self.name} ends within frame {index}: {len(data)} of {size} bytes; is the"
                    f" size really {self._shape[1]}x{self._shape[0]}?"
                )
            image = np.frombuffer(data, np.uint8).reshape(self._shape)
            yield VideoFrame(index, index / self.frames_per_second, partial(as_it_is, image))
            index += 1
        if not index and not self._interrupted:
            raise VideoError(f"{self.name} gives no frame")

    def _read(self, size: int) -> bytes:
        """So many bytes, fewer at the end, none once interrupted."""
        try:
            descriptor = self._file.fileno()
        except OSError:
            return self._file.read(size)
        if not hasattr(select, "poll"):
            return self._file.read(size)  # Windows waits for sockets only.
        data = bytearray()
        while len(data) < size and not self._interrupted:
            if select.select([descriptor], [], [], _POLL_S)[0]:
                part = os.read(descriptor, size - len(data))
                if not part:
                    break
                data += part
        return b"" if self._interrupted else bytes(data)

    def interrupt(self) -> None:
        self._interrupted = True


def read_image(path: Path) -> Picture:
    """An image file as uint8 RGB (height, width, 3).

    Raises:
        VideoError: if it cannot be read, or has more than :data:`MOST_PIXELS` pixels.
    """
    image_module, operations, unreadable = _pillow()
    try:
        with image_module.open(path) as image:
            if (pixels := image.width * image.height) > MOST_PIXELS:
                raise VideoError(f"{path} has {pixels} pixels, more than {MOST_PIXELS}")
            if image.mode in _SIXTEEN_BITS:
                grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
                return np.repeat(grey[..., None], 3, axis=2)
            upright = operations.exif_transpose(image)
            if upright.has_transparency_data:
                upright = upright.convert("RGBA")
                black = image_module.new("RGBA", upright.size, (0, 0, 0, 255))
                upright = image_module.alpha_composite(black, upright)
            return np.array(upright.convert("RGB"))
    except unreadable as error:
        raise VideoError(f"{path} cannot be read as an image: {error}") from None


def _pillow() -> tuple[Any, Any, tuple[type[Exception], ...]]:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise MissingExtraError("reading images", "video") from None
    # Damaged files make Pillow raise nearly anything.
    unreadable = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
    return Image, ImageOps, unreadable


def _natural_order(path: Path) -> list[tuple[bool, int, str]]:
    parts = _DIGITS.split(path.name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
