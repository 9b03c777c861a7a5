"""``movistream bench``: what models take of this machine, side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from movistream.cli import parameters
from movistream.cli.help import option
from movistream.cli.options import arithmetic_option, check_new_output
from movistream.engines import ENGINES
from movistream.errors import EngineError, MissingExtraError
from movistream.stream.loading import MOST_THREADS
from movistream.watch.model import load
from movistream_benchmarks.contender import Contender
from movistream_benchmarks.pipeline import (
    PipelineCost,
    measure_pipeline,
    passes_of_a_video,
    pipeline_table,
)
from movistream_benchmarks.results import Benchmark, as_dictionary, run_benchmark
from movistream_benchmarks.tables import BenchmarkTable, tables

MOST_STREAMS = 64

_TABLE_WIDTH = 120

Value = TypeVar("Value")


def _listed(convert: Callable[[str], Value]) -> Any:
    """A callback for an option whose value is a comma-separated list."""

    def callback(_context: click.Context, _option: click.Parameter, text: str) -> list[Value]:
        return list(dict.fromkeys(convert(part.strip()) for part in text.split(",")))

    return callback


def _count_of(what: str, most: int) -> Callable[[str], int]:
    """Converts a number from 1 to most."""

    def convert(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise click.BadParameter(f"{text!r} is no number of {what} from 1 to {most}")
        return int(text)

    return convert


def _engine(text: str) -> str:
    if text not in ("auto", *ENGINES):
        raise click.BadParameter(f"{text!r} is none of auto, {', '.join(ENGINES)}")
    return text


@click.command()
@click.argument("models", type=parameters.MODEL, nargs=-1)
@option(
    "--published",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A file to run by the published samples' loop; these come first, and are the measure.",
)
@option(
    "--threads",
    default="1",
    show_default=True,
    callback=_listed(_count_of("threads", MOST_THREADS)),
    metavar="N[,N…]",
    help="Threads of the engine; every model runs with each number.",
)
@option(
    "--engine",
    "engines",
    default="auto",
    show_default=True,
    callback=_listed(_engine),
    metavar="NAME[,NAME…]",
    help=f"What runs the models: auto, {', '.join(ENGINES)}.",
)
@option(
    "--streams",
    default="1",
    show_default=True,
    callback=_listed(_count_of("streams", MOST_STREAMS)),
    metavar="N[,N…]",
    help="Streams of each model, stepped in turn; every model runs with each number.",
)
@option(
    "--pipeline",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="VIDEO",
    help="Measure what watching this video with MODEL takes, part by part. May be given more"
    " than once.",
)
@arithmetic_option
@option(
    "--weight-cache",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Measure models also with packed weights that an earlier process has kept here.",
)
@option(
    "--frames",
    type=click.IntRange(min=5),
    default=30,
    show_default=True,
    help="Frames of each turn.",
)
@option(
    "--rounds",
    type=click.IntRange(min=3),
    default=15,
    show_default=True,
    help="Turns that each model has.",
)
@option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print all figures as one JSON object, and the tables on stderr.",
)
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    old=("--html",),
    help="Write a report with plots, as a web page.",
)
@option("--force", is_flag=True, help="Replace a report that exists.")
def bench(
    models: tuple[Path, ...],
    published: tuple[Path, ...],
    threads: list[int],
    engines: list[str],
    streams: list[int],
    pipeline: tuple[Path, ...],
    arithmetic: str,
    weight_cache: Path | None,
    frames: int,
    rounds: int,
    as_json: bool,
    output: Path | None,
    force: bool,
) -> None:
    """Measure MODELS, .tflite stream models: time and memory per frame, side by side.

    Each model has a process of its own, and all take turns, so that whatever else the machine does
    meets all alike. The first is the measure of the others.

    With --pipeline, measure instead what a video costs from its packets to the lines about it.
    """
    if pipeline:
        if len(models) != 1 or published or output is not None:
            raise click.UsageError("--pipeline takes one model, and prints its tables")
        _bench_pipeline(models[0], pipeline, engines[0], arithmetic, rounds, as_json=as_json)
        return
    if not models and not published:
        raise click.UsageError("name at least one model")
    if output is not None:
        check_new_output(output, force=force)
        write_report = _report_writer()
    contenders = [
        *(Contender(path, count, published_loop=True) for count in threads for path in published),
        *(
            Contender(path, count, engine, arithmetic, cache, several)
            for cache in ([None] if weight_cache is None else [None, weight_cache])
            for engine in engines
            for count in threads
            for several in streams
            for path in models
        ),
    ]
    benchmark = _with_progress(contenders, rounds, frames)
    for table in tables(benchmark):
        print_table(table, stderr=as_json)
    if as_json:
        click.echo(json.dumps(as_dictionary(benchmark), indent=1))
    for warning in benchmark.warnings:
        click.echo(f"warning: {warning}", err=True)
    if output is not None:
        write_report(benchmark, output)
    if benchmark.errors:
        raise EngineError("; ".join(benchmark.errors))


def _bench_pipeline(
    model: Path, videos: Sequence[Path], engine: str, arithmetic: str, rounds: int, *, as_json: bool
) -> None:
    costs: list[PipelineCost] = []
    with (
        load(model, threads=1, engine=engine, arithmetic=arithmetic) as loaded,
        _progress() as progress,
    ):
        task = progress.add_task("measuring", total=len(videos) * passes_of_a_video(rounds))
        for video in videos:
            costs += measure_pipeline(loaded, video, rounds, lambda: progress.advance(task))
    print_table(pipeline_table(costs), stderr=as_json)
    if as_json:
        click.echo(json.dumps([cost.to_dict() for cost in costs], indent=1))


def _report_writer() -> Callable[[Benchmark, Path], None]:
    try:
        from movistream_benchmarks.report import write_report
    except ImportError:
        raise MissingExtraError("a report", "bench") from None
    return write_report


def _with_progress(contenders: Sequence[Contender], rounds: int, frames: int) -> Benchmark:
    with _progress() as progress:
        task = progress.add_task("measuring", total=len(contenders) * (rounds + 3))
        return run_benchmark(contenders, rounds, frames, lambda: progress.advance(task))


def _progress() -> Progress:
    """A bar on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    terminal = sys.stderr.isatty()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not terminal)


def print_table(table: BenchmarkTable, *, stderr: bool = False) -> None:
    """Writes a table to the terminal."""
    shown = Table(
        box=box.SIMPLE_HEAD,
        title=table.title,
        title_justify="left",
        caption=Text(table.note),
        caption_justify="left",
        pad_edge=False,
    )
    for heading in table.headings:
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.columns[0].justify = "left"
    shown.columns[0].no_wrap, shown.columns[0].overflow = False, "fold"
    for row in table.rows:
        shown.add_row(*map(Text, row))
    Console(width=_TABLE_WIDTH, stderr=stderr).print(shown)
