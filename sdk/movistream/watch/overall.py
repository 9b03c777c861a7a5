"""What a network says to all that it has seen of a source."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from movistream.file.manifest import Activation


class Overall:
    """One answer for all frames of a stream.

    It is what the network says after the last frame, for then it has seen them all. A network that
    has forgotten some, by a horizon or a reset, has not: then it is the mean over all frames. Where
    several classes may be at once, each for a moment, it is the highest score that each ever had.
    """

    def __init__(
        self, classes: int, horizon_frames: int | None, activation: Activation = "softmax"
    ) -> None:
        """Starts before the first frame.

        Args:
            horizon_frames: the network follows about so many last frames; None for all.
        """
        self.horizon_frames = horizon_frames
        self._of_moments = activation == "sigmoid"
        self._total = np.zeros(classes, np.float64)
        self._highest = np.zeros(classes, np.float32)
        self._last: npt.NDArray[np.float32] | None = None
        self._frames = 0
        self._has_forgotten = False

    def add(self, scores: npt.NDArray[np.float32]) -> None:
        """Takes the scores (classes,) of a frame."""
        self._total += scores
        self._highest = np.maximum(self._highest, scores)
        self._last = scores
        self._frames += 1
        if self.horizon_frames is not None and self.horizon_frames < self._frames:
            self._has_forgotten = True

    def forget(self) -> None:
        """The stream is reset."""
        self._has_forgotten = self._frames > 0

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean over all frames."""
        return self._has_forgotten and not self._of_moments

    def scores(self) -> npt.NDArray[np.float32] | None:
        """The scores (classes,) for all frames; None before the first."""
        if self._of_moments:
            return self._highest if self._frames else None
        if self._has_forgotten:
            return (self._total / self._frames).astype(np.float32)
        return self._last
