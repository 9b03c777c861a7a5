"""What searches are asked on the command line, whatever their method: data, budgets, a space."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from movistream.cli.help import option
from movistream.errors import VideoError
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.augmentation import flips_are_safe
from movistream_training.errors import SearchError, TrainingError
from movistream_training.examples import SPLITS, Example, divide_in_three, find_examples
from movistream_training.search.budget import Budget, check_budgets, parse_budget
from movistream_training.search.space import Space, built_in_space, read_space
from movistream_training.videos import Probed, probe

if TYPE_CHECKING:
    from movistream_training.search.material import VideoMaterial

Function = TypeVar("Function", bound=Callable[..., Any])

BUILT_IN = ("n0", "movinet")
"""Spaces that come with the package."""


def _budgets(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[Budget, ...]:
    try:
        budgets = tuple(map(parse_budget, texts))
        check_budgets(budgets)
    except SearchError as error:
        raise click.BadParameter(str(error)) from None
    return budgets


_OPTIONS = (
    option(
        "-o",
        "--output",
        group="Output",
        type=click.Path(path_type=Path),
        required=True,
        metavar="FOLDER",
        help="Folder of the search; an interrupted one is gone on with.",
    ),
    option(
        "--budget",
        "budgets",
        group="Network",
        multiple=True,
        required=True,
        callback=_budgets,
        metavar="BUDGET",
        help="What a step may take at most: '1.4 M instructions on cortex-a76' (or cortex-a72),"
        " '0.5 ms on this machine', '4 M multiply-adds', '200 kB peak', '150 kB file'. Several: all"
        " hold.",
    ),
    option(
        "--space",
        group="Network",
        default="n0",
        show_default=True,
        metavar="NAME_OR_FILE",
        help="What networks may be: n0, movinet, or a space in FILE.toml.",
    ),
    option(
        "--batch",
        "clips",
        group="Training",
        type=click.IntRange(min=2),
        default=4,
        show_default=True,
        help="Clips in a step.",
    ),
    option(
        "--learning-rate",
        group="Training",
        type=click.FloatRange(min=0, min_open=True),
        default=3e-3,
        show_default=True,
        help="The highest learning rate.",
    ),
    option(
        "--clip-frames",
        group="Clips",
        type=click.IntRange(min=1),
        help="Frames of a clip, at most. [default: as many as the network is made for]",
    ),
    option(
        "--validation",
        group="Clips",
        type=click.FloatRange(0, 0.9, min_open=True),
        default=0.25,
        show_default=True,
        help="Share of the videos to compare networks on, where DATA does not say.",
    ),
    option(
        "--test",
        group="Clips",
        type=click.FloatRange(0, 0.9, min_open=True),
        default=0.2,
        show_default=True,
        help="Share of the videos that decide nothing, and judge what is found.",
    ),
    option(
        "--flip/--no-flip",
        group="Clips",
        default=None,
        help="Mirror clips at random. [default: unless a class tells left from right]",
    ),
    option(
        "--seed",
        group="Search",
        type=click.IntRange(min=0),
        default=1,
        show_default=True,
        help="Number that everything random is drawn by.",
    ),
)


@dataclass(frozen=True)
class Asked:
    """What is searched on.

    Attributes:
        sides: examples by split.
        text: what tells the material from others, apart from the examples.
    """

    space: Space
    material: VideoMaterial
    sides: Mapping[str, Sequence[Example]]
    text: str


def asking(function: Function) -> Function:
    """Gives a command the options that all searches have; DATA is an argument of it."""
    return reduce(lambda command, add: add(command), reversed(_OPTIONS), function)


def read_asked(
    data: Path,
    space: str,
    clips: int,
    clip_frames: int | None,
    validation: float,
    test: float,
    flip: bool | None,
    seed: int,
) -> Asked:
    """Reads data and space, decodes the first frame of every example, and starts TensorFlow.

    Raises:
        TrainingError: if the data cannot be divided in three, or something cannot be decoded:
            networks would be compared on different examples.
        SearchError: if the space cannot be read.
    """
    found = find_examples(data)
    known = built_in_space(space) if space in BUILT_IN else read_space(Path(space))
    sides = divide_in_three(found, validation, test, seed)
    trained, validated, tested = map(_probed, sides)
    # Sums are added in one order then, whatever computes them.
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    import_tensorflow()
    from movistream_training.search.material import VideoMaterial

    flips = flips_are_safe(found.labels) if flip is None else flip
    frames = clip_frames or max(known.clip_frames)
    return Asked(
        space=known,
        material=VideoMaterial(found.labels, trained, validated, tested, clips, frames, flips),
        sides=dict(zip(SPLITS, sides, strict=True)),
        text=f"batches of {clips}, clips of {frames} frames, flips: {flips}",
    )


def _probed(side: Sequence[Example]) -> tuple[Probed, ...]:
    try:
        return tuple(map(probe, side))
    except VideoError as error:
        raise TrainingError(f"{error}; take it out of the data") from None
