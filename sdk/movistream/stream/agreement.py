"""How far two models of one network agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from movistream.errors import EngineError
from movistream.stream.model import Model

_CHECKED_FRAMES = 6
_BRIGHTEST = 255


def cosine(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Between two answers, -1 to 1. Where one is nothing but zeros: 1 if both are, else 0.

    Args:
        one: logits, (classes,).
        other: as many.
    """
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else float((a == b).all())


def lowest_cosine(one: Model, other: Model) -> float:
    """Between the logits of two models on a few frames of noise and gradients; 0 if one fails."""
    image = one.manifest.input
    lowest = 1.0
    with one.stream() as first, other.stream() as second:
        for index in range(_CHECKED_FRAMES):
            frame = checked_frame(index, image.height, image.width, image.channels)
            try:
                answers = [stream.step(frame).logits for stream in (first, second)]
            except EngineError:
                return 0.0
            lowest = min(lowest, cosine(*answers))
    return lowest


def checked_frame(index: int, height: int, width: int, channels: int) -> npt.NDArray[np.uint8]:
    """One of the frames that models are compared on, uint8 (height, width, channels).

    A gradient from left to right, over which more and more noise is laid. Runtimes in other
    languages take the same frames.
    """
    count = height * width * channels
    places = np.arange(count) + index * count
    ramp = (_BRIGHTEST * np.arange(width) // max(1, width - 1))[:, None]
    mixed = _noise(places).reshape(height, width, channels) * index
    mixed += ramp * (_CHECKED_FRAMES - index)
    return (mixed // _CHECKED_FRAMES).astype(np.uint8)


def _noise(places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Numbers from 0 to 255 that look random; the same in every language."""
    mixed = (places & 0xFFFFFFFF).astype(np.uint32) * np.uint32(0x9E3779B1)
    mixed = (mixed ^ mixed >> np.uint32(15)) * np.uint32(0x85EBCA77)
    mixed = (mixed ^ mixed >> np.uint32(13)) * np.uint32(0xC2B2AE3D)
    values: npt.NDArray[np.int64] = (mixed >> np.uint32(24)).astype(np.int64)
    return values
