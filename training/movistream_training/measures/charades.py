"""The two protocols of the Charades data set, both a mean average precision over its classes.

Sources: ``Charades_v1_classify.m``, ``Charades_v1_localize.m`` and ``README.txt`` of the data set's
annotations (https://prior.allenai.org/projects/charades; Sigurdsson et al., Hollywood in Homes,
2016, and Asynchronous Temporal Fields for Action Recognition, 2017), and ``charades_map`` in
``pytorch/utils/map.py`` of https://github.com/gsig/charades-algorithms.

Both scripts sort a class's scores and take the mean, over all that is true, of the precision so
far. What has equal scores is then judged in the order in which it happens to come. Here equal
scores are one threshold (:mod:`.average_precision`); without equal scores both give the same
number. The mean is over classes of which something is true, as in ``map.py``; the scripts give NaN
if there is a class of which nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from movistream_training.errors import TrainingError
from movistream_training.measures.average_precision import (
    MeanAveragePrecision,
    Numbers,
    Scores,
    average_precisions,
)
from movistream_training.recordings.moments import Moment

POINTS_PER_VIDEO = 25


def classification(scores: Scores, truth: npt.NDArray[np.bool_]) -> MeanAveragePrecision:
    """Of whole videos: does a class occur anywhere in them?

    A video in which no class occurs does not count: the script forgets its name, so that whatever
    was said of it is replaced by the lowest score of all, and ``charades_map`` does the same.

    Args:
        scores: one per video and class, floats (videos, classes); minus infinity where nothing was
            said of a video.
        truth: bool (videos, classes).

    Raises:
        TrainingError: if a score is NaN, or the arrays do not fit each other.
    """
    counted = np.asarray(truth.any(axis=1), np.float64)
    return average_precisions(scores, truth, counted)


def localisation(scores: Scores, truth: npt.NDArray[np.bool_]) -> MeanAveragePrecision:
    """Of the 25 points of every video: is a class going on there?

    Other than in :func:`classification`, points at which nothing goes on count.

    Args:
        scores: floats (points of all videos, classes), see :func:`scores_at`.
        truth: bool (points of all videos, classes), see :func:`truth_at_points`.

    Raises:
        TrainingError: if a score is NaN, or the arrays do not fit each other.
    """
    return average_precisions(scores, truth)


def point_times(length_s: float) -> Numbers:
    """The points of a video, in seconds, (25,): its beginning, a 25th of it, … 24 of them."""
    return np.arange(POINTS_PER_VIDEO) / POINTS_PER_VIDEO * length_s


def truth_at_points(
    moments: Sequence[Moment], labels: Sequence[str], length_s: float
) -> npt.NDArray[np.bool_]:
    """What goes on at the points of a video, bool (25, classes).

    A moment holds its end here, as the script has it, other than in
    :func:`movistream_training.recordings.moments.targets_at`.
    """
    times_s = point_times(length_s)
    truth = np.zeros((POINTS_PER_VIDEO, len(labels)), np.bool_)
    for moment in moments:
        inside = (moment.start_s <= times_s) & (times_s <= moment.end_s)
        truth[:, labels.index(moment.label)] |= inside
    return truth


def scores_at(times_s: Numbers, frame_times_s: Numbers, scores: Scores) -> Scores:
    """What was said last by each of some times, (times, classes).

    Args:
        times_s: asked for, in seconds, (times,).
        frame_times_s: when each frame was seen, in seconds, rising, (frames,).
        scores: after each frame, (frames, classes).

    Returns:
        The scores of the nearest frame at or before each time; of the first, where there is none.

    Raises:
        TrainingError: if there is no frame, or times and scores do not fit each other.
    """
    if not len(scores) or len(scores) != len(frame_times_s):
        raise TrainingError(f"{len(frame_times_s)} times of frames have {len(scores)} scores")
    last = np.searchsorted(frame_times_s, times_s, side="right") - 1
    chosen: Scores = scores[np.maximum(last, 0)]
    return chosen
