"""Measures of how right a model is, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream_training.answers import (
    Answer,
    accuracy_after,
    confusion,
    frame_accuracy,
    frame_counts,
    stream_examples,
    top_accuracy,
)
from movistream_training.examples import Example


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


def test_after_how_many_frames_is_asked() -> None:
    long = answer(0, *[0] * 120)
    assert frame_counts((*ANSWERS, long)) == (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100)
    assert frame_counts([answer(0, *[0] * 20)]) == (1, 2, 3, 5, 7, 10, 15, 20)


def test_each_example_starts_from_a_reset(model_path: Path, clip: Path) -> None:
    examples = [Example(clip, "thing 1"), Example(clip, "thing 4", 0.0, 1.0)]
    with movistream.load(model_path) as model:
        first, second = stream_examples(model, examples, model.labels)
        shuffled, again = (
            stream_examples(model, examples[:1], model.labels, shuffle_seed=3)[0] for _ in range(2)
        )
    assert (first.truth, second.truth) == (1, 4)
    # Three seconds at five frames per second, and one second.
    assert (len(first.logits), len(second.logits)) == (15, 5)
    np.testing.assert_array_equal(first.logits[:5], second.logits)
    np.testing.assert_array_equal(shuffled.logits, again.logits)
    assert shuffled.logits.shape == first.logits.shape
    assert not np.array_equal(shuffled.logits, first.logits)
