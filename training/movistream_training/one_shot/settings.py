"""How a one-shot search goes about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from movistream_training.errors import SearchError
from movistream_training.one_shot.controller import Learning
from movistream_training.recipe import Recipe


@dataclass(frozen=True)
class Settings:
    """Of a search. Two with the same settings and data take the same course.

    Attributes:
        steps: in all.
        replicas: members that are drawn in each step.
        seed: of everything that is random.
        beta: how much of the accuracy a cost of twice the target is worth; below 0.
        warm_up_share: of all steps; until then the controller does not learn, and choices are
            widened with a probability that falls from 1 to 0.
        checkpoint_steps: after so many steps all is written down.
        learning_rate: of the shared weights, the highest.
        label_smoothing: of the loss of the shared weights.
        controller: how that learns.
    """

    steps: int
    replicas: int = 4
    seed: int = 1
    beta: float = -0.5
    warm_up_share: float = 0.25
    checkpoint_steps: int = 50
    learning_rate: float = 3e-3
    label_smoothing: float = 0.05
    controller: Learning = field(default_factory=Learning)

    def __post_init__(self) -> None:
        for name, valid in (
            ("steps", self.steps >= 1),
            ("replicas", self.replicas >= 1),
            ("seed", self.seed >= 0),
            ("beta", self.beta < 0),
            ("warm_up_share", 0 <= self.warm_up_share < 1),
            ("checkpoint_steps", self.checkpoint_steps >= 1),
            ("learning_rate", self.learning_rate > 0),
        ):
            if not valid:
                raise SearchError(f"a one-shot search cannot have {name} {getattr(self, name)}")

    @property
    def warm_up_steps(self) -> int:
        """Before the controller learns."""
        return round(self.warm_up_share * self.steps)

    @property
    def recipe(self) -> Recipe:
        """How the shared weights are trained."""
        return Recipe(
            epochs=1,
            steps_per_epoch=self.steps,
            learning_rate=self.learning_rate,
            label_smoothing=self.label_smoothing,
        )

    def widening_at(self, step: int) -> float:
        """The probability with which each choice is widened in a step, counted from 0."""
        return max(0.0, 1.0 - step / self.warm_up_steps) if self.warm_up_steps else 0.0
