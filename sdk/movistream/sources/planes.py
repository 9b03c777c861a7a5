"""Decoded frames as RGB pictures: all of one, or the parts that a network looks at.

A frame of most codecs is three planes, luma and halved chroma. Making RGB of all of it takes many
times as long as of the few rows and columns that a small network samples.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.errors import VideoError
from movistream.sources.address import reason_of
from movistream.sources.frame import Picture, Undecoded
from movistream.stream.parts import Parts

_PLANAR = {"yuv420p": 2, "yuvj420p": 2, "yuv422p": 1, "yuvj422p": 1}
"""Formats that are three planes of bytes: luma rows to a row of chroma. Chroma columns are half."""

_BLOCK = 16
"""Columns that are converted at once; the last ones of other widths are converted otherwise."""

Places = npt.NDArray[np.intp]


class DecodedPicture(Parts):
    """A frame as it was decoded, which becomes RGB when it is asked for."""

    def __init__(self, frame: Any) -> None:
        """Takes PyAV's frame."""
        self._frame = frame
        self._quarters = round(frame.rotation / 90) % 4
        sides = (frame.height, frame.width)
        height, width = sides[::-1] if self._quarters % 2 else sides
        self.shape = height, width, 3

    def __call__(self) -> Picture:
        """All of it, turned as its metadata says.

        Raises:
            VideoError: if its pixels are of a kind that cannot become RGB.
        """
        image = _rgb(self._frame)
        if self._quarters:
            image = np.ascontiguousarray(np.rot90(image, self._quarters))
        return image

    def take(self, rows: Places, columns: Places) -> Picture:
        """See :meth:`.Parts.take`; the same numbers as those of the whole.

        Raises:
            VideoError: as for the whole.
        """
        beyond = columns.max() >= self._frame.width // _BLOCK * _BLOCK
        if self._quarters or beyond or not _takes_parts(*_kind(self._frame)):
            return self().take(rows, axis=0).take(columns, axis=1)
        return _part(self._frame, rows, columns)


class UndecodedPicture(Undecoded):
    """A packet of a codec of which no frame needs another."""

    def __init__(self, codec: Any, packet: Any) -> None:
        """Takes PyAV's context of the decoder, with one thread, and its packet."""
        self._codec = codec
        self._packet = packet

    def decoded(self) -> DecodedPicture:
        from av import FFmpegError

        try:
            frames = self._codec.decode(self._packet)
        except (FFmpegError, OSError, ValueError):
            frames = []
        if not frames or frames[0].is_corrupt:
            raise VideoError("a picture is damaged")
        return DecodedPicture(frames[0])


def _kind(frame: Any) -> tuple[str, int, int, int]:
    return frame.format.name, int(frame.colorspace), int(frame.color_range), frame.height % 2


@cache
def _takes_parts(pixel_format: str, colorspace: int, color_range: int, odd: int) -> bool:
    """Whether parts of frames of a kind become what they are in the whole; tries it once."""
    if pixel_format not in _PLANAR or odd:
        return False
    generator = np.random.default_rng(seed=1)
    frame = _new_frame(4 * _BLOCK, 2 * _BLOCK, pixel_format, colorspace, color_range)
    for plane in _planes(frame):
        plane[:] = generator.integers(0, 256, plane.shape, np.uint8)
    rows = np.array([0, 1, 6, 11, 12, 31, 31])
    columns = np.array([1, 0, 17, 30, 31, 31, 47, 63])
    part = _part(frame, rows, columns)
    return bool(np.array_equal(part, _rgb(frame)[rows][:, columns]))


def _part(frame: Any, rows: Places, columns: Places) -> Picture:
    """Points of a frame, made RGB as a frame of their own: pairs of them have chroma in common."""
    row_pairs, row_places = np.unique(rows // 2, return_inverse=True)
    column_pairs, column_places = np.unique(columns // 2, return_inverse=True)
    width = 2 * len(column_pairs)
    name, colorspace, color_range, _ = _kind(frame)
    padded = -(-width // _BLOCK) * _BLOCK
    gathered = _new_frame(padded, 2 * len(row_pairs), name, colorspace, color_range)
    both = (2 * row_pairs[:, None] + np.arange(2)).reshape(-1)
    luma, *chroma = zip(_planes(frame), _planes(gathered), strict=True)
    source, target = luma
    # Two at once, as numbers of two bytes.
    pairs = source[:, : source.shape[1] // 2 * 2].view(np.uint16).take(both, axis=0)
    target[:, :width] = pairs.take(column_pairs, axis=1).view(np.uint8)
    which = row_pairs if _PLANAR[name] == 2 else both
    for source, target in chroma:
        target[:, : width // 2] = source.take(which, axis=0).take(column_pairs, axis=1)
    image = _rgb(gathered)
    image = image.take(2 * row_places + rows % 2, axis=0)
    found: Picture = image.take(2 * column_places + columns % 2, axis=1)
    return found


def _new_frame(width: int, height: int, name: str, colorspace: int, color_range: int) -> Any:
    from av import VideoFrame

    frame = VideoFrame(width, height, name)
    frame.colorspace, frame.color_range = colorspace, color_range
    return frame


def _planes(frame: Any) -> list[Picture]:
    return [np.frombuffer(p, np.uint8).reshape(-1, p.line_size)[: p.height] for p in frame.planes]


def _rgb(frame: Any) -> Picture:
    from av import FFmpegError

    try:
        image: Picture = frame.to_ndarray(format="rgb24")
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"a frame cannot become RGB: {reason_of(error)}") from None
    return image
