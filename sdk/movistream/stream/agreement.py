"""How far two models of one network agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from movistream.errors import EngineError
from movistream.stream.model import Model

_CHECKED_FRAMES = 6


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
    generator = np.random.default_rng(0)
    size = one.manifest.input.shape[-3:]
    ramp = np.linspace(0, 255, size[1])[:, None]
    lowest = 1.0
    with one.stream() as first, other.stream() as second:
        for index in range(_CHECKED_FRAMES):
            noise = generator.integers(0, 256, size)
            mixed = (noise * index + ramp * (_CHECKED_FRAMES - index)) / _CHECKED_FRAMES
            frame = mixed.astype(np.uint8)
            try:
                answers = [stream.step(frame).logits for stream in (first, second)]
            except EngineError:
                return 0.0
            lowest = min(lowest, cosine(*answers))
    return lowest
