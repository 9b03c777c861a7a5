"""``movistream search``: a network for your classes within your device's budget."""

from __future__ import annotations

import os
from pathlib import Path

import click

from movistream.cli.help import Command, option
from movistream_training.search.asked import BUILT_IN, asking, read_asked
from movistream_training.search.budget import Budget


@click.command(cls=Command)
@click.argument("data", type=click.Path(path_type=Path))
@asking
@option(
    "--base",
    group="Network",
    metavar="NAME_OR_FILE",
    help="A known network to compare with and to begin from: an architecture, or a table of blocks"
    " in FILE.txt. [default: the space's own, if it has one]",
)
@option(
    "--minutes",
    group="Search",
    type=click.FloatRange(min=1),
    metavar="MINUTES",
    help="Time that it may take. [default: as much as it can use]",
)
@option(
    "--steps",
    group="Search",
    type=click.IntRange(min=3),
    default=900,
    show_default=True,
    help="Steps that finalists are trained for; each third of them, the worse half leaves.",
)
@option(
    "--width",
    group="Search",
    type=click.IntRange(min=2, max=64),
    help="Networks that are trained side by side. [default: 8, or fewer with --minutes]",
)
@option(
    "--workers",
    group="Search",
    type=click.IntRange(min=1),
    help="Processes; the result does not depend on it. [default: one per core]",
)
def search(
    data: Path,
    output: Path,
    budgets: tuple[Budget, ...],
    space: str,
    base: str | None,
    minutes: float | None,
    steps: int,
    width: int | None,
    workers: int | None,
    clips: int,
    learning_rate: float,
    clip_frames: int | None,
    validation: float,
    test: float,
    flip: bool | None,
    seed: int,
) -> None:
    """Search a network that learns the classes of DATA within a budget: a folder with a folder of
    videos per class, or a .csv table with the columns path and label.

    FOLDER/arch.txt is what 'movistream train --arch' takes, and FOLDER/report.html says how it was
    found.
    """
    asked = read_asked(data, space, clips, clip_frames, validation, test, flip, seed)
    from movistream_training.search.base import built_in_base, read_base
    from movistream_training.search.finding import find, search_recipe
    from movistream_training.search.members import Task
    from movistream_training.search.plan import Plan

    start = None if base is None else read_base(base)
    if start is None and space in BUILT_IN:
        start = built_in_base(space)
    plan = Plan(
        space=asked.space,
        task=Task(len(asked.material.labels)),
        budgets=budgets,
        base=start,
        recipe=search_recipe(steps, learning_rate),
        material=asked.material,
        width=width,
        minutes=minutes,
        seed=seed,
    )
    find(plan, output, workers or os.cpu_count() or 1, asked.sides, asked.text)
