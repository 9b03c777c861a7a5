"""The controller: a logit for every alternative of a choice, learnt by REINFORCE.

As in TuNAS (arXiv 2008.06120) choices are drawn independently, the reward is absolute in the cost,
and its baseline is a moving average. Nothing is random here but :func:`draw`, which takes its
generator; so the same rewards give the same controller, bit for bit, and JSON holds it whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from movistream_training.one_shot.choices import Choice, Decisions

_SQUARES_DECAY = 0.999
_SMALLEST = 1e-8


class Controller(msgspec.Struct, frozen=True):
    """What is known of the choices.

    Attributes:
        logits: of the alternatives, by choice.
        squares: running means of the squares of their gradients (Adam without momentum).
        baseline: the running mean of rewards, before it is corrected for its beginning at 0.
        updates: how often it has learnt.
    """

    logits: dict[str, list[float]]
    squares: dict[str, list[float]]
    baseline: float = 0.0
    updates: int = 0


@dataclass(frozen=True)
class Learning:
    """How a controller learns.

    Attributes:
        learning_rate: how far a logit goes in an update, at most and about.
        baseline_decay: of the running mean of rewards.
    """

    learning_rate: float = 0.05
    baseline_decay: float = 0.95


@dataclass(frozen=True)
class Drawn:
    """A member that was drawn, and what came of it.

    Attributes:
        decisions: that matter for it; the others are not learnt from.
        reward: see :func:`absolute_reward`.
    """

    decisions: Decisions
    reward: float


def absolute_reward(accuracy: float, cost: float, target: float, beta: float) -> float:
    """Accuracy + beta · |cost / target − 1|; a member that is too cheap loses as well.

    Args:
        accuracy: 0 to 1.
        cost: in the target's unit.
        beta: below 0.
    """
    return accuracy + beta * abs(cost / target - 1)


def new_controller(choices: Sequence[Choice]) -> Controller:
    """One that takes all alternatives for equally good."""
    zeros = {choice.name: [0.0] * len(choice.alternatives) for choice in choices}
    return Controller(zeros, {name: list(values) for name, values in zeros.items()})


def probabilities(controller: Controller) -> dict[str, npt.NDArray[np.float64]]:
    """Of the alternatives, by choice."""
    return {name: _softmax(logits) for name, logits in controller.logits.items()}


def entropy(controller: Controller) -> float:
    """Of a member that is drawn, in nats: how undecided the controller is."""
    return sum(
        float(-np.sum(each * np.log(np.maximum(each, 1e-300))))
        for each in probabilities(controller).values()
    )


def draw(controller: Controller, generator: np.random.Generator) -> dict[str, int]:
    """A decision for every choice."""
    return {
        name: min(int(np.sum(np.cumsum(each) <= generator.random())), len(each) - 1)
        for name, each in probabilities(controller).items()
    }


def most_probable(controller: Controller) -> dict[str, int]:
    """The decision for every choice that is drawn most often; of equals the first."""
    return {name: int(np.argmax(logits)) for name, logits in controller.logits.items()}


def learnt(controller: Controller, drawn: Sequence[Drawn], learning: Learning) -> Controller:
    """The controller after the members of one step.

    Args:
        drawn: by it, in the order of replicas.
    """
    updates, decay = controller.updates + 1, learning.baseline_decay
    mean_reward = math.fsum(each.reward for each in drawn) / len(drawn)
    baseline = decay * controller.baseline + (1 - decay) * mean_reward
    expected = baseline / (1 - decay**updates)
    logits, squares = {}, {}
    for name, each in probabilities(controller).items():
        gradient = np.zeros_like(each)
        for one in drawn:
            if (decision := one.decisions.get(name)) is not None:
                gradient += (one.reward - expected) * (np.eye(len(each))[decision] - each)
        gradient /= len(drawn)
        square = _SQUARES_DECAY * np.array(controller.squares[name])
        square += (1 - _SQUARES_DECAY) * gradient**2
        scale = np.sqrt(square / (1 - _SQUARES_DECAY**updates)) + _SMALLEST
        logit = np.array(controller.logits[name]) + learning.learning_rate * gradient / scale
        logits[name], squares[name] = logit.tolist(), square.tolist()
    return Controller(logits, squares, baseline, updates)


def _softmax(logits: Sequence[float]) -> npt.NDArray[np.float64]:
    powers = np.exp(np.array(logits) - max(logits))
    shares: npt.NDArray[np.float64] = powers / powers.sum()
    return shares
