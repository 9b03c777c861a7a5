"""Options that mean the same wherever they are taken."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from movistream.cli import parameters
from movistream.cli.help import option, options
from movistream.engines import ENGINES
from movistream.engines.arithmetic import ARITHMETICS
from movistream.errors import OutputError
from movistream.sources.decoding import QUALITIES
from movistream.sources.hardware import HARDWARE
from movistream.stream.loading import MOST_THREADS
from movistream.stream.preprocess import FITS
from movistream.system.output import check_output
from movistream.watch.events import DEFAULTS

json_option = option(
    "--json", "as_json", is_flag=True, group="Output", help="Print JSON objects, one a line."
)

force_option = option(
    "--force", is_flag=True, group="Output", help="Replace output files that exist."
)

engine_option = option(
    "--engine",
    type=click.Choice(["auto", *ENGINES]),
    default="auto",
    show_default=True,
    group="Model",
    help="What runs the model.",
)

arithmetic_option = option(
    "--arithmetic",
    type=click.Choice(ARITHMETICS),
    default="auto",
    show_default=True,
    group="Model",
    help="Arithmetic of float operators; auto is float16 where file, CPU and engine have it.",
)

hardware_option = option(
    "--hardware",
    type=click.Choice(HARDWARE),
    group="Source",
    help="Decode by a chip or graphics card where there is one; else the CPU does.",
)

model_options = options(
    option(
        "--labels",
        type=parameters.PATH,
        group="Model",
        help="Names of the classes, in place of the model's own: a file with one a line, or"
        " kinetics600 or jester.",
    ),
    option(
        "--horizon",
        type=parameters.SOME_SECONDS,
        metavar="SECONDS",
        group="Model",
        help="Let the answer follow about the last SECONDS. [default: as the file says; mostly"
        " never]",
    ),
    option(
        "--threads",
        type=click.IntRange(min=1, max=MOST_THREADS),
        group="Model",
        help="Threads of the engine, and of decoders. [default: one per core, at most 4]",
    ),
    engine_option,
    arithmetic_option,
    option(
        "--check-arithmetic",
        is_flag=True,
        group="Model",
        help="Compare float16 with float32 on a few frames before it is used.",
    ),
    option(
        "--weight-cache",
        type=parameters.PATH,
        metavar="FOLDER",
        group="Model",
        help="Keep packed weights here, for the next start and for other processes.",
    ),
    option(
        "--interleaved",
        is_flag=True,
        group="Model",
        help="Let several models, or one twice, take turns with the frames, and average them.",
    ),
)

score_options = options(
    option(
        "--temperature",
        type=parameters.POSITIVE,
        default=1.0,
        show_default=True,
        group="Scores",
        help="Divides logits; above 1, scores are less sure.",
    ),
    option(
        "--smoothing",
        type=parameters.SECONDS,
        metavar="SECONDS",
        group="Scores",
        old=("--smooth",),
        help="Average scores over about so long. [default: the model's; mostly none]",
    ),
    option(
        "--allow",
        multiple=True,
        metavar="LABEL",
        group="Scores",
        help="Report this label, and not others; may be given several times.",
    ),
    option(
        "--deny",
        multiple=True,
        metavar="LABEL",
        group="Scores",
        help="Leave this label out; may be given several times.",
    ),
)

event_options = options(
    option(
        "--enter",
        type=parameters.SCORE,
        group="Events",
        help=f"Score at which an event begins. [default: the model's, or {DEFAULTS.enter[0]:g}]",
    ),
    option(
        "--leave",
        type=parameters.SCORE,
        group="Events",
        help=f"Score below which it ends. [default: the model's, or {DEFAULTS.leave[0]:g}; at most"
        " ENTER]",
    ),
    option(
        "--shortest",
        type=parameters.SECONDS,
        metavar="SECONDS",
        group="Events",
        help=f"Shorter events are left out. [default: the model's, or {DEFAULTS.shortest_s:g}]",
    ),
)

reset_options = options(
    option(
        "--reset-on-cut",
        is_flag=True,
        group="Memory",
        help="Forget all at a cut to another scene.",
    ),
    option(
        "--reset-after-gap",
        type=parameters.SOME_SECONDS,
        metavar="SECONDS",
        group="Memory",
        help="Forget all when no frame came for so long. [default: never]",
    ),
    option(
        "--reset-every",
        type=parameters.SOME_SECONDS,
        metavar="SECONDS",
        group="Memory",
        help="Forget all every so often. [default: never]",
    ),
)

picking_options = options(
    option(
        "--fps",
        type=parameters.FRAMES_PER_SECOND,
        group="Source",
        help="Take this many frames per second of the source. [default: as the model was trained]",
    ),
    option(
        "--every",
        type=click.IntRange(min=1),
        group="Source",
        help="Take one frame of the source in N instead.",
    ),
)

raw_options = options(
    option(
        "--source-size",
        type=parameters.SIZE,
        group="Source",
        help="Size of raw frames; a camera is asked for it.",
    ),
    option(
        "--source-fps",
        type=parameters.FRAMES_PER_SECOND,
        group="Source",
        help="Frame rate of raw frames or image files; a camera is asked for it.",
    ),
)

decoding_options = options(
    option(
        "--decode",
        type=click.Choice(QUALITIES),
        default="exact",
        show_default=True,
        group="Source",
        help="Decode every pixel as it is meant, or take less CPU for nearly the same.",
    ),
    hardware_option,
    option(
        "--track",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        group="Source",
        help="Watch this one of several videos in a source; 'movistream probe' lists them.",
    ),
)

source_options = options(picking_options, raw_options, decoding_options)

top_option = option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    group="Output",
    help="Name so many of the best classes.",
)

span_options = options(
    option(
        "--start",
        type=parameters.SECONDS,
        default=0.0,
        metavar="SECONDS",
        group="Source",
        help="Begin at this time of the source.",
    ),
    option(
        "--end",
        type=parameters.SOME_SECONDS,
        metavar="SECONDS",
        group="Source",
        help="End at this time of the source.",
    ),
)

fit_option = option(
    "--fit",
    type=click.Choice(FITS),
    default="crop",
    show_default=True,
    group="Source",
    help="How a frame becomes the network's shape.",
)

events_option = option(
    "--events", is_flag=True, group="Events", help="Tell what was seen from when to when."
)


def refuse_event_options(context: click.Context, needed: str) -> None:
    """Refuses options of events that were given where nobody looks for events.

    Args:
        needed: what would look for them.

    Raises:
        click.UsageError: if there are such.
    """
    given = [
        f"--{name}"
        for name in ("enter", "leave", "shortest")
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"{' and '.join(given)} goes with {needed}")


def check_new_output(output: Path, *, force: bool) -> None:
    """Refuses an output that cannot be written, or that is there already, unless by force.

    Raises:
        OutputError: if so.
    """
    check_output(output)
    if output.exists() and not force:
        raise OutputError(f"{output} exists; name another file, or add --force to replace it")
