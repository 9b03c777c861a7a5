"""What one step says about a frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Prediction:
    """One class, with its probability in [0, 1]."""

    index: int
    label: str
    score: float


@dataclass(frozen=True, eq=False)
class Result:
    """The network's answer after a frame.

    Attributes:
        frame: index of the frame that the answer is about: the caller's, or frames since the
            reset. Of a model with a delay, that is not the newest one; before there is one, it is
            the first since the reset.
        time_s: of that frame, in seconds: the caller's, or from the model's frame rate; None if
            neither is known.
        logits: float32 (classes,).
        preprocess_ms: time spent on bringing the frame to the network's input.
        inference_ms: time spent in the engine, including handing the input over.
        labels: of the classes; empty if the model has none.
        warming_up: the model has not seen enough frames since the reset: what it says means
            nothing yet. Only models with a delay warm up.
    """

    frame: int
    time_s: float | None
    logits: npt.NDArray[np.float32] = field(repr=False)
    preprocess_ms: float
    inference_ms: float
    labels: tuple[str, ...] = field(repr=False, default=())
    warming_up: bool = False

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """The softmax of the logits, (classes,)."""
        return softmax(self.logits)

    def top(self, k: int = 1) -> tuple[Prediction, ...]:
        """The k most probable classes, best first; fewer if there are fewer classes."""
        if k < 1:
            raise ValueError(f"top needs at least 1 class, not {k}")
        probabilities = self.probabilities
        order = np.argsort(-probabilities, kind="stable")[:k]
        return tuple(
            Prediction(int(index), self.label(int(index)), float(probabilities[index]))
            for index in order
        )

    def label(self, index: int) -> str:
        """The label of a class, ``class 7`` if the model has none."""
        return self.labels[index] if self.labels else f"class {index}"


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities of classes, (classes,)."""
    exponents = np.exp(logits - logits.max())
    probabilities: npt.NDArray[np.float32] = exponents / exponents.sum()
    return probabilities
