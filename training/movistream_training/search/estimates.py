"""What members cost under each budget of a search, as far as their files and counted ones tell."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from movistream.system.text import printable
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.search.budget import Budget, Measure
from movistream_training.search.cost import CostModel, Price, file_of, fit, price
from movistream_training.search.counting import count_instructions
from movistream_training.search.features import CPUS, Features
from movistream_training.search.members import Task

_READ: Mapping[Measure, Callable[[Price], float]] = {
    Measure.MULTIPLY_ADDS: lambda found: found.multiply_adds,
    Measure.PEAK_BYTES: lambda found: found.peak_bytes,
    Measure.FILE_BYTES: lambda found: found.file_bytes,
}
"""Measures that a file tells by itself."""


@dataclass(frozen=True)
class Estimates:
    """Costs under several budgets.

    Attributes:
        budgets: the first is the one that a front is drawn over.
        models: for budgets whose costs have to be counted, by their place.
    """

    task: Task
    budgets: tuple[Budget, ...]
    models: Mapping[int, CostModel]

    def costs(self, found: Price) -> tuple[float, ...]:
        """Of a member, under each budget.

        Raises:
            SearchError: if it does what no counted one did.
        """
        return tuple(
            _READ[budget.measure](found)
            if budget.measure in _READ
            else self.models[index].predict(features_of(found, budget))
            for index, budget in enumerate(self.budgets)
        )

    def share(self, member: Architecture) -> float:
        """How much of the tightest budget a member takes, predicted: 1 is all of it.

        Raises:
            SearchError: if it does what no counted one did.
        """
        return share_of(self.costs(price(member, self.task)), self.budgets)


def share_or(estimates: Estimates, member: Architecture, unknown: float) -> float:
    """How much of the tightest budget a member takes, predicted.

    Args:
        unknown: what it is taken to be where a member does what no counted one did.
    """
    try:
        return estimates.share(member)
    except SearchError:
        return unknown


def fitted(
    task: Task,
    budgets: tuple[Budget, ...],
    prices: Sequence[Price],
    costs: Sequence[Sequence[float]],
) -> Estimates:
    """Estimates by the members that were counted.

    Args:
        costs: of each member, under each budget.
    """
    models = {
        index: fit([features_of(each, budget) for each in prices], [each[index] for each in costs])
        for index, budget in enumerate(budgets)
        if is_counted(budget)
    }
    return Estimates(task, budgets, models)


def share_of(costs: Sequence[float], budgets: Sequence[Budget]) -> float:
    """How much of the tightest budget some costs are."""
    return max(cost / budget.limit for cost, budget in zip(costs, budgets, strict=True))


def is_counted(budget: Budget) -> bool:
    """Whether a cost has to be counted, as files do not tell it."""
    return budget.measure not in _READ


def features_of(found: Price, budget: Budget) -> Features:
    """What decides a counted cost."""
    return found.features[budget.cpu or CPUS[0]]


def exact(found: Price, budget: Budget) -> float:
    """A cost that a file tells by itself."""
    return float(_READ[budget.measure](found))


def count(
    members: Sequence[Architecture], task: Task, budget: Budget, on_done: Callable[[], None]
) -> list[float]:
    """Counts what files do not tell: instructions by emulation, or milliseconds by running them.

    Args:
        on_done: is called after each member where they are counted one by one.

    Raises:
        SearchError: if that cannot be done here.
    """
    with tempfile.TemporaryDirectory(prefix="movistream-search-") as folder:
        paths = []
        for index, member in enumerate(members):
            paths.append(Path(folder) / f"{index}.tflite")
            paths[-1].write_bytes(file_of(member, task))
        if budget.measure is Measure.INSTRUCTIONS:
            assert budget.cpu is not None
            found = []
            for instructions in count_instructions(paths, budget.cpu):
                found.append(float(instructions))
                on_done()
            return found
        return _milliseconds(paths)


def _milliseconds(paths: Sequence[Path]) -> list[float]:
    """Medians of a step, by ``movistream bench``, where all files take turns."""
    command = [sys.executable, "-m", "movistream", "bench", "--json", *map(str, paths)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        raise SearchError(f"measuring milliseconds failed: {printable(said)}")
    results = json.loads(done.stdout)["results"]
    return [float(result["inference_ms"]["median"]) for result in results]
