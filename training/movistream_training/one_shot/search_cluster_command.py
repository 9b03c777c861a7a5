"""``movistream search-cluster``: all networks of a space at once, here or on many computers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from movistream.cli.help import Command, option
from movistream_training.bars import bars, print_line
from movistream_training.search.asked import asking, read_asked
from movistream_training.search.budget import Budget, amount

if TYPE_CHECKING:
    from movistream_converters.networks.movinet import Architecture
    from movistream_training.one_shot.course import Step
    from movistream_training.search.estimates import Estimates

_UNKNOWN_SHARE = 2.0
"""Of the budget, that a member is taken to cost which does what no counted one did."""


@click.command(cls=Command)
@click.argument("data", type=click.Path(path_type=Path))
@asking
@option(
    "--steps",
    group="Search",
    type=click.IntRange(min=1),
    default=3000,
    show_default=True,
    help="Steps of the shared weights; in the first quarter, the controller does not learn.",
)
@option(
    "--replicas",
    group="Search",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Networks that are drawn in each step.",
)
@option(
    "--workers",
    group="Search",
    type=click.IntRange(min=1),
    help="Processes of Ray's, one core each; the result does not depend on it. [default: this"
    " process, without Ray]",
)
@option(
    "--address",
    group="Search",
    metavar="HOST:PORT",
    help="A Ray cluster that runs. [default: one on this machine, for this search alone]",
)
def search_cluster(
    data: Path,
    output: Path,
    budgets: tuple[Budget, ...],
    space: str,
    clips: int,
    learning_rate: float,
    clip_frames: int | None,
    validation: float,
    test: float,
    flip: bool | None,
    steps: int,
    replicas: int,
    workers: int | None,
    address: str | None,
    seed: int,
) -> None:
    """Search a network for the classes of DATA by training all networks of a space at once, in
    this process or on a Ray cluster.

    FOLDER/arch.txt is what 'movistream train --arch' takes.
    """
    if address is not None and workers is None:
        raise click.UsageError("--address goes with --workers: how many of the cluster's cores")
    asked = read_asked(data, space, clips, clip_frames, validation, test, flip, seed)
    from movistream_training.one_shot.ray_workers import on_ray
    from movistream_training.one_shot.search import Aim, one_shot_search
    from movistream_training.one_shot.settings import Settings
    from movistream_training.one_shot.videos import JudgingVideos, TrainingVideos
    from movistream_training.one_shot.workers import in_this_process
    from movistream_training.run_folder import write_split
    from movistream_training.search.counts import Counts
    from movistream_training.search.found_folder import open_found, question_of, write_text
    from movistream_training.search.members import Task
    from movistream_training.search.plan import Callbacks
    from movistream_training.search.space import space_text
    from movistream_training.search.workers import Workers

    task = Task(len(asked.material.labels))
    settings = Settings(steps=steps, replicas=replicas, seed=seed, learning_rate=learning_rate)
    folder = open_found(
        output,
        question_of(
            space=asked.space,
            budgets=budgets,
            base=None,
            labels=asked.material.labels,
            material=f"{asked.text}, {replicas} replicas",
            sides=asked.sides,
            recipe=settings.recipe,
            width=None,
            minutes=None,
            seed=seed,
        ),
    )
    write_text(folder.space, space_text(asked.space))
    write_split(folder.split, asked.sides)
    with _Display(steps) as display, Workers(1) as counting:
        counts = Counts(
            asked.space, task, budgets, folder, counting, Callbacks(on_stage=display.on_stage)
        )
        counts.learn(seed, None)
        found = one_shot_search(
            asked.space,
            task,
            TrainingVideos(asked.material, replicas, seed),
            JudgingVideos(asked.material, seed),
            Aim(ShareOfBudget(counts.estimates()), target=1.0),
            settings,
            folder.path,
            in_this_process if workers is None else on_ray(workers, address),
            display.on_step,
        )
        _, (costs,) = counts.count("found", [found])
    shown = zip(costs, budgets, strict=True)
    click.echo("found: " + ", ".join(f"{amount(cost)} {budget.unit}" for cost, budget in shown))
    for cost, budget in zip(costs, budgets, strict=True):
        if cost > budget.limit:
            click.echo(
                f"note: that is more than {budget}; a search aims at its budget, so ask for less"
            )
    click.echo(f"wrote {folder.table}, controller.json, history.csv")
    click.echo(f"next: movistream train {folder.split} --arch {folder.table} -o run")


class ShareOfBudget:
    """How much of the tightest budget a member takes, as predicted. Workers get a copy."""

    def __init__(self, estimates: Estimates) -> None:
        self._estimates = estimates
        self._known = lru_cache(maxsize=None)(self._share)

    def __reduce__(self) -> tuple[type[ShareOfBudget], tuple[Estimates]]:
        return ShareOfBudget, (self._estimates,)

    def __call__(self, member: Architecture) -> float:
        return self._known(member)

    def _share(self, member: Architecture) -> float:
        from movistream_training.search.estimates import share_or

        return share_or(self._estimates, member, _UNKNOWN_SHARE)


class _Display:
    """A bar on a terminal; elsewhere a line now and then."""

    def __init__(self, steps: int) -> None:
        self._line_steps = max(1, steps // 20)
        self._bars = bars()
        self._task = self._bars.add_task("searching", total=steps)

    def __enter__(self) -> _Display:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def on_stage(self, name: str, total: int) -> None:
        self._print(f"{name} ({total})")

    def on_step(self, step: Step, _found: Architecture) -> None:
        text = f"loss {step.loss:.3f}"
        if step.accuracy is not None and step.cost is not None:
            text += (
                f", right in {step.accuracy:.1%}, {step.cost:.2f} of the budget, entropy"
                f" {step.entropy:.2f}"
            )
        self._bars.update(self._task, completed=step.step, description=text)
        if self._bars.disable and step.step % self._line_steps == 0:
            self._print(f"step {step.step}: {text}")

    def _print(self, line: str) -> None:
        print_line(self._bars, line)
