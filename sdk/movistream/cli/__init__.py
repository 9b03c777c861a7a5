"""The command line, ``movistream``."""

from __future__ import annotations

import importlib
import importlib.util
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

import movistream
from movistream.errors import MissingExtraError, MovistreamError
from movistream.sources.address import without_addresses


@dataclass(frozen=True)
class _Command:
    """Where a command lives, and what it needs beside the runtime."""

    module: str
    name: str
    requires: str | None = None
    extra: str | None = None


_COMMANDS: Mapping[str, _Command] = {
    "bench": _Command("movistream_benchmarks.bench_command", "bench"),
    "bench-arm": _Command("movistream_benchmarks.arm.command", "bench_arm"),
    "convert": _Command("movistream_converters.command", "convert", "tensorflow", "convert"),
    "demo": _Command("movistream_training.demo_command", "demo", "tensorflow", "convert"),
    "evaluate": _Command("movistream_training.evaluate_command", "evaluate", "tensorflow", "train"),
    "inspect": _Command("movistream.cli.inspect", "inspect"),
    "run": _Command("movistream.cli.run", "run"),
    "serve": _Command("movistream.serve.command", "serve"),
    "service": _Command("movistream.serve.service", "service"),
    "train": _Command("movistream_training.train_command", "train", "tensorflow", "train"),
    "weights": _Command(
        "movistream_converters.weights_command", "weights", "tensorflow", "convert"
    ),
}


class _LazyGroup(click.Group):
    """Imports a command when it is used, and hides it while its extra is not installed."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [name for name, command in _COMMANDS.items() if _is_installed(command)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        command = _COMMANDS.get(name)
        if command is None:
            return None
        if not _is_installed(command) and command.extra is not None:
            raise MissingExtraError(f"movistream {name}", command.extra)
        loaded: click.Command = getattr(importlib.import_module(command.module), command.name)
        return loaded


def _is_installed(command: _Command) -> bool:
    return command.requires is None or importlib.util.find_spec(command.requires) is not None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(movistream.__version__, prog_name="movistream")
def command_line() -> None:
    """Stream video through MoViNets on small devices, one frame at a time."""


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command line; errors end it with one line on stderr and exit code 1.

    Arguments may be addresses with passwords in them, which no message repeats.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        command_line.main(arguments, prog_name="movistream", standalone_mode=False)
    except MovistreamError as error:
        _fail(without_addresses(str(error), arguments), 1)
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        click.echo(without_addresses(text.getvalue(), arguments), err=True, nl=False)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except OSError as error:
        told = f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
        _fail(without_addresses(told, arguments), 1)


def _fail(message: str, code: int) -> None:
    click.echo(f"movistream: error: {message}", err=True)
    sys.exit(code)
