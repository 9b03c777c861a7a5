"""From a network's logits to scores that people act on."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from movistream.errors import LabelsError, MovistreamError
from movistream.file.manifest import Activation
from movistream.stream.ensemble import Streamable
from movistream.stream.result import Prediction, Result, probabilities_of


@dataclass(frozen=True)
class ScoreOptions:
    """How logits become scores.

    Attributes:
        temperature: logits are divided by it before they become probabilities; above 1 makes scores
            less sure.
        smoothing_s: new probabilities weigh 1 − exp(−Δt / smoothing_s) in an exponential average,
            Δt being the seconds since the last; 0 for no smoothing; None for what the model says,
            which mostly is none.
        allow: the only labels to report; empty for all. Scores stay those of all classes: what
            else the network sees is not shared out among these.
        deny: labels never to report.
    """

    temperature: float = 1.0
    smoothing_s: float | None = None
    allow: Collection[str] = field(default_factory=frozenset)
    deny: Collection[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        for name, labels in (("allow", self.allow), ("deny", self.deny)):
            if isinstance(labels, str):
                raise MovistreamError(f"{name} must be a set of labels, not the text {labels!r}")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise MovistreamError(f"a temperature is above 0, not {self.temperature!r}")
        smoothing_s = self.smoothing_s
        if smoothing_s is not None and not (math.isfinite(smoothing_s) and smoothing_s >= 0):
            raise MovistreamError(f"smoothing takes 0 seconds or more, not {smoothing_s!r}")


class Scorer:
    """Scores of one stream, frame by frame."""

    def __init__(
        self,
        options: ScoreOptions,
        labels: Sequence[str],
        classes: int,
        activation: Activation = "softmax",
    ) -> None:
        """Starts without a past.

        Args:
            labels: of the classes, in order; empty if the model has none.
            classes: their number.
            activation: what makes probabilities of logits.

        Raises:
            LabelsError: if an allowed or denied label is none of them.
        """
        self._options = options
        self._activation = activation
        names = tuple(labels) or tuple(f"class {index}" for index in range(classes))
        self.names = names
        """Of the classes, in order."""
        for name in (*options.allow, *options.deny):
            if name not in names:
                raise LabelsError(f"the model has no label {name!r}{_similar(name, names)}")
        self.reported = np.array(
            [(not options.allow or n in options.allow) and n not in options.deny for n in names]
        )
        """Which classes are reported, bool (classes,)."""
        if not self.reported.any():
            raise LabelsError("no label is left to report")
        self._smooth: npt.NDArray[np.float32] | None = None
        self._time_s = 0.0

    def update(self, result: Result) -> npt.NDArray[np.float32]:
        """The scores after a result, float32 (classes,), each in [0, 1].

        Those of a model that is warming up are not part of later averages.
        """
        logits = result.logits / np.float32(self._options.temperature)
        fresh = probabilities_of(logits, self._activation)
        if result.warming_up:
            return fresh
        time_s = result.time_s or 0.0
        smoothing_s = self._options.smoothing_s
        if self._smooth is not None and smoothing_s:
            passed_s = max(0.0, time_s - self._time_s)
            weight = np.float32(-math.expm1(-passed_s / smoothing_s))
            fresh = self._smooth + weight * (fresh - self._smooth)
        self._smooth, self._time_s = fresh, time_s
        return fresh

    def reset(self) -> None:
        """Forgets the past, as its stream does."""
        self._smooth = None

    def top(self, scores: npt.NDArray[np.float32], k: int) -> tuple[Prediction, ...]:
        """The k best of the reported classes, best first."""
        order = np.argsort(-scores, kind="stable")
        best = order[self.reported[order]][:k]
        return tuple(Prediction(int(i), self.names[i], float(scores[i])) for i in best)


def scorer_of(options: ScoreOptions, model: Streamable) -> Scorer:
    """Scores of a stream over a model, which decides what the options leave to it.

    Raises:
        LabelsError: if an allowed or denied label is none of the model's.
    """
    if options.smoothing_s is None and model.event_defaults is not None:
        options = replace(options, smoothing_s=model.event_defaults.smoothing_s)
    return Scorer(options, model.labels, model.classes, model.activation)


def _similar(name: str, names: Sequence[str]) -> str:
    lower = name.lower()
    found = [other for other in names if lower in other.lower() or other.lower() in lower][:3]
    found = found or difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""
