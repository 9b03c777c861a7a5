"""What a network is trained on, one step at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Batch:
    """Clips of equal length.

    Attributes:
        images: uint8 (clips, frames, height, width, channels), RGB if there are three.
        labels: the class of each frame, int32 (clips, frames).
        weights: how much the answer to each frame counts, float32 (clips, frames); 0 for frames
            that only fill a clip up.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
