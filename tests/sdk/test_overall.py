"""One answer for a whole stream."""

from __future__ import annotations

import numpy as np

from movistream.watch.overall import Overall


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_of_one_class_it_is_the_last_or_else_the_mean() -> None:
    overall = Overall(2, 2)
    assert overall.scores() is None
    overall.add(scores(0.75, 0.25))
    overall.add(scores(0.5, 0.5))
    assert not overall.is_mean
    np.testing.assert_array_equal(overall.scores(), [0.5, 0.5])
    overall.add(scores(0.25, 0.75))
    assert overall.is_mean
    np.testing.assert_array_equal(overall.scores(), [0.5, 0.5])


def test_of_several_classes_it_is_the_highest_of_each() -> None:
    overall = Overall(2, 2, "sigmoid")
    assert overall.scores() is None
    for values in ((0.1, 0.2), (0.9, 0.1), (0.2, 0.7), (0.0, 0.0)):
        overall.add(scores(*values))
    overall.forget()
    overall.add(scores(0.3, 0.3))
    assert not overall.is_mean
    np.testing.assert_array_equal(overall.scores(), scores(0.9, 0.7))
