"""``movistream run``: a model on videos, cameras and streams, frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from movistream.cli import parameters
from movistream.cli.archive import with_videos_of_folders
from movistream.cli.help import Command, option
from movistream.cli.options import (
    event_options,
    events_option,
    fit_option,
    force_option,
    json_option,
    model_options,
    refuse_event_options,
    reset_options,
    score_options,
    source_options,
    span_options,
    top_option,
)
from movistream.cli.run_loop import run_models
from movistream.cli.run_options import Request, check_request, finds_events

_MOST_WORKERS = 64


@click.command(cls=Command)
@click.argument("model", type=parameters.MODEL)
@click.argument("sources", nargs=-1, metavar="[MODEL]... SOURCE...")
@json_option
@option("--show", is_flag=True, group="Output", help="Show frames and answers in a window.")
@option(
    "-o",
    "--output",
    type=parameters.PATH,
    group="Output",
    old=("--out",),
    help="Write a video with the answers drawn on: .mp4, .mkv or .mov.",
)
@option(
    "--plot",
    type=parameters.PATH,
    group="Output",
    help="Write a picture of scores over time: .png or .svg.",
)
@option("--csv", "table", type=parameters.PATH, group="Output", help="Write a line per frame.")
@option(
    "--summary",
    type=parameters.PATH,
    group="Output",
    help="Write a CSV line per source: the answer, events (with --events), frames, the error.",
)
@option(
    "--parquet",
    type=parameters.PATH,
    group="Output",
    help="Write steps, events and sources as a table for databases (needs 'movistream[archive]').",
)
@option(
    "--output-dir",
    type=parameters.PATH,
    metavar="FOLDER",
    group="Output",
    help="Write JSON lines of each video here; finished ones are not run again.",
)
@force_option
@top_option
@source_options
@span_options
@option(
    "--give-up-after",
    type=parameters.SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    group="Source",
    help="A network stream without a picture for so long has failed.",
)
@fit_option
@option(
    "--region",
    "regions",
    type=parameters.REGION,
    multiple=True,
    group="Source",
    old=("--roi",),
    help="Look at this region of the frame, in pixels; give several for a stream each.",
)
@option(
    "--workers",
    type=click.IntRange(min=1, max=_MOST_WORKERS),
    default=1,
    show_default=True,
    group="Source",
    help="Sources that are worked on at the same time.",
)
@events_option
@event_options
@score_options
@reset_options
@option(
    "--save-state",
    type=parameters.PATH,
    group="Memory",
    help="Write the stream's memory at the end.",
)
@option(
    "--resume", type=parameters.PATH, group="Memory", help="Go on with a memory that was written."
)
@model_options
@click.pass_context
def run(context: click.Context, /, model: Path, sources: tuple[str, ...], **options: Any) -> None:
    """Run MODEL, a .tflite stream model, on each SOURCE one frame at a time.

    MODEL is a file or the name of a model, such as camera-motion; 'movistream models' lists those.

    A SOURCE is a video file, a folder of image files, a camera (0, /dev/video0, picamera), an
    address (rtsp://…, http://…), or - for raw RGB frames on standard input. Several MODELs, named
    before the sources, answer together. Of a folder of videos, each is run.
    Ctrl+C ends cleanly; signal USR1 resets all streams.
    """
    request = Request(**options)
    if not finds_events(request):
        refuse_event_options(context, "--events or --plot")
    more_models, sources = parameters.models_and_sources(sources)
    models = [model, *more_models]
    if request.output_dir is None:
        sources, notes = with_videos_of_folders(sources)
        for note in notes:
            click.echo(f"movistream: {note}", err=True)
    check_request(request, models, sources)
    run_models(models, sources, request)
