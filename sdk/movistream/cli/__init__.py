"""The command line, ``movistream``."""

from __future__ import annotations

import difflib
import importlib.util
import io
import os
import signal
import sys
import threading
from importlib import metadata
from typing import Any

import click

from movistream._version import __version__
from movistream.errors import MissingExtraError, MovistreamError
from movistream.system.text import printable

_GROUP = "movistream.commands"
"""The entry points that are commands; an extra says what one needs beside the runtime."""

_WHOLE_SENTENCE = 500

_SIGNS = {
    "convert": ("tensorflow",),
    "train": ("tensorflow",),
    "search": ("tensorflow", "jinja2"),
}
"""Modules that are there where an extra is installed, under whatever name its packages come."""


class _LazyGroup(click.Group):
    """Imports a command when it is used; says what to install for one that is not there."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(command.name for command in _commands())

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        names = self.list_commands(context)
        if name not in names and not name.startswith("-") and not context.resilient_parsing:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise click.UsageError(f"there is no command {printable(name)}; {hint}", context)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for command in sorted(_commands(), key=lambda command: command.name):
            if (extra := _missing_extra(command)) is not None:
                rows.append((command.name, f"Not installed: pip install 'movistream[{extra}]'"))
            else:
                loaded: click.Command = command.load()
                rows.append((command.name, loaded.get_short_help_str(limit=_WHOLE_SENTENCE)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        command = next((command for command in _commands() if command.name == name), None)
        if command is None:
            return None
        if (extra := _missing_extra(command)) is not None:
            raise MissingExtraError(f"movistream {name}", extra)
        loaded: click.Command = command.load()
        return loaded


def _commands() -> metadata.EntryPoints:
    return metadata.entry_points(group=_GROUP)


def _missing_extra(command: metadata.EntryPoint) -> str | None:
    return next(
        (
            extra
            for extra in command.extras
            if any(importlib.util.find_spec(name) is None for name in _SIGNS.get(extra, ()))
        ),
        None,
    )


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="movistream")
def command_line() -> None:
    """Stream video through networks that remember, on small devices, one frame at a time."""


def main(
    arguments: list[str] | None = None,
    command: click.Command = command_line,
    name: str = "movistream",
) -> Any:
    """Runs a command line; errors end it with one line on stderr and exit code 1.

    Arguments may be addresses with passwords in them, which no message repeats.

    Args:
        arguments: by default those of this process.
        command: by default ``movistream`` with all its commands.
        name: of the program, in messages.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    # numpy's threads for large matrices, of which there are none here, spin when they start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        # Whoever is asked to end cleans up as after Ctrl+C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command.main(arguments, prog_name=name, standalone_mode=False)
    except MovistreamError as error:
        _fail(_without_addresses(str(error), arguments), 1)
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        click.echo(_without_addresses(text.getvalue(), arguments), err=True, nl=False)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except OSError as error:
        told = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        _fail(_without_addresses(told, arguments), 1)


def _fail(message: str, code: int) -> None:
    click.echo(f"movistream: error: {message}", err=True)
    sys.exit(code)


def _without_addresses(message: str, arguments: list[str]) -> str:
    # Imported for errors alone: the room of sources comes with it.
    from movistream.sources.address import without_addresses

    return without_addresses(message, arguments)
