"""What is made of timings and answers, by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from movistream_benchmarks.contender import Contender
from movistream_benchmarks.figures import (
    disagreements,
    distribution,
    inference,
    noise,
    ratio,
)
from movistream_benchmarks.process_memory import Memory
from movistream_benchmarks.rounds import Measurement
from movistream_benchmarks.worker import FrameMemory, Round, Start


def measurement(
    medians_ms: Sequence[float],
    logits: Sequence[float] = (1.0, 0.0),
    path: str = "a.tflite",
    threads: int = 1,
) -> Measurement:
    """Rounds of three frames around each median."""
    answer = np.array(logits, np.float32)
    rounds = tuple(Round((0.1,) * 3, (m - 1, m, m + 1), "answers", answer) for m in medians_ms)
    start = Start("compiled-model", "float32", 10.0, 2.0, Memory(1, 2))
    memory = FrameMemory((1,), (1,), True, 0)
    return Measurement(Contender(Path(path), threads), start, rounds, memory)


def test_ratios_are_taken_within_rounds() -> None:
    """2/4, 3/4 and 6/6: the median is 0.75, whatever the machine did between rounds."""
    found = ratio(measurement((2, 3, 6)), measurement((4, 4, 6)))
    assert (found.lower, found.median, found.upper) == pytest.approx((0.625, 0.75, 0.875))


def test_noise_is_the_middle_half_of_round_medians() -> None:
    assert noise(measurement((5, 5, 5, 5))) == 0
    assert noise(measurement((4, 5, 6, 7, 8))) == pytest.approx(2 / 6)


def test_distribution_over_all_rounds() -> None:
    found = inference(measurement((2, 4)))
    assert (found.min, found.median, found.max) == (1, 3, 5)
    assert found == distribution([1, 2, 3, 3, 4, 5])


def test_one_file_answers_alike_with_any_threads() -> None:
    one = measurement((1, 1))
    assert disagreements([one, measurement((2, 2), (0.99999, 0.0), threads=2)]) == []
    assert disagreements([one, measurement((2, 2), (0.0, 1.0), path="b.tflite")]) == []
    assert (
        "(threads: 2): cosine 0.0000"
        in disagreements([one, measurement((2, 2), (0.0, 1.0), threads=2)])[0]
    )
    assert len(disagreements([one, measurement((2, 2), (math.nan, 0.0), threads=2)])) == 1
