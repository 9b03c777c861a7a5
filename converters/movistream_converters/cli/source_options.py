"""What the commands that read weights share: their options, and how they show what was found."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from movistream.cli import parameters
from movistream.cli.help import option, options
from movistream.file.names import named_models
from movistream.system.child import nothing
from movistream_converters.formats import RANGE_OPTIONS, SOURCE_FORMATS
from movistream_converters.formats.movinet_options import unseen_guesses
from movistream_converters.formats.recognition import IMAGE_SIZES, OPTIONS
from movistream_converters.formats.source import Finding, Source, option_text
from movistream_converters.networks.movinet import ARCHITECTURES, SqueezeExciteType
from movistream_converters.networks.x3d import X3DS

_TRUNK = ("hard_swish", "swish", "relu6", "relu")
_GATES = ("hard_sigmoid", "hard_sigmoid_keras", "sigmoid")

_MOST_WINDOW_FRAMES = 4096

_Command = Callable[..., None]

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType


class _Numbers(_ParamType):
    """Numbers with commas between them."""

    def __init__(self, name: str, example: str, counts: tuple[int, ...]) -> None:
        self.name = name
        self.example = example
        self.counts = counts

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(map(float, str(value).split(",")))
        except ValueError:
            numbers = ()
        if len(numbers) not in self.counts or not all(map(math.isfinite, numbers)):
            self.fail(f"{value!r} are no numbers such as {self.example}", param, ctx)
        return numbers


class _Window(_ParamType):
    """A number of frames, or all of them."""

    name = "frames"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        if value == "all":
            return "all"
        frames: int = click.IntRange(1, _MOST_WINDOW_FRAMES).convert(value, param, ctx)
        return frames


_CHANNELS = _Numbers("R,G,B", "0.485,0.456,0.406", (1, 3))
_RANGE = _Numbers("LOW,HIGH", "0,1", (2,))


_SOURCE_OPTIONS = options(
    click.argument("source", type=click.Path(path_type=Path)),
    option(
        "--source-format",
        type=click.Choice(SOURCE_FORMATS),
        metavar="FORMAT",
        group="Source",
        help=f"What SOURCE is: {', '.join(SOURCE_FORMATS)}. [default: as its content says]",
    ),
    option(
        "--arch",
        metavar="NAME",
        group="Network",
        help=f"movinet-{{{','.join(ARCHITECTURES)}}}-stream, or x3d-{{{','.join(X3DS)}}},"
        " tsm-mobilenetv2-online."
        " [default: as the weights' shapes say]",
    ),
    option(
        "--se-type",
        type=click.Choice([kind.value for kind in SqueezeExciteType]),
        group="Network",
        help="What squeeze-excite sees: space and time together, space alone, one after the"
        " other, or nothing.",
    ),
    option(
        "--activation", type=click.Choice(_TRUNK), group="Network", help="Activation of all blocks."
    ),
    option("--gating", type=click.Choice(_GATES), group="Network", help="Gates of squeeze-excite."),
    option(
        "--head-activation",
        type=click.Choice(_TRUNK),
        group="Network",
        help="Activation of the classifier.",
    ),
    option(
        "--num-classes",
        type=click.IntRange(min=1),
        group="Network",
        help="Refuse other numbers of classes.",
    ),
    option(
        "--image-size",
        type=click.IntRange(IMAGE_SIZES[0], IMAGE_SIZES[-1]),
        group="Network",
        help="Pixels per side.",
    ),
    option(
        "--fps",
        type=parameters.FRAMES_PER_SECOND,
        group="Network",
        help="Frames per second that the network was trained to see. [default: as the source or"
        " its architecture says]",
    ),
    option(
        "--window",
        "window_frames",
        type=_Window(),
        metavar="FRAMES",
        group="Network",
        help="Frames of the mean over time, in a network that saw clips, or 'all' frames so far."
        " [default: all of an X3D's; to be said of a program's]",
    ),
    option(
        "--delay",
        is_flag=True,
        default=None,
        group="Network",
        help="Let a network of PyTorch's or Keras' that sees frames to come answer so many frames"
        " late. [default: refuse it]",
    ),
    option(
        "--value-range",
        type=_RANGE,
        metavar="LOW,HIGH",
        group="Network",
        help="What 0 and 255 of a picture become before a network sees them, of programs of"
        " torch.export, which do not say it.",
    ),
    option(
        "--mean",
        type=_CHANNELS,
        metavar="R,G,B",
        group="Network",
        help="What is subtracted from each channel after that. [default: nothing]",
    ),
    option(
        "--std",
        type=_CHANNELS,
        metavar="R,G,B",
        group="Network",
        help="What each channel is divided by after that. [default: 1]",
    ),
)


def source_options(command: _Command) -> _Command:
    """Gives a command the argument SOURCE and the options that decide how it is read.

    The command takes a function ``read``, which returns a :class:`.formats.source.Source`, and may
    be given something to do meanwhile.
    """

    @functools.wraps(command)
    def with_reader(
        source: Path,
        source_format: str | None,
        arch: str | None,
        fps: float | None,
        **others: Any,
    ) -> None:
        names = (*OPTIONS, "window_frames", "delay", *RANGE_OPTIONS)
        overrides = {name: others.pop(name) for name in names if name in others}
        given = {name: value for name, value in overrides.items() if value is not None}

        def read(meanwhile: Callable[[], None] = nothing) -> Source:
            from movistream_converters.formats.isolated import read_isolated

            found = read_isolated(_file_of(source), source_format, arch, given, meanwhile)
            return found if fps is None else _at_rate(found, fps)

        command(read=read, **others)

    return _SOURCE_OPTIONS(with_reader)


def _file_of(source: Path) -> Path:
    """The file of a model that has a name; anything else as it is."""
    named = {model.name: model.path for model in named_models()}
    return source if source.exists() else named.get(str(source), source)


def _at_rate(source: Source, fps: float) -> Source:
    """The source, with the frame rate that the command names."""
    others = (one for one in source.findings if one.option != "frames_per_second")
    findings = (*others, Finding("frames_per_second", fps, "the command"))
    return replace(source, frames_per_second=fps, findings=findings)


def print_findings(source: Source) -> None:
    """A line an option, with what it was decided by; a note on stderr where nothing tells."""
    for finding in source.findings:
        option, value = finding.option.replace("_", " "), option_text(finding.value)
        click.echo(f"{option:20} {value:20} from {finding.source}")
    if source.activation != "softmax":
        click.echo(f"{'scores':20} {source.activation:20} of each class: several may be at once")


def print_guesses(source: Source) -> None:
    """What decides every answer and nothing has told, as the last thing that a user reads."""
    values = {finding.option: option_text(finding.value) for finding in source.findings}
    if not (guesses := unseen_guesses(source)):
        return
    listed = ", ".join(f"{name.replace('_', ' ')} {values[name]}" for name in guesses)
    options = " and ".join(f"--{name.replace('_', '-')}" for name in guesses)
    click.echo(
        f"note: {source.name} does not show, and so it is a guess: {listed}. Where the network was"
        f" trained with others, all answers are wrong: say so with {options}",
        err=True,
    )
