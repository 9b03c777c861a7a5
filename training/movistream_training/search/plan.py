"""What is searched, who takes part, and how many steps that makes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from movistream_converters.networks.movinet import Architecture
from movistream_training.recipe import Recipe
from movistream_training.search.budget import Budget
from movistream_training.search.cost import Accuracy, Price
from movistream_training.search.material import Material
from movistream_training.search.members import Task
from movistream_training.search.space import Space
from movistream_training.search.trial import Rung

CONTROL, RANDOM, GUIDED = "control", "random", "guided"
"""Kinds of networks."""

WIDTHS = (8, 6, 4, 3, 2)
"""Networks of a bracket: the first that the time allows."""

BRACKETS = 2
"""Of guided and of random networks each."""

FINALISTS = 2
"""Of random and of guided networks each."""

SEEDS = 3
"""With which finalists, the base and the best of its forms are trained."""


@dataclass(frozen=True)
class Plan:
    """What is searched, as a user says it.

    Attributes:
        budgets: all of them hold; the front is drawn over the first.
        base: a known network to compare with, and to begin from if it is in the space.
        recipe: of every trial; its epochs are the rungs.
        width: networks of a bracket; None: as many as the time allows, eight at most.
        minutes: that the search may take; None: as long as it takes.
        seed: of everything random.
    """

    space: Space
    task: Task
    budgets: tuple[Budget, ...]
    base: Architecture | None
    recipe: Recipe
    material: Material
    width: int | None
    minutes: float | None
    seed: int


@dataclass(frozen=True)
class Network:
    """One that takes part.

    Attributes:
        name: of a control what it is, of others their digest.
        kind: :data:`CONTROL`, :data:`RANDOM` or :data:`GUIDED`.
        price: what its file says.
        costs: under each budget; exact, or counted.
        predicted: what was expected before that.
    """

    name: str
    kind: str
    member: Architecture
    price: Price
    costs: tuple[float, ...]
    predicted: tuple[float, ...]


@dataclass(frozen=True)
class Judged:
    """A network that was trained as far as any.

    Attributes:
        rungs: the last, with each seed.
    """

    network: Network
    rungs: tuple[Rung, ...]

    @property
    def loss(self) -> float:
        """The mean over seeds."""
        return math.fsum(rung.loss for rung in self.rungs) / len(self.rungs)

    @property
    def accuracy(self) -> float:
        """The mean over seeds."""
        return math.fsum(rung.accuracy for rung in self.rungs) / len(self.rungs)


@dataclass(frozen=True)
class Outcome:
    """What a search has found.

    Attributes:
        chosen: the network of the lowest mean loss among those with the most seeds.
        judged: all that were trained as far as that one.
        trials: every network with what became of it at the last rung that it reached, by seed.
        steps_of_each: that they were trained for; all of the recipe's, unless time was up.
        steps: of training, by kind of network; further seeds are left out.
        predictions: how far expected costs of candidates were from what they are; None: the first
            budget is one that files tell by themselves.
        width: networks of a bracket.
        finished: whether there was time for all.
    """

    chosen: Judged
    judged: tuple[Judged, ...]
    trials: tuple[tuple[Network, int, Rung], ...]
    steps_of_each: int
    steps: Mapping[str, int]
    predictions: Accuracy | None
    width: int
    finished: bool


@dataclass(frozen=True)
class Callbacks:
    """Is told how far a search is.

    Attributes:
        on_stage: what begins, and of how many parts it is.
        on_done: one of them is done.
        on_trial: a network has reached a rung, with a seed.
    """

    on_stage: Callable[[str, int], None] = lambda _name, _total: None
    on_done: Callable[[], None] = lambda: None
    on_trial: Callable[[Network, int, Rung], None] = lambda _network, _seed, _rung: None


def planned_steps(width: int, controls: int, recipe: Recipe) -> int:
    """Steps of everything behind the controls' first rung."""
    finals = (2 * FINALISTS + min(2, controls)) * (SEEDS - 1) * recipe.steps
    finals += controls * (recipe.steps - recipe.steps_per_epoch)
    return 2 * BRACKETS * bracket_steps(width, recipe) + finals


def bracket_steps(width: int, recipe: Recipe) -> int:
    """Steps of a bracket, of which half go on after each rung."""
    steps = 0
    for _ in range(recipe.epochs):
        steps += width * recipe.steps_per_epoch
        width = math.ceil(width / 2)
    return steps
