"""How far two models of one network agree."""

from __future__ import annotations

import numpy as np

from movistream.errors import EngineError
from movistream.stream.model import Model

_CHECKED_FRAMES = 6


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
                a, b = (stream.step(frame).logits.astype(np.float64) for stream in (first, second))
            except EngineError:
                return 0.0
            lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
            lowest = min(lowest, float(a @ b) / lengths if lengths else float((a == b).all()))
    return lowest
