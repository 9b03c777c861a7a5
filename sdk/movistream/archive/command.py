"""``movistream archive``: a model on many videos, into one table, however often it ends early."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from movistream.archive.hiring import CARRIERS, CarrierName
from movistream.cli import parameters
from movistream.cli.help import Command, option
from movistream.cli.options import (
    decoding_options,
    event_options,
    events_option,
    fit_option,
    json_option,
    model_options,
    picking_options,
    refuse_event_options,
    reset_options,
    score_options,
    span_options,
    top_option,
)
from movistream.cli.run_options import Request, check_request
from movistream.stream.loading import default_threads
from movistream.system.cpu import usable_cores
from movistream.system.text import cell, printable

_MOST_WORKERS = 4096
_ELSEWHERE: dict[str, Any] = {
    "as_json": False,
    "source_size": None,
    "source_fps": None,
    "save_state": None,
    "resume": None,
    "output": None,
    "plot": None,
    "table": None,
    "summary": None,
    "parquet": None,
    "show": False,
    "force": False,
    "output_dir": None,
}
"""What only ``movistream run`` is asked."""


class _Archive(click.Group):
    """A command that has two others beside it; what is none of these is a model."""

    _OWN = "run"

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *self.get_help_option_names(context)}:
            args = [self._OWN, *args]
        return super().parse_args(context, args)

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return ["MODEL [MODEL]... SOURCE... -o FOLDER [OPTIONS]"]

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        self.commands[self._OWN].format_options(context, formatter)
        self.format_commands(context, formatter)


@click.group(cls=_Archive)
def archive() -> None:
    """Run MODEL on many videos, into a folder of Parquet files that are one table.

    A SOURCE is a video file or a folder of them. Whatever interrupts it, the same command goes on:
    each video is in the table once, and so is each that failed.
    """


class _OfTheGroup(click.Context):
    """What people call the command that has no name of its own."""

    @property
    def command_path(self) -> str:
        return self.parent.command_path if self.parent is not None else ""


class _Run(Command):
    context_class = _OfTheGroup


@archive.command(cls=_Run, hidden=True)
@click.argument("model", type=parameters.MODEL)
@click.argument("sources", nargs=-1, metavar="[MODEL]... SOURCE...")
@option(
    "-o",
    "--output",
    "place",
    required=True,
    metavar="FOLDER",
    group="Output",
    help="Write shards here, or at an address such as s3://BUCKET/FOLDER; what is in them is not"
    " run again.",
)
@option(
    "--beside",
    is_flag=True,
    group="Output",
    help="Keep this run in a folder with others, of another model or other options.",
)
@option("--logits", is_flag=True, group="Output", help="Write all logits of each frame too.")
@option("--dry-run", is_flag=True, group="Output", help="Say what there is to do, and end.")
@option("--retry", is_flag=True, group="Output", help="Run videos that have failed once more.")
@top_option
@picking_options
@decoding_options
@span_options
@fit_option
@option(
    "--region",
    type=parameters.REGION,
    group="Source",
    help="Look at this region of the frame, in pixels.",
)
@option(
    "--give-up-after",
    type=parameters.SOME_SECONDS,
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    group="Source",
    help="A video without a picture for so long hangs.",
)
@option(
    "--workers",
    type=click.IntRange(min=1, max=_MOST_WORKERS),
    group="Workers",
    help="Workers that share the videos. [default: one per core]",
)
@option(
    "--on",
    "carrier",
    type=click.Choice(CARRIERS),
    default="processes",
    show_default=True,
    group="Workers",
    help="What the workers are: of Ray and Dask (needs 'movistream[cluster]'), those of a cluster.",
)
@option(
    "--address",
    metavar="HOST:PORT",
    group="Workers",
    help="Of a cluster that runs. [default: one on this machine that nobody else uses]",
)
@events_option
@event_options
@score_options
@reset_options
@model_options
@click.pass_context
def run(
    context: click.Context,
    /,
    model: Path,
    sources: tuple[str, ...],
    place: str,
    beside: bool,
    logits: bool,
    dry_run: bool,
    retry: bool,
    region: Any,
    workers: int | None,
    carrier: CarrierName,
    address: str | None,
    **options: Any,
) -> None:
    """Run MODEL on each SOURCE."""
    from movistream.archive.archiving import Asked, archive_videos
    from movistream.parquet.table_file import pyarrow

    pyarrow()
    request = Request(
        **options, **_ELSEWHERE, regions=() if region is None else (region,), workers=1
    )
    if not request.events:
        refuse_event_options(context, "--events")
    more_models, sources = parameters.models_and_sources(sources)
    models = (model, *more_models)
    check_request(request, models, sources)
    if request.threads is None:
        share = default_threads() // (workers or usable_cores())
        request = replace(request, threads=max(1, share) if carrier == "processes" else 1)
    archive_videos(
        Asked(
            models,
            sources,
            request,
            place,
            beside,
            logits,
            dry_run,
            retry,
            carrier,
            address,
            workers,
        )
    )


@archive.command(cls=Command)
@click.argument("folder")
@json_option
def status(folder: str, as_json: bool) -> None:
    """Say how far the archive in FOLDER is, by the ends of its files."""
    from movistream.archive.folder import read_archive
    from movistream.archive.status import status_of
    from movistream.archive.store import store_at
    from movistream.parquet.table_file import pyarrow

    pyarrow()
    found = read_archive(store_at(folder))
    for run in status_of(found):
        if as_json:
            click.echo(json.dumps(run.to_dict()))
            continue
        click.echo(
            f"run {printable(run.run)}: {run.videos:,} videos ({run.failed:,} failed) in"
            f" {run.shards:,} shards; {run.frames:,} frames; {run.video_hours:,.2f} hours of"
            f" video in {run.worker_hours:,.2f} hours of work"
        )
    for name in found.damaged:
        click.echo(f"movistream: {name} is damaged; the same archive again mends it", err=True)
    if not found.shards:
        click.echo(f"movistream: nothing is finished in {folder}", err=True)


@archive.command(cls=Command)
@click.argument("folder")
@click.argument("question", metavar="SQL")
@json_option
def query(folder: str, question: str, as_json: bool) -> None:
    """Ask the archive in FOLDER, or one Parquet file: the tables are videos, steps and events.

    The answer is CSV on standard output.
    """
    from movistream.archive.query import answered, duckdb

    duckdb()
    with answered(folder, question) as (names, rows):
        if as_json:
            for row in rows:
                click.echo(json.dumps(dict(zip(names, row, strict=True)), default=str))
            return
        # Names of files may do more than show themselves, on a terminal or in a spreadsheet.
        shown = printable if sys.stdout.isatty() else cell
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(names)
        for row in rows:
            table.writerow([shown(value) if isinstance(value, str) else value for value in row])
