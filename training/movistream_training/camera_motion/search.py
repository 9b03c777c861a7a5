"""Searches a network for camera motion, as small as wished.

    python -m movistream_training.camera_motion.search FOOTAGE FOUND --budget BUDGET

FOOTAGE is what :mod:`.footage.fetching` filled. FOUND/arch.txt is what ``training --arch`` takes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from movistream.demo.motion import LABELS
from movistream.errors import MovistreamError
from movistream_training.camera_motion.curriculum import CURRICULUM
from movistream_training.camera_motion.material import RenderedMaterial
from movistream_training.search.base import built_in_base
from movistream_training.search.budget import check_budgets, parse_budget
from movistream_training.search.finding import find, search_recipe
from movistream_training.search.members import Task
from movistream_training.search.plan import Plan
from movistream_training.search.space import read_space

SPACE = Path(__file__).parent / "data" / "space.toml"
"""N0's space, for images of 80 to 96 pixels, at the rate of the clips."""

TASK = Task(len(LABELS), CURRICULUM.horizon_frames)


@click.command()
@click.argument("footage", type=click.Path(path_type=Path))
@click.argument("found", type=click.Path(path_type=Path))
@click.option("--budget", "budgets", multiple=True, required=True)
@click.option("--minutes", type=click.FloatRange(min=1))
@click.option("--steps", type=click.IntRange(min=3), default=1200, show_default=True)
@click.option("--width", type=click.IntRange(min=2))
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(
    footage: Path,
    found: Path,
    budgets: tuple[str, ...],
    minutes: float | None,
    steps: int,
    width: int | None,
    workers: int,
    seed: int,
) -> None:
    """Search a network for camera motion within BUDGET, on scenes made of FOOTAGE."""
    kept = found / "work" / "batches"
    try:
        limits = tuple(map(parse_budget, budgets))
        check_budgets(limits)
        recipe = search_recipe(steps, CURRICULUM.recipes[0].learning_rate)
        plan = Plan(
            space=read_space(SPACE),
            task=TASK,
            budgets=limits,
            base=built_in_base("n0"),
            recipe=recipe,
            material=RenderedMaterial(footage.resolve(), recipe.steps, kept.resolve()),
            width=width,
            minutes=minutes,
            seed=seed,
        )
        find(plan, found, workers, None, "rendered scenes")
    except MovistreamError as error:
        raise click.ClickException(str(error)) from None
    shutil.rmtree(kept, ignore_errors=True)


if __name__ == "__main__":
    main()
