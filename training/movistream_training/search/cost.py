"""What members of a space cost: known from their files, predicted, or counted.

A :class:`Price` is what a file says by itself. Instructions are predicted by a :class:`CostModel`,
which is fitted on members of the same space that were counted; outside of it, it is worth little.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from movistream.file.activation_memory import activation_memory
from movistream.file.graph import read_model_file
from movistream.system.output import replaced_when_done
from movistream_converters.conversion import nominal_int8_file
from movistream_converters.ir.cost import network_cost
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.search.features import Features, step_features
from movistream_training.search.least_squares import non_negative_least_squares
from movistream_training.search.members import Task, source_of

_SEED = 1
"""Of weights; no count depends on their values."""


@dataclass(frozen=True)
class Price:
    """What an int8 file of a member costs, as it says itself.

    Attributes:
        multiply_adds: of a frame, as the network is described.
        peak_bytes: of intermediate tensors alive at once, which is the least that a step takes.
        file_bytes: of the .tflite file.
        features: what decides its instructions on a core.
    """

    multiply_adds: int
    peak_bytes: int
    file_bytes: int
    features: Features


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


@dataclass(frozen=True)
class Row:
    """One line of ``costs.csv``.

    Attributes:
        member: its name.
        predicted: instructions, rounded; None before there is a model.
        counted: instructions; None where nobody has counted.
    """

    member: str
    predicted: int | None
    counted: int | None
    multiply_adds: int
    peak_bytes: int
    file_bytes: int


def file_of(member: Architecture, task: Task) -> bytes:
    """An int8 file with the operators and shapes of the member's, which has learnt nothing."""
    source = source_of(member, task)
    return nominal_int8_file(source, random_weights(source.network, _SEED))


def price(member: Architecture, task: Task, cpu: str) -> Price:
    """Lowers the member and reads off what it costs; takes some hundredths of a second.

    Args:
        cpu: one of :data:`.features.CPUS`.
    """
    data = file_of(member, task)
    graph = read_model_file(data, "the member's file").graphs[0]
    return Price(
        multiply_adds=network_cost(source_of(member, task).network).multiply_adds_per_frame,
        peak_bytes=activation_memory(graph).floor_bytes,
        file_bytes=len(data),
        features=step_features(graph, cpu),
    )


def fit(features: Sequence[Features], counted: Sequence[int]) -> CostModel:
    """The model with the least mean square of predicted / counted − 1; nothing costs less than 0.

    Args:
        features: of the networks that were counted; about 40 for a space like N0's.
        counted: instructions of each.

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
    truth = np.array(counted, float)
    predicted = np.array([model.predict(each) for each in features])
    errors = np.abs(predicted / truth - 1)
    rest, spread = np.sum((predicted - truth) ** 2), np.sum((truth - truth.mean()) ** 2)
    return Accuracy(float(1 - rest / spread), float(errors.mean()), float(errors.max()))


def write_costs(rows: Sequence[Row], path: Path) -> None:
    """Writes ``costs.csv``: a line for each member, in their order.

    Raises:
        OutputError: if it cannot be written.
    """
    names = [field.name for field in fields(Row)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = (getattr(row, name) for name in names)
        writer.writerow("" if value is None else value for value in values)
    with replaced_when_done(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8")
