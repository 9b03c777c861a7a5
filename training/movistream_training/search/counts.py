"""What members were counted at, and estimates that learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
import numpy as np

from movistream_converters.networks.movinet import Architecture
from movistream_training.search.budget import Budget
from movistream_training.search.cost import Price, price
from movistream_training.search.estimates import Estimates, count, exact, fitted, is_counted
from movistream_training.search.found_folder import FoundFolder, remembered
from movistream_training.search.members import Task, sample
from movistream_training.search.plan import Callbacks
from movistream_training.search.space import Space
from movistream_training.search.workers import Workers

_COUNTED = 40
"""Random members that costs are learnt from at first."""


class _Costs(msgspec.Struct, frozen=True):
    """Of each member, under each budget."""

    costs: tuple[tuple[float, ...], ...]


class Counts:
    """All counts of a search so far; those of an interrupted one are in its folder."""

    def __init__(
        self,
        space: Space,
        task: Task,
        budgets: tuple[Budget, ...],
        folder: FoundFolder,
        workers: Workers,
        callbacks: Callbacks,
    ) -> None:
        self._space = space
        self._task = task
        self._budgets = budgets
        self._folder = folder
        self._workers = workers
        self._callbacks = callbacks
        self._prices: list[Price] = []
        self._costs: list[tuple[float, ...]] = []

    def learn(self, seed: int, base: Architecture | None) -> None:
        """Counts members of the whole space, where files do not tell a cost.

        Raises:
            SearchError: if they cannot be counted here.
        """
        if any(map(is_counted, self._budgets)):
            generator = np.random.default_rng([seed, 0])
            members = [sample(self._space, generator) for _ in range(_COUNTED)]
            # What a base has, its scaled forms have, which need not be in the space.
            self.count("costs", members if base is None else [*members, base])

    def count(
        self, name: str, members: Sequence[Architecture]
    ) -> tuple[list[Price], tuple[tuple[float, ...], ...]]:
        """Prices, and exact costs under each budget; estimates go by them from now on.

        Args:
            name: of the file that keeps them.

        Raises:
            SearchError: if they cannot be counted here.
        """
        prices = self._workers.all(partial(price, task=self._task), members)
        self._callbacks.on_stage("counting", len(members))

        def find() -> _Costs:
            columns = [
                count(members, self._task, budget, self._callbacks.on_done)
                if is_counted(budget)
                else [exact(found, budget) for found in prices]
                for budget in self._budgets
            ]
            return _Costs(tuple(zip(*columns, strict=True)))

        costs = remembered(self._folder.work / f"{name}-costs.json", _Costs, find).costs
        self._prices += prices
        self._costs += costs
        return prices, costs

    def estimates(self) -> Estimates:
        """By all counts so far."""
        return fitted(self._task, self._budgets, self._prices, self._costs)
