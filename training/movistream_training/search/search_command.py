"""``movistream search``: a network for your classes within your device's budget."""

from __future__ import annotations

import os
from pathlib import Path

import click

from movistream.cli.help import Command, option
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.augmentation import flips_are_safe
from movistream_training.errors import SearchError
from movistream_training.examples import divide_in_three, find_examples
from movistream_training.search.budget import Budget, check_budgets, parse_budget
from movistream_training.search.space import built_in_space, read_space

_BUILT_IN = ("n0", "movinet")


def _budget(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[Budget, ...]:
    try:
        budgets = tuple(map(parse_budget, texts))
        check_budgets(budgets)
    except SearchError as error:
        raise click.BadParameter(str(error)) from None
    return budgets


@click.command(cls=Command)
@click.argument("data", type=click.Path(path_type=Path))
@option(
    "-o",
    "--output",
    group="Output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Folder of the search; an interrupted one is gone on with.",
)
@option(
    "--budget",
    "budgets",
    group="Network",
    multiple=True,
    required=True,
    callback=_budget,
    metavar="BUDGET",
    help="What a step may take at most: '1.4 M instructions on cortex-a76' (or cortex-a72), '0.5 ms"
    " on this machine', '4 M multiply-adds', '200 kB peak', '150 kB file'. Several: all hold.",
)
@option(
    "--space",
    group="Network",
    default="n0",
    show_default=True,
    metavar="NAME_OR_FILE",
    help="What networks may be: n0, movinet, or a space in FILE.toml.",
)
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
@option(
    "--batch",
    "clips",
    group="Training",
    type=click.IntRange(min=2),
    default=4,
    show_default=True,
    help="Clips in a step.",
)
@option(
    "--learning-rate",
    group="Training",
    type=click.FloatRange(min=0, min_open=True),
    default=3e-3,
    show_default=True,
    help="The highest learning rate.",
)
@option(
    "--clip-frames",
    group="Clips",
    type=click.IntRange(min=1),
    help="Frames of a clip, at most. [default: as many as the network is made for]",
)
@option(
    "--validation",
    group="Clips",
    type=click.FloatRange(0, 0.9, min_open=True),
    default=0.25,
    show_default=True,
    help="Share of the videos to compare networks on, where DATA does not say.",
)
@option(
    "--test",
    group="Clips",
    type=click.FloatRange(0, 0.9, min_open=True),
    default=0.2,
    show_default=True,
    help="Share of the videos that decide nothing, and judge what is found.",
)
@option(
    "--flip/--no-flip",
    group="Clips",
    default=None,
    help="Mirror clips at random. [default: unless a class tells left from right]",
)
@option(
    "--seed",
    group="Search",
    type=int,
    default=1,
    show_default=True,
    help="Number that everything random is drawn by.",
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
    found = find_examples(data)
    known = built_in_space(space) if space in _BUILT_IN else read_space(Path(space))
    sides = divide_in_three(found, validation, test, seed)
    import_tensorflow()
    from movistream_training.search.base import built_in_base, read_base
    from movistream_training.search.finding import find, probed_sides, search_recipe
    from movistream_training.search.material import VideoMaterial
    from movistream_training.search.members import Task
    from movistream_training.search.plan import Plan

    start = None if base is None else read_base(base)
    if start is None and space in _BUILT_IN:
        start = built_in_base(space)
    trained, validated, tested = probed_sides(sides)
    material = VideoMaterial(
        labels=found.labels,
        trained=trained,
        validated=validated,
        tested=tested,
        clips_per_batch=clips,
        most_frames=clip_frames or max(known.clip_frames),
        flips=flips_are_safe(found.labels) if flip is None else flip,
    )
    plan = Plan(
        space=known,
        task=Task(len(found.labels)),
        budgets=budgets,
        base=start,
        recipe=search_recipe(steps, learning_rate),
        material=material,
        width=width,
        minutes=minutes,
        seed=seed,
    )
    names = ("training", "validation", "test")
    text = f"batches of {clips}, flips {material.flips}, clips of {material.most_frames} frames"
    find(plan, output, workers or os.cpu_count() or 1, dict(zip(names, sides, strict=True)), text)
