"""Which pieces of recordings a network learns from: around moments, and away from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream_converters.quantise.videos import Part
from movistream_training.recordings.looking import Looked
from movistream_training.recordings.moments import Moment

_AROUND = 0.75
"""The share of windows in which something happens; the others are drawn from all times."""

_TRIES = 10
"""To draw a window from all times in which nothing happens."""

_LEAST_OVERLAP = 0.1
"""Of a window or a moment, whichever is shorter: how much of it the two share at least."""

_CALIBRATION_WINDOWS = 60

_MOST_POSITIVE_WEIGHT = 10.0
"""Beyond it, a handful of moments would outweigh hours."""


@dataclass(frozen=True)
class Window:
    """A piece of a recording.

    Attributes:
        recording: its index.
        start_s: in seconds of the video.
    """

    recording: int
    start_s: float


def draw_windows(
    looked: Sequence[Looked],
    labels: Sequence[str],
    seconds: float,
    count: int,
    generator: np.random.Generator,
) -> list[Window]:
    """Random windows: three of four around a moment, of each class equally often.

    Args:
        seconds: of a window; where a recording is shorter, the window is all of it.
        count: of windows.
    """
    by_class: dict[str, list[tuple[int, Moment]]] = {}
    for index, one in enumerate(looked):
        for moment in one.recording.moments:
            by_class.setdefault(moment.label, []).append((index, moment))
    classes = [label for label in labels if label in by_class]
    shares = np.array([one.seconds for one in looked])
    shares /= shares.sum()
    windows = []
    for _ in range(count):
        if generator.random() < _AROUND:
            moments = by_class[classes[int(generator.integers(len(classes)))]]
            index, moment = moments[int(generator.integers(len(moments)))]
            windows.append(_around(index, looked[index], moment, seconds, generator))
        else:
            windows.append(_away(looked, shares, seconds, generator))
    return windows


def _around(
    index: int, one: Looked, moment: Moment, seconds: float, generator: np.random.Generator
) -> Window:
    """One that shares some time with a moment, wherever it begins and ends."""
    end_s = min(moment.end_s, one.end_s)
    shared_s = _LEAST_OVERLAP * min(seconds, max(end_s - moment.start_s, 0.0))
    start_s = generator.uniform(moment.start_s + shared_s - seconds, end_s - shared_s)
    return Window(index, _within(one, start_s, seconds))


def _away(
    looked: Sequence[Looked],
    shares: npt.NDArray[np.float64],
    seconds: float,
    generator: np.random.Generator,
) -> Window:
    """One from all times, in which nothing happens if that can be found."""
    window = Window(0, 0.0)
    for _ in range(_TRIES):
        index = int(generator.choice(len(looked), p=shares))
        one = looked[index]
        start_s = _within(one, one.recording.start_s + generator.random() * one.seconds, seconds)
        window = Window(index, start_s)
        if all(
            moment.start_s >= start_s + seconds or moment.end_s <= start_s
            for moment in one.recording.moments
        ):
            break
    return window


def _within(one: Looked, start_s: float, seconds: float) -> float:
    first_s = one.recording.start_s
    return max(first_s, min(start_s, max(first_s, one.end_s - seconds)))


def all_windows(looked: Sequence[Looked], seconds: float, most: int) -> list[Window]:
    """Windows one after the other over all recordings; of more than ``most``, every so many."""
    windows = [
        Window(index, one.recording.start_s + number * seconds)
        for index, one in enumerate(looked)
        for number in range(max(1, math.floor(one.seconds / seconds + 1e-6)))
    ]
    if len(windows) <= most:
        return windows
    return [windows[round(place)] for place in np.linspace(0, len(windows) - 1, most)]


def calibration_parts(
    looked: Sequence[Looked], labels: Sequence[str], seconds: float, seed: int
) -> tuple[Part, ...]:
    """Windows that an int8 file takes its ranges from: of all classes, and of nothing."""
    generator = np.random.default_rng([seed, 1])
    return tuple(
        Part(looked[one.recording].recording.path, one.start_s, one.start_s + seconds)
        for one in draw_windows(looked, labels, seconds, _CALIBRATION_WINDOWS, generator)
    )


def positive_weights(looked: Sequence[Looked], labels: Sequence[str]) -> tuple[float, ...]:
    """How much more it counts where a class is than where it is not, for each class.

    It is the root of how much more often it is not: full weights would let a network see everything
    everywhere.
    """
    total_s = sum(one.seconds for one in looked)
    weights = []
    for label in labels:
        own_s = sum(
            max(0.0, min(moment.end_s, one.end_s) - max(moment.start_s, one.recording.start_s))
            for one in looked
            for moment in one.recording.moments
            if moment.label == label
        )
        share = min(1.0, max(own_s / total_s, 1e-6))
        weights.append(min(max(math.sqrt((1 - share) / share), 1.0), _MOST_POSITIVE_WEIGHT))
    return tuple(weights)
