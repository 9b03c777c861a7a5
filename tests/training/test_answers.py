"""Measures of how right a model is, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from movistream_training.answers import (
    Answer,
    accuracy_after,
    confusion,
    frame_accuracy,
    frame_counts,
    top_accuracy,
)


def answer(truth: int, *said: int) -> Answer:
    """An example at whose frames those classes of three stood first, the next ones second."""
    logits = [np.roll([2.0, 1.0, 0.0], first) for first in said]
    return Answer(truth, np.array(logits, np.float32))


ANSWERS = (answer(0, 1, 0, 0, 0), answer(1, 0, 0, 0), answer(2, 2))


def test_after_the_last_frame() -> None:
    assert top_accuracy(ANSWERS) == pytest.approx(2 / 3)
    assert top_accuracy(ANSWERS, 2) == 1
    np.testing.assert_array_equal(confusion(ANSWERS, 3), [[1, 0, 0], [1, 0, 0], [0, 0, 1]])


def test_among_frames() -> None:
    assert frame_accuracy(ANSWERS) == pytest.approx(4 / 8)
    # Of the first, frames 1 to 3; of the second, frames 1 and 2; of the third, its only one.
    assert frame_accuracy(ANSWERS, 1) == pytest.approx(4 / 6)


def test_how_soon() -> None:
    assert frame_counts(ANSWERS) == (1, 2, 3)
    assert [accuracy_after(ANSWERS, count) for count in (1, 2, 3)] == pytest.approx(
        [1 / 3, 2 / 3, 2 / 3]
    )
