"""When a stream should forget: at a cut to another scene, after a gap, every so often."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from movistream.errors import MovistreamError
from movistream.sources.frame import VideoFrame

Reason = Literal["scene cut", "gap", "interval", "asked for"]

_GRID = 32
_BINS = 8
_CUT_DISTANCE = 0.5
_CUT_RATIO = 2.5
_ADAPTATION = 0.3


@dataclass(frozen=True)
class ResetOptions:
    """When a stream is reset.

    Attributes:
        scene_cut: when the picture changes from one frame to the next as it does between scenes.
        gap_s: when no frame came for longer than this, in seconds; None for never.
        every_s: when so many seconds have passed since the last reset; None for never.
    """

    scene_cut: bool = False
    gap_s: float | None = None
    every_s: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("gap", self.gap_s), ("interval", self.every_s)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise MovistreamError(
                    f"the {name} that resets a stream lasts more than 0 seconds, not {value!r}"
                )


class ResetPolicy:
    """Decides, frame by frame of one stream, whether it should be reset before the frame."""

    def __init__(self, options: ResetOptions) -> None:
        """Starts before the first frame."""
        self._options = options
        self._cuts = SceneCutDetector() if options.scene_cut else None
        self._last_s: float | None = None
        self._reset_s = 0.0

    def reason(self, frame: VideoFrame) -> Reason | None:
        """Why to reset before this frame; None to go on. Ask once per frame, in order."""
        options, last_s, time_s = self._options, self._last_s, frame.time_s
        self._last_s = time_s
        cut = self._cuts is not None and self._cuts.is_cut(frame.image)
        found: Reason | None = None
        if last_s is None:
            self._reset_s = time_s
        elif options.gap_s is not None and time_s - last_s > options.gap_s:
            found = "gap"
        elif cut:
            found = "scene cut"
        elif options.every_s is not None and time_s - self._reset_s >= options.every_s:
            found = "interval"
        if found is not None:
            self._reset_s = time_s
        return found


class SceneCutDetector:
    """Finds cuts by the colours of frames, which motion within a scene hardly changes.

    A cut is where the histograms of two frames that follow each other share less than half of
    their pixels, and differ far more than those of the frames before did. Takes well below a
    millisecond: it looks at a grid of 32 × 32 pixels.
    """

    def __init__(self) -> None:
        """Starts before the first frame."""
        self._histogram: npt.NDArray[np.float32] | None = None
        self._usual = 0.0

    def is_cut(self, image: npt.NDArray[np.uint8]) -> bool:
        """Whether a scene begins with this frame, uint8 (height, width), or with channels.

        The first frame begins none.
        """
        histogram = _histogram(image)
        before, self._histogram = self._histogram, histogram
        if before is None:
            return False
        distance = scene_distance(before, histogram)
        cut = distance > max(_CUT_DISTANCE, _CUT_RATIO * self._usual)
        if not cut:
            self._usual += _ADAPTATION * (distance - self._usual)
        return cut


def scene_distance(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Share of pixels, in [0, 1], that two histograms do not have in common."""
    return 1.0 - float(np.minimum(one, other).sum(dtype=np.float64))


def _histogram(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    height, width = image.shape[:2]
    grid = image[:: max(1, height // _GRID), :: max(1, width // _GRID)]
    if image.ndim == 2:
        grid = grid[..., None]
    # Grey is three times the same; of more channels, three are enough.
    last = grid.shape[2] - 1
    colors = grid[..., [0, min(1, last), min(2, last)]].reshape(-1, 3)
    bins = (colors // (256 // _BINS)).astype(np.intp)
    index = (bins[:, 0] * _BINS + bins[:, 1]) * _BINS + bins[:, 2]
    counts = np.bincount(index, minlength=_BINS**3)
    return (counts / len(index)).astype(np.float32)
