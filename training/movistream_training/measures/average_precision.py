"""Average precision: how well scores tell where something is true, over all thresholds.

A threshold calls everything true that has it or more. Of what it calls true, precision is the share
that is true; of what is true, recall is the share that it calls so. The average precision of a
class is the area under precision over recall, by steps: the mean, over all that is true, of the
precision at its own score,

    AP = sum over thresholds t of precision(t) · (recall(t) - recall(the next higher threshold)).

It is what scikit-learn calls ``average_precision_score``: nothing is interpolated. Equal scores are
one threshold, so that the order in which they come never counts. Between two scores of what is
true, recall stays and precision falls, so the scores of what is true are the only thresholds that
count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_training.errors import TrainingError

Scores = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision and recall of a class.

    Attributes:
        thresholds: the scores of what is true, each once, from the highest, float64 (thresholds,);
            empty if nothing is.
        precision: at each, 0 to 1, float64 (thresholds,).
        recall: at each, 0 to 1, rising to 1, float64 (thresholds,).
    """

    thresholds: Numbers
    precision: Numbers
    recall: Numbers

    def average_precision(self) -> float:
        """The area under it, 0 to 1; NaN if nothing is true."""
        if not len(self.thresholds):
            return np.nan
        return float((self.precision * np.diff(self.recall, prepend=0.0)).sum())


@dataclass(frozen=True)
class BestThreshold:
    """Where precision and recall of a class are best together.

    Attributes:
        threshold: a score; what has it or more is called true.
        f1: the harmonic mean of precision and recall there, 0 to 1.
        precision: there, 0 to 1.
        recall: there, 0 to 1.
    """

    threshold: float
    f1: float
    precision: float
    recall: float


@dataclass(frozen=True, eq=False)
class MeanAveragePrecision:
    """The average precision of several classes.

    Attributes:
        mean: over the classes of which something is true, 0 to 1; NaN if there is none.
        of_classes: float64 (classes,), NaN where nothing is true.
        without_truth: how many classes are left out of the mean for that.
    """

    mean: float
    of_classes: Numbers
    without_truth: int


def precision_recall(
    scores: Scores, truth: npt.NDArray[np.bool_], weights: Scores | None = None
) -> Curve:
    """Precision and recall of one class at all thresholds that count.

    Args:
        scores: higher is surer, floats (frames,); infinite ones are fine.
        truth: bool (frames,).
        weights: how much each frame counts, 0 or more, (frames,); a frame of 0 is ignored. By
            default all count alike.

    Raises:
        TrainingError: if a score is NaN, or the arrays do not fit each other.
    """
    _check(scores, truth, weights)
    if weights is not None:
        counted = weights > 0
        scores, truth, weights = scores[counted], truth[counted], weights[counted]
    true, false = scores[truth], scores[~truth]
    thresholds = np.unique(true)[::-1]
    if weights is None:
        hits, alarms = _at_or_above(true, thresholds), _at_or_above(false, thresholds)
    else:
        hits = _weight_at_or_above(true, weights[truth], thresholds)
        alarms = _weight_at_or_above(false, weights[~truth], thresholds)
    recall = hits / hits[-1] if len(hits) else hits
    return Curve(thresholds.astype(np.float64), hits / (hits + alarms), recall)


def average_precisions(
    scores: Scores, truth: npt.NDArray[np.bool_], weights: Scores | None = None
) -> MeanAveragePrecision:
    """The average precision of each class, and their mean.

    Args:
        scores: floats (frames, classes).
        truth: bool (frames, classes).
        weights: see :func:`precision_recall`.

    Raises:
        TrainingError: if a score is NaN, or the arrays do not fit each other.
    """
    _check(scores, truth, weights)
    curves = [
        precision_recall(scores[:, index], truth[:, index], weights)
        for index in range(scores.shape[1])
    ]
    return mean_of(curves)


def mean_of(curves: Sequence[Curve]) -> MeanAveragePrecision:
    """The average precision of classes that have a curve each, and their mean."""
    of_classes = np.array([curve.average_precision() for curve in curves], np.float64)
    told = of_classes[~np.isnan(of_classes)]
    mean = float(told.mean()) if len(told) else np.nan
    return MeanAveragePrecision(mean, of_classes, len(of_classes) - len(told))


_ROUNDING = 1e-12


def best_threshold(curve: Curve) -> BestThreshold | None:
    """The threshold of the highest F1, of equals the highest; None if nothing is true."""
    if not len(curve.thresholds):
        return None
    f1 = 2 * curve.precision * curve.recall / (curve.precision + curve.recall)
    # What is equal may differ by rounding.
    at = int((f1 >= f1.max() - _ROUNDING).argmax())
    return BestThreshold(
        float(curve.thresholds[at]),
        float(f1[at]),
        float(curve.precision[at]),
        float(curve.recall[at]),
    )


def _at_or_above(scores: Scores, thresholds: Scores) -> Numbers:
    """How many scores reach each threshold."""
    # Sorting values takes a third of the time that sorting indices takes.
    below = np.searchsorted(np.sort(scores), thresholds)
    return (len(scores) - below).astype(np.float64)


def _weight_at_or_above(scores: Scores, weights: Scores, thresholds: Scores) -> Numbers:
    """The weight of the scores that reach each threshold."""
    order = np.argsort(scores)
    # Summed from the highest score on: differences of large sums would lose the small ones.
    sums = np.cumsum(np.append(0.0, weights[order[::-1]].astype(np.float64)))
    return sums[len(scores) - np.searchsorted(scores[order], thresholds)]


def _check(scores: Scores, truth: npt.NDArray[np.bool_], weights: Scores | None) -> None:
    if scores.shape != truth.shape or truth.dtype != np.bool_:
        raise TrainingError(
            f"scores {scores.shape} need a truth of their shape in bool, not {truth.shape} in"
            f" {truth.dtype}"
        )
    if np.isnan(scores).any():
        raise TrainingError(f"{int(np.isnan(scores).sum())} of {scores.size} scores are no numbers")
    if weights is None:
        return
    if weights.shape != scores.shape[:1]:
        raise TrainingError(f"{scores.shape[0]} frames have weights {weights.shape}")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise TrainingError("the weight of a frame is 0 or more, and finite")
