"""Recordings, and what happens in them from when to when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Moment:
    """Something that happens.

    Attributes:
        label: of its class.
        start_s: when it begins, in seconds of its video.
        end_s: when it is over, after ``start_s``; infinite: with the video.
    """

    label: str
    start_s: float = 0.0
    end_s: float = math.inf


@dataclass(frozen=True)
class Recording:
    """A video, or the part of one that somebody looked through, and all that happens there.

    Where nothing is said to happen, nothing of these classes does.

    Attributes:
        path: of the video.
        moments: in the order of their beginnings; they may overlap, and be none.
        split: ``training``, ``validation`` or ``test`` if the data say so.
        start_s: where the part begins, in seconds of the video.
        end_s: where it ends; infinite: with the video.
        uncertain: when nobody can say whether something happens: no answer is right or wrong then.
    """

    path: Path
    moments: tuple[Moment, ...]
    split: str | None = None
    start_s: float = 0.0
    end_s: float = math.inf
    uncertain: tuple[Moment, ...] = ()


@dataclass(frozen=True)
class Recordings:
    """A data set in which several things may happen at once.

    Attributes:
        labels: of the classes, in their order.
        recordings: at least one.
    """

    labels: tuple[str, ...]
    recordings: tuple[Recording, ...]


def targets_at(
    moments: Sequence[Moment], labels: Sequence[str], times_s: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """What is happening at each of some times, bool (times, classes).

    A moment holds its beginning, and not its end.
    """
    happening = np.zeros((len(times_s), len(labels)), np.bool_)
    for moment in moments:
        inside = (times_s >= moment.start_s) & (times_s < moment.end_s)
        happening[:, labels.index(moment.label)] |= inside
    return happening
