"""How a network is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

LossKind: TypeAlias = Literal["cross-entropy", "binary", "focal"]


@dataclass(frozen=True)
class Loss:
    """How answers are judged while a network learns.

    Attributes:
        kind: ``cross-entropy`` of a softmax, where one class is right; ``binary`` cross-entropy of
            a sigmoid per class, where several may be; ``focal`` takes from that what is right
            already, by (1 − p)² of the probability p of the truth (Lin et al., arXiv 1708.02002).
        positive_weights: how much more it counts where a class is than where it is not, for each
            class; empty for ones.
    """

    kind: LossKind = "cross-entropy"
    positive_weights: tuple[float, ...] = ()

    @property
    def is_of_several(self) -> bool:
        """Whether several classes may be right at once."""
        return self.kind != "cross-entropy"


CROSS_ENTROPY = Loss()


@dataclass(frozen=True)
class Recipe:
    """Settings of a training.

    Attributes:
        epochs: how often the data are gone through.
        steps_per_epoch: batches in one of them.
        learning_rate: the highest; it rises to it, and falls as a cosine to nothing.
        frozen_epochs: first epochs, in which only the classifier learns.
        sub_clip_frames: clips are trained in pieces of so many frames, with the states carried from
            piece to piece and gradients cut between them; None: whole.
        batch_statistics: whether batch norms normalise by the batch, and learn from it what they
            store; if not, they keep what they have.
        patience_epochs: training ends after so many epochs without a better validation; None: never
            early.
        loss: what is made small.
    """

    epochs: int
    steps_per_epoch: int
    learning_rate: float
    frozen_epochs: int = 0
    sub_clip_frames: int | None = None
    batch_statistics: bool = True
    patience_epochs: int | None = None
    loss: Loss = CROSS_ENTROPY
    weight_decay: float = 1e-4
    label_smoothing: float = 0.05
    average_decay: float = 0.995
    """Of the running average of the weights, which is what is validated and kept."""
    warm_up_share: float = 0.05
    """Of all steps: how long the learning rate rises."""
    largest_gradient: float = 2.0
    """Longer gradients, over all weights together, are cut to this norm."""
    statistics_momentum: float = 0.99

    @property
    def steps(self) -> int:
        """In all epochs."""
        return self.epochs * self.steps_per_epoch

    def learning_rate_at(self, step: int) -> float:
        """Of a step, counted from 0."""
        warm_up = max(1, round(self.warm_up_share * self.steps))
        rise = min(1.0, (step + 1) / warm_up)
        share = min(1.0, max(0, step - warm_up) / max(1, self.steps - warm_up))
        return self.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * share))

    def average_decay_at(self, step: int) -> float:
        """Of a step: the average follows closely at first."""
        return min(self.average_decay, (1 + step) / (10 + step))
