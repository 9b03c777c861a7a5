"""A search on one machine: candidates that a budget allows, a screen, and halving by trials.

Three kinds of networks are trained by one recipe, and compared on the same examples:

- *controls*: a known network, as it is and scaled until the budget allows it;
- *random* members that the budget allows;
- *guided* ones: of several times as many, those that a screen of untrained networks prefers; then,
  in a second bracket, changes of the ones that did best.

Random and guided members get the same number of steps. In a bracket all are trained to the first
rung, and the better half goes on to the next (successive halving, arXiv 1502.07943). The best of
each kind are trained with further seeds, and the one with the lowest mean loss is chosen, whatever
kind it is of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.search.candidates import Draw, candidate, digest, scaled
from movistream_training.search.cost import Accuracy, accuracy_of
from movistream_training.search.counts import Counts
from movistream_training.search.estimates import (
    is_counted,
    share_of,
)
from movistream_training.search.found_folder import FoundFolder, remembered
from movistream_training.search.material import Material
from movistream_training.search.members import Task, misfit
from movistream_training.search.plan import (
    BRACKETS,
    CONTROL,
    FINALISTS,
    GUIDED,
    RANDOM,
    SEEDS,
    WIDTHS,
    Callbacks,
    Judged,
    Network,
    Outcome,
    Plan,
    planned_steps,
)
from movistream_training.search.screen import screen
from movistream_training.search.trials import TimeIsUpError, Trials
from movistream_training.search.workers import Workers

_POOL_PER_PLACE = 8
"""Candidates that are screened for each place in a bracket."""

_COUNTED_PER_PLACE = 1.5
"""Candidates that are counted for each place: some will turn out to be over the budget."""

_PARENTS = 2
"""Whose changes make the next bracket, half of it each."""

_RESERVE = 0.9
"""Of the time, which the plan may use."""

_SCREENED_SEED = 0
"""Of the batch on which untrained networks are screened."""


class _Members(msgspec.Struct, frozen=True):
    members: tuple[Architecture, ...]


class _Width(msgspec.Struct, frozen=True):
    width: int


class Search:
    """A search under way: every step remembers its result in the folder."""

    def __init__(
        self, plan: Plan, folder: FoundFolder, workers: Workers, callbacks: Callbacks
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._workers = workers
        self._callbacks = callbacks
        self._trials = Trials(plan, folder, workers, callbacks)
        self._counts = Counts(plan.space, plan.task, plan.budgets, folder, workers, callbacks)

    def run(self) -> Outcome:
        """Searches, or goes on.

        Raises:
            SearchError: if no member that the budget allows was found or trained in time, or
                something cannot be counted or trained here.
        """
        plan = self._plan
        width, finished = WIDTHS[-1], True
        try:
            self._counts.learn(plan.seed, plan.base)
            controls = self._controls()
            # How long steps take is known then.
            self._trials.train(controls, 1)
            path = self._folder.work / "width.json"
            width = remembered(path, _Width, lambda: self._width(len(controls))).width
            self._brackets(width, controls)
            best = [
                n for kind in (GUIDED, RANDOM) for n in self._trials.at_the_end(kind)[:FINALISTS]
            ]
            best += self._known(controls)
            for seed in range(2, SEEDS + 1):
                self._trials.train(best, plan.recipe.epochs, seed)
        except TimeIsUpError:
            finished = False
        return self._outcome(width, finished)

    def _controls(self) -> list[Network]:
        base = self._plan.base
        if base is None:
            return []
        forms = [("as it is", base), *scaled(base, self._counts.estimates())]
        return self._networks("controls", CONTROL, forms)

    def _width(self, controls: int) -> _Width:
        plan = self._plan
        if plan.width is not None:
            return _Width(plan.width)
        for width in WIDTHS:
            expected_s = self._trials.expected_s(planned_steps(width, controls, plan.recipe))
            if plan.minutes is None or expected_s is None:
                return _Width(width)
            if self._trials.spent_s + expected_s <= _RESERVE * 60 * plan.minutes:
                return _Width(width)
        return _Width(WIDTHS[-1])

    def _brackets(self, width: int, controls: Sequence[Network]) -> None:
        """Random and guided networks side by side, and the controls beside the first of them."""
        seed, base = self._plan.seed, self._plan.base
        known_good = base if base and misfit(self._plan.space, base) is None else None
        places = BRACKETS * width
        free = self._pool("random", [Draw(None, (seed, 1, n)) for n in range(2 * places)])
        random = self._allowed("random", RANDOM, free, places)
        if not random:
            budgets = " and ".join(map(str, self._plan.budgets))
            raise SearchError(
                f"no member of the space {self._plan.space.name} was found that takes at most"
                f" {budgets}"
            )
        known = {network.name for network in random}
        # As many from nothing as from what is known to work, and then from the best so far.
        parents: list[Architecture | None] = [None]
        if known_good is not None:
            parents.append(known_good)
        for bracket in range(BRACKETS):
            guided: list[Network] = []
            for index, parent in enumerate(parents):
                places = (width + index) // len(parents)
                name = f"guided-{bracket + 1}-{index + 1}"
                guided += self._guided(name, parent, (seed, 2 + bracket, index), places, known)
                known |= {network.name for network in guided}
            sides = [random[bracket * width : (bracket + 1) * width], guided]
            self._halved(sides, controls if bracket == 0 else ())
            best = self._trials.at_the_end(GUIDED)[:_PARENTS]
            if best:
                parents = [network.member for network in best]

    def _guided(
        self,
        name: str,
        parent: Architecture | None,
        seed: tuple[int, ...],
        places: int,
        known: set[str],
    ) -> list[Network]:
        """Those of many candidates, drawn or changed from a parent, that a screen prefers."""
        draws = [Draw(parent, (*seed, n)) for n in range(_POOL_PER_PLACE * places)]
        pool = [m for m in self._pool(name, draws) if digest(m) not in known]
        self._callbacks.on_stage("screening", len(pool))

        def find() -> _Members:
            judge = _Screen(self._plan.task, self._plan.material)
            scores = self._workers.all(judge, pool, self._callbacks.on_done)
            order = sorted(range(len(pool)), key=lambda index: (-scores[index], index))
            return _Members(tuple(pool[index] for index in order))

        ranked = remembered(self._folder.work / f"{name}-screened.json", _Members, find).members
        return self._allowed(name, GUIDED, ranked, places)

    def _pool(self, name: str, draws: Sequence[Draw]) -> tuple[Architecture, ...]:
        """Candidates at the ends of draws, each once."""
        self._callbacks.on_stage("looking for candidates", len(draws))

        def find() -> _Members:
            walk = partial(candidate, self._plan.space, self._counts.estimates())
            ends = self._workers.all(walk, draws, self._callbacks.on_done)
            return _Members(tuple({digest(end): end for end in ends if end is not None}.values()))

        return remembered(self._folder.work / f"{name}-pool.json", _Members, find).members

    def _allowed(
        self, name: str, kind: str, members: Sequence[Architecture], places: int
    ) -> list[Network]:
        """So many of the first members that the budget allows, by count."""
        tried = members[: math.ceil(places * _COUNTED_PER_PLACE)]
        networks = self._networks(name, kind, [(digest(m), m) for m in tried])
        return [n for n in networks if share_of(n.costs, self._plan.budgets) <= 1][:places]

    def _networks(
        self, name: str, kind: str, members: Sequence[tuple[str, Architecture]]
    ) -> list[Network]:
        """Counts members, after it has been said what they should cost."""
        before = self._counts.estimates()
        prices, costs = self._counts.count(name, [member for _, member in members])
        return [
            Network(label, kind, member, found, cost, before.costs(found))
            for (label, member), found, cost in zip(members, prices, costs, strict=True)
        ]

    def _known(self, controls: Sequence[Network]) -> list[Network]:
        """The base as it is, and the best of its forms."""
        return [*controls[:1], *sorted(controls[1:], key=self._trials.loss)[:1]]

    def _halved(self, brackets: Sequence[list[Network]], controls: Sequence[Network]) -> None:
        """Trains each bracket's better half on from rung to rung, and the controls all the way."""
        left = [list(bracket) for bracket in brackets]
        for rung in range(1, self._plan.recipe.epochs + 1):
            self._trials.train([*controls, *(n for bracket in left for n in bracket)], rung)
            left = [sorted(b, key=self._trials.loss)[: math.ceil(len(b) / 2)] for b in left]

    def _outcome(self, width: int, finished: bool) -> Outcome:
        trials = tuple(self._trials.all())
        budgets = self._plan.budgets
        reached = [r.steps for n, _, r in trials if share_of(n.costs, budgets) <= 1]
        if not reached:
            raise SearchError(
                "there was no time to train a single network that the budget allows; what was"
                " done is kept, but the time is part of the search: another folder begins anew"
            )
        end = max(reached)
        judged = [
            Judged(
                network, tuple(r for n, _, r in trials if n.name == network.name and r.steps == end)
            )
            for network, seed, rung in trials
            if seed == 1 and rung.steps == end
        ]
        allowed = [one for one in judged if share_of(one.network.costs, budgets) <= 1]
        most = max(len(one.rungs) for one in allowed)
        best = min((j for j in allowed if len(j.rungs) == most), key=lambda j: j.loss)
        steps = {
            kind: sum(r.steps for n, seed, r in trials if n.kind == kind and seed == 1)
            for kind in (CONTROL, RANDOM, GUIDED)
        }
        predictions = self._predictions([network for network, seed, _ in trials if seed == 1])
        return Outcome(best, tuple(judged), trials, end, steps, predictions, width, finished)

    def _predictions(self, networks: Sequence[Network]) -> Accuracy | None:
        drawn = [network for network in networks if network.kind != CONTROL]
        if not drawn or not is_counted(self._plan.budgets[0]):
            return None
        return accuracy_of([n.predicted[0] for n in drawn], [n.costs[0] for n in drawn])


@dataclass(frozen=True)
class _Screen:
    """Screens members in workers, all on the same clips."""

    task: Task
    material: Material

    def __call__(self, member: Architecture) -> float:
        batch = next(iter(self.material.training(member, _SCREENED_SEED, 0, 1)))
        return screen(member, self.task, batch)
