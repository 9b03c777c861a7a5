"""What the commands that read weights share: their options, and how they show what was found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from movistream.system.child import nothing
from movistream_converters.formats import SOURCE_FORMATS
from movistream_converters.formats.movinet_options import unseen_guesses
from movistream_converters.formats.recognition import IMAGE_SIZES, OPTIONS
from movistream_converters.formats.source import Source, option_text
from movistream_converters.networks.movinet import ARCHITECTURES, SqueezeExciteType
from movistream_converters.networks.x3d import X3DS

_TRUNK = ("hard_swish", "swish", "relu6", "relu")
_GATES = ("hard_sigmoid", "hard_sigmoid_keras", "sigmoid")

_MOST_WINDOW_FRAMES = 4096

_Command = Callable[..., None]


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
        **options: Any,
    ) -> None:
        names = (*OPTIONS, "window_frames")
        overrides = {name: options.pop(name) for name in names if name in options}
        given = {name: value for name, value in overrides.items() if value is not None}

        def read(meanwhile: Callable[[], None] = nothing) -> Source:
            from movistream_converters.formats.isolated import read_isolated

            return read_isolated(source, source_format, arch, given, meanwhile)

        command(read=read, **options)

    for decorator in reversed(
        (
            click.argument("source", type=click.Path(path_type=Path)),
            click.option(
                "--source-format",
                type=click.Choice(SOURCE_FORMATS),
                help="What SOURCE is. [default: as its content says]",
            ),
            click.option(
                "--arch",
                metavar="NAME",
                help=f"movinet-{{{','.join(ARCHITECTURES)}}}-stream, or x3d-{{{','.join(X3DS)}}}."
                " [default: as the weights' shapes say]",
            ),
            click.option(
                "--se-type", type=click.Choice([kind.value for kind in SqueezeExciteType])
            ),
            click.option("--activation", type=click.Choice(_TRUNK), help="Of all blocks."),
            click.option("--gating", type=click.Choice(_GATES), help="Of squeeze-excite."),
            click.option("--head-activation", type=click.Choice(_TRUNK), help="Of the classifier."),
            click.option(
                "--num-classes",
                type=click.IntRange(min=1),
                help="Refuse other numbers of classes.",
            ),
            click.option(
                "--image-size",
                type=click.IntRange(IMAGE_SIZES[0], IMAGE_SIZES[-1]),
                help="Pixels per side.",
            ),
            click.option(
                "--window",
                "window_frames",
                type=click.IntRange(1, _MOST_WINDOW_FRAMES),
                metavar="FRAMES",
                help="Of the mean over time, in a network that saw clips."
                " [default: over all frames so far]",
            ),
        )
    ):
        with_reader = decorator(with_reader)
    return with_reader


def print_findings(source: Source) -> None:
    """A line an option, with what it was decided by; a note on stderr where nothing tells."""
    for finding in source.findings:
        option, value = finding.option.replace("_", " "), option_text(finding.value)
        click.echo(f"{option:20} {value:20} from {finding.source}")


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
