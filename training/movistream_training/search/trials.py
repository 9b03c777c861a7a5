"""All trials of a search: trains what is asked for, knows what came of it, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from movistream_converters.networks.movinet import Architecture
from movistream_training.search.found_folder import FoundFolder, remembered, write_json
from movistream_training.search.plan import Callbacks, Network, Plan
from movistream_training.search.trial import Rung, Trial, run_trial
from movistream_training.search.workers import Workers

_SEEDS_APART = 1000
"""Searches of different seeds share no trial's."""


class TimeIsUpError(Exception):
    """What comes next would take longer than the search may."""


class _Spent(msgspec.Struct, frozen=True):
    seconds: float


class Trials:
    """The trials of a search, as far as they have been asked for."""

    def __init__(
        self, plan: Plan, folder: FoundFolder, workers: Workers, callbacks: Callbacks
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._workers = workers
        self._callbacks = callbacks
        self._last: dict[tuple[str, int], tuple[Network, Rung]] = {}
        self._seconds_per_step: list[float] = []
        self._clock = folder.work / "spent.json"
        before_s = remembered(self._clock, _Spent, lambda: _Spent(0.0)).seconds
        self._begun_s = time.monotonic() - before_s

    def train(self, networks: Sequence[Network], rung: int, seed: int = 1) -> None:
        """Trains networks up to a rung, counted from 1, where they have not been yet.

        Raises:
            TimeIsUpError: if there is no time for that.
        """
        steps = self._plan.recipe.steps_per_epoch
        networks = [n for n in networks if self._trained(n, seed) < steps * rung]
        self._check_time(sum(steps * rung - self._trained(n, seed) for n in networks))
        self._callbacks.on_stage(f"training to step {steps * rung}, seed {seed}", len(networks))
        trials = [trial_of(self._plan, self._folder, n.member, rung, seed) for n in networks]
        for index, rungs in self._workers.each(run_trial, trials):
            network = networks[index]
            new = rungs[self._trained(network, seed) // steps : rung]
            self._seconds_per_step += [each.seconds / steps for each in new if each.seconds]
            self._last[network.name, seed] = network, rungs[rung - 1]
            write_json(self._clock, _Spent(self.spent_s))
            self._callbacks.on_done()
            self._callbacks.on_trial(network, seed, rungs[rung - 1])

    def loss(self, network: Network) -> float:
        """With the first seed, at the last rung that it has reached."""
        return self._last[network.name, 1][1].loss

    def all(self) -> Iterator[tuple[Network, int, Rung]]:
        """Networks and seeds, in an order that does not depend on which was done first."""
        for (name, seed), (network, rung) in sorted(
            self._last.items(), key=lambda item: (item[1][0].kind, *item[0])
        ):
            assert name == network.name
            yield network, seed, rung

    def at_the_end(self, kind: str) -> list[Network]:
        """Networks of a kind that have reached the last rung, the best first."""
        end = self._plan.recipe.steps
        found = [n for n, seed, r in self.all() if seed == 1 and n.kind == kind and r.steps == end]
        return sorted(found, key=self.loss)

    @property
    def spent_s(self) -> float:
        """Time that the search has taken, with what it took before it was interrupted."""
        return time.monotonic() - self._begun_s

    def expected_s(self, steps: int) -> float | None:
        """Time that so many steps will take; None before any was taken."""
        if not self._seconds_per_step:
            return None
        mean_s = sum(self._seconds_per_step) / len(self._seconds_per_step)
        return steps * mean_s / self._workers.count

    def _check_time(self, steps: int) -> None:
        expected_s = self.expected_s(steps)
        if self._plan.minutes is None or expected_s is None:
            return
        if self.spent_s + expected_s > 60 * self._plan.minutes:
            raise TimeIsUpError

    def _trained(self, network: Network, seed: int) -> int:
        """Steps that a network has been trained for."""
        last = self._last.get((network.name, seed))
        return 0 if last is None else last[1].steps


def trial_of(plan: Plan, folder: FoundFolder, member: Architecture, rung: int, seed: int) -> Trial:
    """A training of a member up to a rung, with one of the search's seeds, counted from 1."""
    return Trial(
        member=member,
        seed=_SEEDS_APART * plan.seed + seed,
        folder=folder.trial(member, seed),
        rung=rung,
        recipe=plan.recipe,
        task=plan.task,
        material=plan.material,
    )
