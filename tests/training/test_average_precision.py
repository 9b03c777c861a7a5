"""Average precision against its definition, written out threshold by threshold."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from movistream_training.errors import TrainingError
from movistream_training.measures.average_precision import (
    average_precisions,
    best_threshold,
    precision_recall,
)

Table = list[tuple[float, bool, int]]
"""Score, truth and weight of each frame."""


def at_thresholds(table: Table) -> list[tuple[float, Fraction, Fraction]]:
    """Each distinct score from the highest with precision and recall there, in exact numbers."""
    rows = [row for row in table if row[2]]
    true = sum(weight for _, truth, weight in rows if truth)
    found = []
    for threshold in sorted({score for score, _, _ in rows}, reverse=True):
        called = [(truth, weight) for score, truth, weight in rows if score >= threshold]
        hits = sum(weight for truth, weight in called if truth)
        recall = Fraction(hits, true) if true else Fraction(0)
        found.append((threshold, Fraction(hits, sum(weight for _, weight in called)), recall))
    return found


def area(table: Table) -> float:
    """By steps, over all distinct scores; NaN where nothing is true."""
    if not any(truth and weight for _, truth, weight in table):
        return math.nan
    total, last = Fraction(0), Fraction(0)
    for _, precision, recall in at_thresholds(table):
        total, last = total + precision * (recall - last), recall
    return float(total)


def columns(
    table: Table,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    scores, truth, weights = zip(*table, strict=True)
    return np.array(scores, float), np.array(truth, bool), np.array(weights, float)


# Few distinct scores: most are equal to others.
TIED = st.sampled_from([-math.inf, -1.0, 0.0, 0.25, 0.5, 1.0, math.inf])
ANY = st.floats(allow_nan=False, width=32)


@given(
    st.lists(st.tuples(TIED, st.booleans(), st.integers(0, 3)), min_size=1, max_size=40)
    | st.lists(st.tuples(ANY, st.booleans(), st.integers(0, 3)), min_size=1, max_size=40)
)
@example([(0.5, True, 1)])
@example([(0.5, False, 1)])
@example([(0.5, True, 0), (0.2, False, 1)])
@example([(0.5, True, 1), (0.5, False, 1), (0.5, True, 1)])
def test_every_table_by_the_definition(table: Table) -> None:
    scores, truth, weights = columns(table)
    curve = precision_recall(scores, truth, weights)
    assert curve.average_precision() == pytest.approx(area(table), abs=1e-12, nan_ok=True)
    counted = [(score, truth, 1) for score, truth, _ in table]
    plain = precision_recall(scores, truth)
    assert plain.average_precision() == pytest.approx(area(counted), abs=1e-12, nan_ok=True)
    # Thresholds are those of the definition at which something more is found.
    steps, last = [], Fraction(0)
    for threshold, precision, recall in at_thresholds(table):
        if recall > last:
            steps.append((threshold, float(precision), float(recall)))
        last = recall
    np.testing.assert_allclose(
        np.stack([curve.thresholds, curve.precision, curve.recall], axis=1),
        np.array(steps, float).reshape(-1, 3),
        rtol=0,
        atol=1e-12,
    )


@given(st.lists(st.tuples(TIED, st.booleans(), st.integers(1, 3)), min_size=1, max_size=30))
def test_the_best_threshold_is_the_best_of_all(table: Table) -> None:
    scores, truth, weights = columns(table)
    best = best_threshold(precision_recall(scores, truth, weights))
    if not truth.any():
        assert best is None
        return
    assert best is not None
    f1 = {t: float(2 * p * r / (p + r)) for t, p, r in at_thresholds(table) if p + r}
    assert best.f1 == pytest.approx(max(f1.values()), abs=1e-12)
    assert f1[best.threshold] == pytest.approx(best.f1, abs=1e-12)
    assert best.f1 == pytest.approx(
        2 * best.precision * best.recall / (best.precision + best.recall), abs=1e-12
    )
    assert best.threshold == max(t for t, value in f1.items() if value >= best.f1 - 1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_table_of_classes(seed: int) -> None:
    """One of them is never there, and one always; scores are of few values."""
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 12, (150, 5)).astype(np.float32) / 12
    truth = generator.random((150, 5)) < 0.2
    truth[:, 1], truth[:, 3] = False, True
    weights = generator.integers(0, 3, 150)
    found = average_precisions(scores, truth, weights.astype(float))
    wanted = [
        area(list(zip(scores[:, c].tolist(), truth[:, c], weights.tolist(), strict=True)))
        for c in range(5)
    ]
    np.testing.assert_allclose(found.of_classes, wanted, rtol=0, atol=1e-12)
    assert math.isnan(found.of_classes[1])
    assert found.of_classes[3] == 1
    assert found.without_truth == 1
    assert found.mean == pytest.approx(np.mean([wanted[c] for c in (0, 2, 3, 4)]), abs=1e-12)


@given(st.lists(st.tuples(TIED, st.booleans(), st.just(1)), min_size=1, max_size=30), st.randoms())
def test_the_order_of_frames_does_not_count(table: Table, random: object) -> None:
    shuffled = list(table)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = [precision_recall(*columns(t)[:2]).average_precision() for t in (table, shuffled)]
    assert found[0] == found[1] or math.isnan(found[0])


def test_without_any_truth() -> None:
    found = average_precisions(np.zeros((3, 2)), np.zeros((3, 2), bool))
    assert math.isnan(found.mean)
    assert found.without_truth == 2
    assert math.isnan(average_precisions(np.zeros((0, 2)), np.zeros((0, 2), bool)).mean)


def test_constant_scores_are_worth_the_share_of_the_truth() -> None:
    truth = np.arange(10) < 3
    assert precision_recall(np.full(10, 0.5), truth).average_precision() == pytest.approx(0.3)


def test_the_weight_of_few_is_not_lost_below_that_of_many() -> None:
    scores = np.arange(100_001, dtype=float)
    truth = scores == 100_000
    weights = np.where(truth, 1e-9, 1e9)
    assert precision_recall(scores, truth, weights).average_precision() == 1


@pytest.mark.parametrize(
    ("scores", "truth", "weights", "message"),
    [
        ([0.5, np.nan], [True, False], None, "1 of 2 scores are no numbers"),
        ([0.5], [True, False], None, "need a truth of their shape"),
        ([0.5, 0.2], [1, 0], None, "not .* in int64"),
        ([0.5, 0.2], [True, False], [1.0], r"2 frames have weights \(1,\)"),
        ([0.5, 0.2], [True, False], [1.0, -1.0], "0 or more"),
        ([0.5, 0.2], [True, False], [1.0, np.inf], "finite"),
        ([0.5, 0.2], [True, False], [1.0, np.nan], "0 or more"),
    ],
)
def test_what_is_refused(
    scores: list[float], truth: list[bool], weights: list[float] | None, message: str
) -> None:
    given_weights = None if weights is None else np.array(weights)
    with pytest.raises(TrainingError, match=message):
        precision_recall(np.array(scores), np.array(truth), given_weights)
    with pytest.raises(TrainingError, match=message):
        average_precisions(np.array(scores)[:, None], np.array(truth)[:, None], given_weights)
