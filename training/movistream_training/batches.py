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
        targets: the class of each frame, int32 (clips, frames); or, where several may be right at
            once, 1 for each that is and 0 for the others, float32 (clips, frames, classes).
        weights: how much each of the answers counts, float32 in the shape of the targets; 0 for
            frames that only fill a clip up.
    """

    images: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int32] | npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
