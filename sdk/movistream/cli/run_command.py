"""``movistream run``: a model on videos, cameras and streams, frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from movistream.cli import parameters
from movistream.cli.run_loop import run_models
from movistream.cli.run_options import Request, check_request
from movistream.engines import ENGINES
from movistream.engines.arithmetic import ARITHMETICS
from movistream.stream.loading import MOST_THREADS
from movistream.stream.preprocess import FITS
from movistream.watch.events import EventOptions

_MOST_WORKERS = 64
_DEFAULT_EVENTS = EventOptions()


@click.command()
@click.argument("model", type=parameters.MODEL)
@click.argument("sources", nargs=-1, required=True, metavar="[MODEL]... SOURCE...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Classes.")
@click.option("--every", type=click.IntRange(min=1), help="Take one frame of the source in N.")
@click.option(
    "--fps",
    type=parameters.FRAMES_PER_SECOND,
    help="Take this many frames per second of the source. [default: as the model was trained]",
)
@click.option(
    "--start",
    type=parameters.SECONDS,
    default=0.0,
    metavar="SECONDS",
    help="Begin at this time of the source.",
)
@click.option(
    "--end",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="End at this time of the source.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1, max=MOST_THREADS),
    help="Threads of the engine. [default: one per core, at most 4]",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", *ENGINES]),
    default="auto",
    show_default=True,
    help="What runs the model.",
)
@click.option(
    "--labels",
    type=parameters.PATH,
    help="Names of the classes, one a line, in place of the model's own.",
)
@click.option(
    "--horizon",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="Let the answer follow about the last SECONDS. [default: as the file says; mostly never]",
)
@click.option(
    "--weight-cache",
    type=parameters.PATH,
    metavar="FOLDER",
    help="Keep packed weights here, for the next start and for other processes.",
)
@click.option(
    "--arithmetic",
    type=click.Choice(ARITHMETICS),
    default="auto",
    show_default=True,
    help="Of float operators; auto is float16 where file, CPU and engine have it.",
)
@click.option(
    "--check-arithmetic",
    is_flag=True,
    help="Compare float16 with float32 on a few frames before it is used.",
)
@click.option(
    "--interleaved",
    is_flag=True,
    help="Let several models, or one twice, take turns with the frames, and average them.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=_MOST_WORKERS),
    default=1,
    show_default=True,
    help="Sources that are worked on at the same time.",
)
@click.option(
    "--fit",
    type=click.Choice(FITS),
    default="crop",
    show_default=True,
    help="How a frame becomes the network's shape.",
)
@click.option(
    "--roi",
    "regions",
    type=parameters.REGION,
    multiple=True,
    help="Look at this region of the frame, in pixels; give several for a stream each.",
)
@click.option("--source-size", type=parameters.SIZE, help="Of raw frames; asked of a camera.")
@click.option(
    "--source-fps",
    type=parameters.FRAMES_PER_SECOND,
    help="Frame rate of raw frames or image files; asked of a camera.",
)
@click.option(
    "--give-up-after",
    type=parameters.SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="A network stream without a picture for so long has failed.",
)
@click.option(
    "--temperature",
    type=parameters.POSITIVE,
    default=1.0,
    show_default=True,
    help="Divides logits; above 1, scores are less sure.",
)
@click.option(
    "--smooth",
    type=parameters.SECONDS,
    default=0.0,
    metavar="SECONDS",
    help="Average scores over about so long. [default: not]",
)
@click.option("--allow", multiple=True, metavar="LABEL", help="Report this label, and not others.")
@click.option("--deny", multiple=True, metavar="LABEL", help="Do not report this label.")
@click.option("--events", is_flag=True, help="Print what was seen from when to when.")
@click.option(
    "--enter",
    type=parameters.SCORE,
    default=_DEFAULT_EVENTS.enter,
    show_default=True,
    help="Score at which an event begins.",
)
@click.option(
    "--leave",
    type=parameters.SCORE,
    default=_DEFAULT_EVENTS.leave,
    show_default=True,
    help="Score below which it ends.",
)
@click.option(
    "--shortest",
    type=parameters.SECONDS,
    default=_DEFAULT_EVENTS.shortest_s,
    show_default=True,
    metavar="SECONDS",
    help="Shorter events are left out.",
)
@click.option("--reset-on-cut", is_flag=True, help="Forget all at a cut to another scene.")
@click.option(
    "--reset-after-gap",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="Forget all when no frame came for so long. [default: never]",
)
@click.option(
    "--reset-every",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="Forget all every so often. [default: never]",
)
@click.option("--save-state", type=parameters.PATH, help="Write the stream's memory at the end.")
@click.option("--resume", type=parameters.PATH, help="Go on with a memory that was written.")
@click.option("--out", type=parameters.PATH, help="Write a video with the answers drawn on.")
@click.option("--plot", type=parameters.PATH, help="Write scores over time as a PNG.")
@click.option("--csv", "table", type=parameters.PATH, help="Write a line per frame.")
@click.option(
    "--summary",
    type=parameters.PATH,
    help="Write a CSV line per source: the answer, events (with --events), frames, the error.",
)
@click.option("--show", is_flag=True, help="Show frames and answers in a window.")
@click.option("--force", is_flag=True, help="Replace output files that exist.")
@click.option(
    "--output-dir",
    type=parameters.PATH,
    metavar="FOLDER",
    help="Write JSON lines of each video here; finished ones are not run again.",
)
def run(model: Path, sources: tuple[str, ...], **options: Any) -> None:
    """Run MODEL, a .tflite stream model, on each SOURCE one frame at a time.

    MODEL is a file or the name of a model, such as camera-motion; 'movistream models' lists those.

    A SOURCE is a video file, a folder of image files, a camera (0, /dev/video0, picamera), an
    address (rtsp://…, http://…), or - for raw RGB frames on standard input. Several MODELs, named
    before the sources, answer together. With --output-dir, a SOURCE may be a folder of videos.
    Ctrl+C ends cleanly; signal USR1 resets all streams.
    """
    request = Request(**options)
    more_models, sources = parameters.models_and_sources(sources)
    models = [model, *more_models]
    check_request(request, models, sources)
    run_models(models, sources, request)
