"""Times loading: with the trial of a file that is new here, and when it is known.

python -m movistream_benchmarks.load_times A.tflite B.tflite
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import movistream
from movistream.cli import main as run


def load_ms(path: Path, trust: str, weight_cache: Path | None = None) -> float:
    """Milliseconds from a path to a stream that can step."""
    begin = time.perf_counter()
    with (
        movistream.load(path, threads=1, trust=trust, weight_cache=weight_cache) as model,
        model.stream(),
    ):
        return (time.perf_counter() - begin) * 1e3


def load_times(
    paths: Sequence[Path], rounds: int, weight_cache: Path | None = None
) -> list[list[float]]:
    """Milliseconds of every round, by file, of files that are known; all take turns."""
    for path in paths:
        load_ms(path, "known", weight_cache)
    turns = [[load_ms(path, "known", weight_cache) for path in paths] for _ in range(rounds)]
    return [list(times) for times in zip(*turns, strict=True)]


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--rounds", type=click.IntRange(min=3), default=15, show_default=True)
@click.option(
    "--weight-cache",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Time loading with packed weights from here too.",
)
def main(models: tuple[Path, ...], rounds: int, weight_cache: Path | None) -> None:
    """Print how long each model takes to load, and the ratio to the first (medians of one run)."""
    table = Table("model", "new here, ms", "known, ms", "ratio", box=None)
    try:
        trials = [statistics.median(load_ms(path, "never") for _ in range(3)) for path in models]
        known = [statistics.median(times) for times in load_times(models, rounds)]
        cached = (
            None
            if weight_cache is None
            else [statistics.median(times) for times in load_times(models, rounds, weight_cache)]
        )
    except movistream.MovistreamError as error:
        raise click.ClickException(str(error)) from None
    if cached is not None:
        table.add_column("weight cache, ms")
    for index, path in enumerate(models):
        figures = (f"{trials[index]:.1f}", f"{known[index]:.1f}", f"{known[index] / known[0]:.2f}")
        last = () if cached is None else (f"{cached[index]:.1f}",)
        table.add_row(path.name, *figures, *last)
    Console().print(table)


if __name__ == "__main__":
    run(command=main, name="load_times")
