"""What members of a space cost: known from their files, predicted, or counted.

A :class:`Price` is what a file says by itself. Instructions are predicted by a :class:`CostModel`,
which is fitted on members of the same space that were counted; outside of it, it is worth little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from movistream.file.activation_memory import activation_memory
from movistream.file.graph import read_model_file
from movistream_converters.conversion import nominal_int8_file
from movistream_converters.ir.cost import network_cost
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.search.features import CPUS, Features, step_features
from movistream_training.search.least_squares import non_negative_least_squares
from movistream_training.search.members import Task, source_of

_SEED = 1
"""Of weights; no count depends on their values."""

_REMEMBERED = 8192
"""Prices: walks, and searches that go on, come by the same members again."""


@dataclass(frozen=True)
class Price:
    """What an int8 file of a member costs, as it says itself.

    Attributes:
        multiply_adds: of a frame, as the network is described.
        peak_bytes: of intermediate tensors alive at once, which is the least that a step takes.
        file_bytes: of the .tflite file.
        features: what decides its instructions, by core (:data:`.features.CPUS`).
    """

    multiply_adds: int
    peak_bytes: int
    file_bytes: int
    features: Mapping[str, Features]


@dataclass(frozen=True)
class CostModel:
    """Instructions of a step, by what it does.

    Attributes:
        instructions: of one unit of each feature.
    """

    instructions: Mapping[str, float]

    def predict(self, features: Features) -> float:
        """Instructions of a step.

        Raises:
            SearchError: if it does what no counted one did.
        """
        if unknown := sorted(features.keys() - self.instructions.keys()):
            raise SearchError(
                f"the cost of {unknown[0]!r} is not known: no counted network has it; count some"
                " that have"
            )
        return sum(self.instructions[name] * amount for name, amount in features.items())


@dataclass(frozen=True)
class Accuracy:
    """How far predictions are from counts.

    Attributes:
        r_squared: share of the counts' variance that is explained.
        mean_error: mean of |predicted / counted − 1|.
        worst_error: the largest of these.
    """

    r_squared: float
    mean_error: float
    worst_error: float


def file_of(member: Architecture, task: Task) -> bytes:
    """An int8 file with the operators and shapes of the member's, which has learnt nothing."""
    source = source_of(member, task)
    return nominal_int8_file(source, random_weights(source.network, _SEED))


@lru_cache(maxsize=_REMEMBERED)
def price(member: Architecture, task: Task) -> Price:
    """Lowers the member and reads off what it costs; takes some hundredths of a second."""
    data = file_of(member, task)
    graph = read_model_file(data, "the member's file").graphs[0]
    return Price(
        multiply_adds=network_cost(source_of(member, task).network).multiply_adds_per_frame,
        peak_bytes=activation_memory(graph).floor_bytes,
        file_bytes=len(data),
        features={cpu: step_features(graph, cpu) for cpu in CPUS},
    )


def fit(features: Sequence[Features], counted: Sequence[float]) -> CostModel:
    """The model with the least mean square of predicted / counted − 1; nothing costs less than 0.

    Args:
        features: of the networks that were counted; about 40 for a space like N0's.
        counted: instructions of each, or what else is counted.

    Raises:
        SearchError: if there are none.
    """
    if not counted or len(features) != len(counted):
        raise SearchError("a cost model needs networks that were counted")
    names = sorted(set().union(*features))
    matrix = np.array([[each.get(name, 0.0) for name in names] for each in features])
    relative = matrix / np.array(counted, float)[:, None]
    found = non_negative_least_squares(relative, np.ones(len(counted)))
    return CostModel(dict(zip(names, map(float, found), strict=True)))


def accuracy(model: CostModel, features: Sequence[Features], counted: Sequence[int]) -> Accuracy:
    """Of predictions for networks that the model was not fitted on.

    Raises:
        SearchError: if one of them does what no counted one did.
    """
    return accuracy_of([model.predict(each) for each in features], counted)


def accuracy_of(predicted: Sequence[float], counted: Sequence[float]) -> Accuracy:
    """Of predictions that somebody made before it was counted."""
    guess, truth = np.array(predicted, float), np.array(counted, float)
    errors = np.abs(guess / truth - 1)
    rest, spread = np.sum((guess - truth) ** 2), np.sum((truth - truth.mean()) ** 2)
    r_squared = 1 - rest / spread if spread else float(not rest)
    return Accuracy(float(r_squared), float(errors.mean()), float(errors.max()))
