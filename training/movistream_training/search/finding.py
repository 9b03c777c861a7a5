"""A search from its question to its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from movistream_training.examples import Example
from movistream_training.recipe import Recipe
from movistream_training.run_folder import write_split
from movistream_training.search.budget import amount
from movistream_training.search.display import Display
from movistream_training.search.found_folder import (
    FoundFolder,
    open_found,
    question_of,
    remembered,
    write_text,
)
from movistream_training.search.outputs import write_outputs, write_summary
from movistream_training.search.picture import draw_front
from movistream_training.search.plan import Outcome, Plan
from movistream_training.search.report import write_report
from movistream_training.search.search import Search
from movistream_training.search.space import space_text
from movistream_training.search.trial import accuracy_on_test
from movistream_training.search.trials import trial_of
from movistream_training.search.workers import Workers

_RUNGS = 3
_FIRST_SEED = 1


def search_recipe(steps: int, learning_rate: float) -> Recipe:
    """Of every trial, in three rungs of equal length.

    Args:
        steps: of all of it; a multiple of three is made of it.
    """
    each = max(1, round(steps / _RUNGS))
    return Recipe(
        epochs=_RUNGS, steps_per_epoch=each, learning_rate=learning_rate, average_decay=0.99
    )


def find(
    plan: Plan,
    output: Path,
    workers: int,
    sides: Mapping[str, Sequence[Example]] | None,
    material: str,
) -> Outcome:
    """Searches, or goes on, and writes all that there is to say.

    Args:
        sides: examples by split, if the material is made of some.
        material: what tells it from others, apart from the examples.

    Raises:
        SearchError: if the folder holds another search, or nothing can be found.
        OutputError: if something cannot be written.
    """
    question = question_of(
        space=plan.space,
        budgets=plan.budgets,
        base=plan.base,
        labels=plan.material.labels,
        material=material,
        sides=sides,
        recipe=plan.recipe,
        width=plan.width,
        minutes=plan.minutes,
        seed=plan.seed,
    )
    folder = open_found(output, question)
    write_text(folder.space, space_text(plan.space))
    if sides is not None:
        write_split(folder.split, sides)
    with Workers(workers) as processes:
        with Display(plan) as display:
            outcome = Search(plan, folder, processes, display.callbacks()).run()
        rows = write_outputs(folder, plan, outcome)
        # The network is chosen, and what chose it is written down: now the test may be opened.
        tests = remembered(
            folder.work / "test.json",
            dict[str, float],
            lambda: _tests(plan, folder, outcome, processes),
        )
    write_summary(folder, plan, outcome, tests)
    draw_front(rows, plan.budgets[0], folder.picture)
    write_report(plan, outcome, rows, tests, folder.report)
    _summarise(plan, folder, outcome, tests)
    return outcome


def _tests(
    plan: Plan, folder: FoundFolder, outcome: Outcome, processes: Workers
) -> dict[str, float]:
    """Accuracies on the test examples, of networks that were trained with as many seeds as the
    chosen one.
    """
    networks = [
        one.network for one in outcome.judged if len(one.rungs) >= len(outcome.chosen.rungs)
    ]
    end = outcome.steps_of_each // plan.recipe.steps_per_epoch
    trials = [trial_of(plan, folder, network.member, end, _FIRST_SEED) for network in networks]
    found = processes.all(accuracy_on_test, trials)
    return {network.name: share for network, share in zip(networks, found, strict=True)}


def _summarise(
    plan: Plan, folder: FoundFolder, outcome: Outcome, tests: Mapping[str, float]
) -> None:
    chosen = outcome.chosen
    costs = ", ".join(
        f"{amount(cost)} {budget.unit}"
        for cost, budget in zip(chosen.network.costs, plan.budgets, strict=True)
    )
    if not outcome.finished:
        click.echo("time was up before the search had ended: this is the best so far")
    click.echo(
        f"found {chosen.network.name} ({chosen.network.kind}): {costs}; right in"
        f" {chosen.accuracy:.1%} of the validation frames after {outcome.steps_of_each} steps"
    )
    if chosen.network.name in tests:
        click.echo(f"and in {tests[chosen.network.name]:.1%} of the test frames")
    click.echo(
        f"wrote {folder.table}, {folder.front.name}, {folder.costs.name}, {folder.report.name}"
    )
    data = folder.split if folder.split.exists() else "DATA"
    click.echo(f"next: movistream train {data} --arch {folder.table} -o run")
