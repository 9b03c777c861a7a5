"""``movistream service``: a server that systemd starts with the machine, and starts again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from movistream.errors import MovistreamError, OutputError
from movistream.output import replaced_when_done
from movistream.serve.command import TOKEN_VARIABLE, checked_token, serve

_UNIT = "movistream.service"
_WATCHDOG_S = 60
_TEMPLATE = """\
# Written by 'movistream service install'; 'movistream service remove' removes it.
[Unit]
Description=movistream: streams in a browser
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
WorkingDirectory={folder}
EnvironmentFile=-{environment}
Restart=on-failure
RestartSec=5
WatchdogSec={watchdog_s}
TimeoutStopSec=20
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""


@click.group()
def service() -> None:
    """Let systemd run 'movistream serve' as this user, from the machine's start on."""


@service.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="ARGUMENTS OF SERVE")
def install(arguments: tuple[str, ...]) -> None:
    """Install and start a service: what follows is as for 'movistream serve'.

    It is started again when it fails, and when it has not looked at a frame for a minute. A token
    is kept in a file that only this user can read.
    """
    parsed = serve.make_context("movistream serve", list(arguments)).params
    token = checked_token(parsed["token"], parsed["host"])
    unit, environment = _unit_path(), _environment_path()
    command = [sys.executable, "-m", "movistream", "serve", *_without_token(arguments)]
    text = _TEMPLATE.format(
        command=" ".join(map(_quoted, command)),
        folder=_escaped(str(Path.cwd())),
        environment=_escaped(str(environment)),
        watchdog_s=_WATCHDOG_S,
    )
    _require_systemd()
    _write(environment, "" if token is None else f"{TOKEN_VARIABLE}={token}\n", private=True)
    _write(unit, text)
    _systemctl("daemon-reload")
    _systemctl("enable", _UNIT)
    # One that runs already takes up what has changed.
    _systemctl("restart", _UNIT)
    click.echo(f"wrote {unit} and started it")
    if token is not None:
        click.echo(f"the token is in {environment}")
    click.echo(
        "so that it also runs while nobody is logged in: sudo loginctl enable-linger"
        f" {os.environ.get('USER', '$USER')}"
    )


@service.command()
def status() -> None:
    """Say whether the service runs, with its last messages."""
    _require_systemd()
    _require_installed()
    found = subprocess.run(
        ["systemctl", "--user", "--no-pager", "status", _UNIT], check=False, text=True
    )
    sys.exit(found.returncode)


@service.command()
def remove() -> None:
    """Stop the service and remove what was installed."""
    _require_systemd()
    _require_installed()
    _systemctl("disable", "--now", _UNIT)
    for path in (_unit_path(), _environment_path()):
        path.unlink(missing_ok=True)
    _systemctl("daemon-reload")
    click.echo("stopped and removed")


def _config_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _unit_path() -> Path:
    return _config_folder() / "systemd" / "user" / _UNIT


def _environment_path() -> Path:
    return _config_folder() / "movistream" / "service.env"


def _without_token(arguments: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skips = False
    for argument in arguments:
        if skips or argument.startswith("--token="):
            skips = False
        elif argument == "--token":
            skips = True
        else:
            kept.append(argument)
    return kept


def _quoted(argument: str) -> str:
    """An argument for ExecStart=, see systemd.service(5)."""
    text = argument.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    if "\n" in text:
        raise MovistreamError(f"a line break cannot be in a service: {text!r}")
    return text.replace("%", "%%")


def _write(path: Path, text: str, *, private: bool = False) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if private:
            path.touch(mode=0o600)
            path.chmod(0o600)
        with replaced_when_done(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _require_systemd() -> None:
    if shutil.which("systemctl") is None:
        raise MovistreamError(
            "there is no systemd here; let what starts programs on this machine run 'movistream"
            " serve'"
        )


def _require_installed() -> None:
    if not _unit_path().exists():
        raise MovistreamError(f"no service is installed: there is no {_unit_path()}")


def _systemctl(*arguments: str) -> None:
    found = subprocess.run(
        ["systemctl", "--user", *arguments], check=False, capture_output=True, text=True
    )
    if found.returncode:
        reason = found.stderr.strip().rpartition("\n")[2] or f"exit code {found.returncode}"
        raise MovistreamError(f"systemctl --user {' '.join(arguments)} failed: {reason}")
