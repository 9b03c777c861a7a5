"""What one step says about a frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.errors import MovistreamError
from movistream.file.manifest import Activation


@dataclass(frozen=True)
class Prediction:
    """One class and its probability.

    Attributes:
        index: the position of the class among the logits, from 0.
        label: the name of the class.
        score: the probability of the class, from 0 to 1.
    """

    index: int
    label: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Gives its fields as plain JSON types, the score rounded to 6 digits."""
        return {"index": self.index, "label": self.label, "score": round(self.score, 6)}


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """The network's answer after a frame.

    Attributes:
        frame: the index of the frame that the answer is about: what the caller said, or the number
            of frames since the reset. If the model has a delay, this is not the newest frame, and
            at the start of a video it is the first one.
        time_s: the time of that frame in seconds: what the caller said, or what follows from the
            model's frame rate. None if neither is known.
        logits: what the network says of each class, float32 (classes,).
        preprocess_ms: the time spent on bringing the frame to the network's input.
        inference_ms: the time spent in the engine, including handing the input over.
        labels: the names of all classes; empty if the model has none.
        warming_up: whether the model has not seen enough frames since the reset, so that what it
            says means nothing yet. Only models with a delay warm up.
        activation: what makes probabilities of logits: ``softmax`` where one class is right,
            ``sigmoid`` where several may be at once, or none.
    """

    frame: int
    time_s: float | None
    logits: npt.NDArray[np.float32]
    preprocess_ms: float
    inference_ms: float
    labels: tuple[str, ...] = ()
    warming_up: bool = False
    activation: Activation = "softmax"

    @property
    def label(self) -> str:
        """The label of the most probable class, ``class 7`` if the model has no labels."""
        return self.top()[0].label

    @property
    def score(self) -> float:
        """The probability of the most probable class, in [0, 1]."""
        return self.top()[0].score

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """What the activation makes of the logits, (classes,), each in [0, 1]."""
        return probabilities_of(self.logits, self.activation)

    def top(self, k: int = 1) -> tuple[Prediction, ...]:
        """The k most probable classes, best first; fewer if there are fewer classes."""
        if k < 1:
            raise MovistreamError(f"top needs at least 1 class, not {k}")
        probabilities = self.probabilities
        order = np.argsort(-probabilities, kind="stable")[:k]
        return tuple(
            Prediction(int(index), self._label_of(int(index)), float(probabilities[index]))
            for index in order
        )

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON types, with the five most probable classes as ``top``."""
        return answer_dictionary(self, self.top(5), self.time_s)

    def __repr__(self) -> str:
        said = "warming up" if self.warming_up else f"{self.label} {self.score:.3f}"
        return f"<Result {moment(self.frame, self.time_s)}: {said}>"

    def _label_of(self, index: int) -> str:
        return self.labels[index] if self.labels else f"class {index}"


def answer_dictionary(
    result: Result, top: Iterable[Prediction], time_s: float | None
) -> dict[str, Any]:
    """What is told of a result and the classes that were made of it, as plain JSON types."""
    found: dict[str, Any] = {
        "frame": result.frame,
        "time_s": None if time_s is None else round(time_s, 4),
        "preprocess_ms": round(result.preprocess_ms, 3),
        "inference_ms": round(result.inference_ms, 3),
        "top": [prediction.to_dict() for prediction in top],
    }
    if result.warming_up:
        found["warming_up"] = True
    return found


def moment(frame: int, time_s: float | None) -> str:
    """Which frame it is, and when that was, for people."""
    return f"frame {frame}" if time_s is None else f"frame {frame} at {time_s:.2f} s"


def probabilities_of(
    logits: npt.NDArray[np.float32], activation: Activation
) -> npt.NDArray[np.float32]:
    """Probabilities of classes, float32 (classes,): of one of them, or of each by itself."""
    if activation == "sigmoid":
        # Of what is far below 0, the exponent would be infinite.
        return np.asarray(1 / (1 + np.exp(-np.maximum(logits, np.float32(-80)))), np.float32)
    exponents = np.exp(logits - logits.max())
    return np.asarray(exponents / exponents.sum(), np.float32)
