"""What counts of many timings."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from movistream.stream.agreement import cosine
from movistream_benchmarks.rounds import Measurement

NOISY = 0.15
"""Where the middle half of a contender's round medians spreads by more, the machine is noisy."""

LEAST_COSINE = 0.999
"""One file's answers with other threads, or in another engine, are nearer than this."""


@dataclass(frozen=True)
class Distribution:
    """Of a time, in ms."""

    min: float
    p5: float
    p25: float
    median: float
    p75: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True)
class Ratio:
    """Of a contender's round medians to those of the first one.

    Attributes:
        lower: the quartile below the median.
        upper: the quartile above it.
    """

    median: float
    lower: float
    upper: float


def distribution(times_ms: Sequence[float]) -> Distribution:
    """Summarises times; percentiles are interpolated."""
    return Distribution(*map(float, np.percentile(times_ms, (0, 5, 25, 50, 75, 95, 99, 100))))


def inference(measurement: Measurement) -> Distribution:
    """From the prepared image to the logits, over all rounds."""
    return distribution([time for turn in measurement.rounds for time in turn.inference_ms])


def preprocessing(measurement: Measurement) -> Distribution:
    """From the frame to the prepared image, over all rounds."""
    return distribution([time for turn in measurement.rounds for time in turn.preprocess_ms])


def ratio(measurement: Measurement, first: Measurement) -> Ratio:
    """How a contender's inference compares, round by round."""
    pairs = zip(_round_medians(measurement), _round_medians(first), strict=True)
    lower, median, upper = np.percentile([own / other for own, other in pairs], (25, 50, 75))
    return Ratio(float(median), float(lower), float(upper))


def noise(measurement: Measurement) -> float:
    """The middle half's width of the round medians, as a share of their median."""
    lower, median, upper = np.percentile(_round_medians(measurement), (25, 50, 75))
    return float((upper - lower) / median)


def disagreements(measurements: Sequence[Measurement]) -> list[str]:
    """Where one file answered otherwise with other threads or in another engine, in words.

    With another number of streams, each has seen other frames.
    """
    found = []
    for one, other in itertools.combinations(measurements, 2):
        if one.contender.path != other.contender.path:
            continue
        if one.start.arithmetic != other.start.arithmetic:
            continue
        if one.contender.streams != other.contender.streams:
            continue
        likeness = cosine(one.rounds[-1].last_logits, other.rounds[-1].last_logits)
        if not likeness >= LEAST_COSINE:
            found.append(
                f"{one.contender.path} answers otherwise in {_place(one)} than in"
                f" {_place(other)}: cosine {likeness:.4f}"
            )
    return found


def _place(measurement: Measurement) -> str:
    return f"{measurement.start.engine} (threads: {measurement.contender.threads})"


def _round_medians(measurement: Measurement) -> list[float]:
    return [float(np.median(turn.inference_ms)) for turn in measurement.rounds]
