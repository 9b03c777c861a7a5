"""Charades' two protocols, against their scripts' way to reckon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from movistream_training.errors import TrainingError
from movistream_training.measures.charades import (
    classification,
    localisation,
    point_times,
    scores_at,
    truth_at_points,
)
from movistream_training.recordings.moments import Moment


def as_the_script_does(
    scores: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """One frame after the other, from the highest score on: the precision so far, where true."""
    found = []
    for column, wanted in zip(scores.T, truth.T, strict=True):
        right, precisions = 0, []
        for seen, index in enumerate(sorted(range(len(column)), key=lambda i: -column[i]), 1):
            right += int(wanted[index])
            if wanted[index]:
                precisions.append(right / seen)
        found.append(sum(precisions) / len(precisions) if precisions else np.nan)
    return np.array(found)


def table(
    seed: int, rows: int, classes: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Scores of which no two are equal, and truth of which the last class has none."""
    generator = np.random.default_rng(seed)
    scores = generator.permuted(np.arange(rows * classes).reshape(rows, classes) * 1.0, axis=0)
    truth = generator.random((rows, classes)) < 0.1
    truth[:, -1] = False
    return scores, truth


@pytest.mark.parametrize("seed", range(6))
def test_classification_is_the_scripts(seed: int) -> None:
    scores, truth = table(seed, 60, 5)
    empty = ~truth.any(axis=1)
    assert empty.any()
    lowered = np.where(empty[:, None], -np.inf, scores)
    found = classification(scores, truth)
    np.testing.assert_allclose(
        found.of_classes, as_the_script_does(lowered, truth), rtol=0, atol=1e-12
    )
    assert found.without_truth == 1
    assert found.mean == pytest.approx(float(np.nanmean(found.of_classes)), abs=1e-12)
    # What is said of videos without any class does not count.
    scores[empty] = 1e9
    assert classification(scores, truth).mean == found.mean


@pytest.mark.parametrize("seed", range(6))
def test_localisation_is_the_scripts(seed: int) -> None:
    scores, truth = table(seed, 100, 4)
    found = localisation(scores, truth)
    np.testing.assert_allclose(
        found.of_classes, as_the_script_does(scores, truth), rtol=0, atol=1e-12
    )
    # What is said where nothing goes on counts.
    scores[~truth.any(axis=1)] += 1e9
    assert localisation(scores, truth).mean < found.mean


def test_the_script_depends_on_the_order_of_equal_scores_and_we_do_not() -> None:
    scores, truth = np.full((4, 1), 0.5), np.array([[True], [False], [False], [True]])
    orders = ([0, 3, 1, 2], [1, 2, 0, 3])
    theirs = {float(as_the_script_does(scores[o], truth[o])[0]) for o in orders}
    ours = {localisation(scores[o], truth[o]).mean for o in orders}
    assert len(theirs) == 2
    assert ours == {0.5}


def test_videos_of_which_nothing_was_said() -> None:
    """They come last, as in the script."""
    truth = np.array([[True], [True], [True]])
    scores = np.array([[0.2], [-np.inf], [0.7]])
    assert classification(scores, truth).mean == 1
    truth = np.array([[True, False], [False, True], [False, True]])
    scores = np.array([[-np.inf, -np.inf], [0.5, 0.5], [0.7, 0.7]])
    np.testing.assert_allclose(classification(scores, truth).of_classes, [1 / 3, 1])


def test_points_begin_with_the_video_and_do_not_reach_its_end() -> None:
    times_s = point_times(50.0)
    assert times_s.shape == (25,)
    np.testing.assert_allclose(times_s[[0, 1, 24]], [0, 2, 48])


def test_a_moment_holds_both_its_ends() -> None:
    moments = [Moment("a", 2.0, 4.0), Moment("b", 45.0), Moment("a", 9.9, 10.0)]
    truth = truth_at_points(moments, ("a", "b", "c"), 50.0)
    assert [np.flatnonzero(column).tolist() for column in truth.T] == [[1, 2, 5], [23, 24], []]


def test_a_point_has_the_frame_at_or_before_it() -> None:
    times_s = np.array([0.0, 0.5, 0.99, 1.0, 7.0])
    frame_times_s = np.array([0.5, 0.75, 1.0])
    scores = np.array([[1.0], [2.0], [3.0]])
    assert scores_at(times_s, frame_times_s, scores)[:, 0].tolist() == [1, 1, 2, 3, 3]


def test_points_need_frames() -> None:
    with pytest.raises(TrainingError, match="0 times of frames have 0 scores"):
        scores_at(np.zeros(2), np.zeros(0), np.zeros((0, 1)))
    with pytest.raises(TrainingError, match="2 times of frames have 3 scores"):
        scores_at(np.zeros(2), np.zeros(2), np.zeros((3, 1)))
