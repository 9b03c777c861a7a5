"""Rendered clips, and the batches that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream_training.batches import Batch


@dataclass(frozen=True)
class Clip:
    """A rendered clip, and what is true of it.

    Attributes:
        frames: uint8 RGB (frames, size, size, 3).
        targets: the class of each frame, int32 (frames,); or, where several may be right at once,
            whether each is, bool (frames, classes).
        weights: how much each of the answers counts in training, float32 in the shape of the
            targets.
    """

    frames: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int32] | npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float32]


def batch_of(clips: Sequence[Clip]) -> Batch:
    """Clips of one length and size, side by side."""
    targets = np.stack([clip.targets for clip in clips])
    return Batch(
        np.stack([clip.frames for clip in clips]),
        targets.astype(np.float32) if targets.ndim == 3 else targets.astype(np.int32),
        np.stack([clip.weights for clip in clips]),
    )
