"""Whoever carries an archive, beside ``movistream run``: how fast, in how much memory, and equal.

python -m movistream_benchmarks.archives.clips CLIPS --count 2000 --bad 40
python -m movistream_benchmarks.archives.carriers MODEL CLIPS

Clusters run before the command begins. Fails if a table is not that of ``run --parquet`` to 1e-6,
or a video is in it more than once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from movistream.cli import main as run_command
from movistream.errors import MovistreamError
from movistream.system.cpu import usable_cores
from movistream_benchmarks.archives.nodes import nodes_of
from movistream_benchmarks.archives.rows import Row, differences, not_once, rows_of
from movistream_benchmarks.archives.timed import Timed, children, timed
from movistream_benchmarks.bench_command import print_table
from movistream_benchmarks.tables import BenchmarkTable

_TOLERANCE = 1e-6
_OPTIONS = ("--events", "--threads", "1")
_RUN = "run --output-dir"


@contextmanager
def _commands(way: str, model: str, clips: str, folder: Path, workers: int) -> Iterator[Timed]:
    """What came of a way; its files are there until the block ends."""
    count = ("--workers", str(workers), *_OPTIONS)
    if way == _RUN:
        yield timed(("run", model, clips, "--output-dir", str(folder), *count), children)
    elif way == "processes":
        yield timed(("archive", model, clips, "-o", str(folder), *count), children)
    else:
        with nodes_of(way, workers) as nodes:
            cluster = ("--on", way, "--address", nodes.address)
            yield timed(
                ("archive", model, clips, "-o", str(folder), *count, *cluster),
                lambda _: nodes.workers(),
            )


@click.command()
@click.argument("model")
@click.argument("clips")
@click.option("--on", "ways", multiple=True, default=("processes", "ray", "dask"))
@click.option("--workers", type=click.IntRange(1), default=usable_cores)
@click.option("--rounds", type=click.IntRange(1), default=1)
def main(model: str, clips: str, ways: tuple[str, ...], workers: int, rounds: int) -> None:
    """Measures them, in turn."""
    found: dict[str, list[Timed]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        expected: list[Row] | None = None
        for number in range(rounds):
            for way in (_RUN, *ways):
                folder = Path(temporary, f"{way}-{number}")
                with _commands(way, model, clips, folder, workers) as result:
                    found.setdefault(way, []).append(result)
                click.echo(f"{way}: {result.seconds:.1f} s", err=True)
                if way != _RUN and number == 0:
                    expected = expected or _expected(model, clips, Path(temporary))
                    _check(way, expected, rows_of(folder))
    rows = []
    for way, results in found.items():
        best, run = (min(each.seconds for each in results) for results in (results, found[_RUN]))
        worker_mb = max(each.worker_bytes for each in results) / 1e6
        all_mb = max(each.all_bytes for each in results) / 1e6
        rows.append((way, f"{best:.1f}", f"{run / best:.2f}", f"{worker_mb:.0f}", f"{all_mb:.0f}"))
    print_table(
        BenchmarkTable(
            f"{clips}, {workers} workers",
            ("way", "seconds", "throughput", "worker, MB", "command, MB"),
            tuple(rows),
            "The best of the rounds; throughput as a share of run's; the most resident memory of a"
            " worker, and of the command's own processes together.",
        )
    )


def _expected(model: str, clips: str, folder: Path) -> list[Row]:
    table = folder / "run.parquet"
    timed(("run", model, clips, "--parquet", str(table), *_OPTIONS), children)
    return rows_of(table)


def _check(way: str, expected: list[Row], rows: list[Row]) -> None:
    """Refuses a table that is not as expected.

    Raises:
        MovistreamError: if it is not.
    """
    if twice := not_once(rows):
        raise MovistreamError(f"{way}: {len(twice)} videos are not in it once, as {twice[0]}")
    wrong = list(differences(expected, rows, _TOLERANCE))
    if wrong:
        raise MovistreamError(f"{way}: {len(wrong)} rows differ: {wrong[0]}")
    videos = sum(row["type"] == "video" for row in rows)
    click.echo(f"{way}: {len(rows):,} rows of {videos:,} videos as run's", err=True)


if __name__ == "__main__":
    run_command(command=main, name="carriers")
