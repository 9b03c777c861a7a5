"""``movistream service``: a server that systemd starts with the machine, and starts again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from movistream.errors import MovistreamError, OutputError
from movistream.serve.command import TOKEN_VARIABLE, checked_token, serve
from movistream.sources.address import is_like_an_address, public_name
from movistream.system.output import replaced_when_done
from movistream.system.user_folders import config_folder

_UNIT = "movistream.service"
_WATCHDOG_S = 60
_TEMPLATE = """\
# Written by 'movistream service install'; 'movistream service remove' removes it.
[Unit]
Description=movistream: streams in a browser
After=network-online.target
# One that fails again and again is left alone after a few minutes.
StartLimitIntervalSec=600
StartLimitBurst=20

[Service]
Type=notify
ExecStart={command}
WorkingDirectory={folder}
EnvironmentFile=-{environment}
Restart=on-failure
SuccessExitStatus=130
RestartSec=5
WatchdogSec={watchdog_s}
TimeoutStopSec=20
UMask=0077
LimitCORE=0
KeyringMode=private
LockPersonality=true
NoNewPrivileges=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
{sandbox}
[Install]
WantedBy=default.target
"""
_SANDBOX = """\
# From here on it needs user namespaces. Writing is allowed below these folders only.
PrivateUsers=true
CapabilityBoundingSet=
PrivateMounts=true
PrivateTmp=true
ProtectControlGroups=true
ProtectHome=read-only
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectSystem=strict
CacheDirectory=movistream
CacheDirectoryMode=0700
ConfigurationDirectory=movistream
ConfigurationDirectoryMode=0700
ReadWritePaths={writable}
"""
_NO_BUS_HINT = (
    ". Log in as this user, not by su or sudo, or let it run without that: 'sudo loginctl"
    " enable-linger USER'"
)
_FORBIDDING = {
    "/proc/sys/kernel/unprivileged_userns_clone": "0",
    "/proc/sys/user/max_user_namespaces": "0",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
}
"""Settings of kernels by which a user may have no namespaces of his own."""


@click.group()
def service() -> None:
    """Let systemd run 'movistream serve' as this user, from the machine's start on."""


@service.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="ARGUMENTS OF SERVE")
def install(arguments: tuple[str, ...]) -> None:
    """Install and start a service: what follows is as for 'movistream serve'.

    It is started again when it fails, and when it has not looked at a frame for a minute; one that
    fails 20 times in ten minutes is left alone. A token, and addresses, which may hold passwords,
    are kept in files that only this user can read.
    """
    parsed = serve.make_context("movistream serve", list(arguments)).params
    token = checked_token(parsed["token"], parsed["host"])
    unit, environment, addresses = _unit_path(), *_private_paths()
    secret = [name for name in parsed["sources"] if is_like_an_address(name)]
    public = [name for name in _without_token(arguments) if name not in secret]
    command = [sys.executable, "-m", "movistream", "serve", *public]
    if secret:
        command += ["--sources-from", str(addresses)]
    text = _TEMPLATE.format(
        command=" ".join(map(_quoted, command)),
        folder=_escaped(str(Path.cwd())),
        environment=_escaped(str(environment)),
        watchdog_s=_WATCHDOG_S,
        sandbox=_sandbox(parsed["weight_cache"]),
    )
    listed = "".join(f"{_one_line(name)}\n" for name in secret)
    _require_systemd()
    # Where it cannot be reached, nothing is written at all.
    _systemctl("daemon-reload")
    with _undone_on_failure():
        _write(environment, "" if token is None else f"{TOKEN_VARIABLE}={token}\n")
        _write(addresses, listed)
        if parsed["weight_cache"] is not None:
            _make_folder(parsed["weight_cache"])
        _write(unit, text)
        _systemctl("daemon-reload")
        _systemctl("enable", _UNIT)
        # One that runs already takes up what has changed.
        _systemctl("restart", _UNIT)
    click.echo(f"wrote {unit} and started it")
    if token is not None:
        click.echo(f"the token is in {environment}")
    if secret:
        click.echo(f"the addresses are in {addresses}")
    if not _has_user_namespaces():
        click.echo("this kernel gives users no namespaces: it may write wherever this user may")
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
    """Stop the service and remove what was installed, or what is left of it."""
    if not any(map(os.path.lexists, _all_paths())):
        raise _not_installed()
    try:
        _require_systemd()
        _systemctl("disable", "--now", _UNIT)
    except MovistreamError as error:
        _remove_files()
        click.echo(f"removed; whether it runs is not known, for systemd was not reached: {error}")
    else:
        _remove_files()
        _systemctl("daemon-reload")
        click.echo("stopped and removed")


def _config_folder() -> Path:
    folder = config_folder()
    if folder is None:
        raise MovistreamError("this user has no home where a service could be kept")
    return folder


def _unit_path() -> Path:
    return _config_folder().parent / "systemd" / "user" / _UNIT


def _private_paths() -> tuple[Path, Path]:
    """Files of the token and of addresses, which may hold passwords."""
    return _config_folder() / "service.env", _config_folder() / "service.sources"


def _all_paths() -> tuple[Path, ...]:
    """Whatever belongs to a service, with the link by which systemd starts it."""
    unit = _unit_path()
    return unit, *_private_paths(), unit.parent / "default.target.wants" / _UNIT


def _remove_files() -> None:
    for path in _all_paths():
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove {path}: {error.strerror}") from None


@contextmanager
def _undone_on_failure() -> Iterator[None]:
    """Lets a service be as it was before, where a new one cannot be installed or started."""
    files = _unit_path(), *_private_paths()
    before = {path: path.read_text(encoding="utf-8") for path in files if path.is_file()}
    try:
        yield
    except MovistreamError:
        was_there = _unit_path() in before
        if was_there:
            for path in files:
                _write(path, before.get(path, ""))
        else:
            _try_systemctl("disable", "--now", _UNIT)
            _remove_files()
        _try_systemctl("daemon-reload")
        if was_there:
            _try_systemctl("restart", _UNIT)
        raise


def _sandbox(weight_cache: Path | None) -> str:
    if not _has_user_namespaces():
        return ""
    # %E and %C: the user's folders for configuration and caches, wherever they are.
    writable = ["-%E/movistream", "-%C/movistream"]
    if weight_cache is not None:
        writable.append(f'"-{_escaped(str(weight_cache.absolute()))}"')
    return _SANDBOX.format(writable=" ".join(writable))


def _has_user_namespaces() -> bool:
    """Whether this user may have some, by what the kernel says."""
    for path, forbidding in _FORBIDDING.items():
        try:
            if Path(path).read_text(encoding="ascii").strip() == forbidding:
                return False
        except (OSError, ValueError):
            continue
    return True


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
    return _one_line(text).replace("%", "%%")


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise MovistreamError(f"a line break cannot be in a service: {public_name(text)!r}")
    return text


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    """Writes a file that only this user can read."""
    _make_folder(path.parent)
    try:
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
        raise _not_installed()


def _not_installed() -> MovistreamError:
    return MovistreamError(f"no service is installed: there is no {_unit_path()}")


def _try_systemctl(*arguments: str) -> None:
    """What may fail: a failure before it is told already."""
    with suppress(MovistreamError):
        _systemctl(*arguments)


def _systemctl(*arguments: str) -> None:
    found = subprocess.run(
        ["systemctl", "--user", *arguments], check=False, capture_output=True, text=True
    )
    if found.returncode:
        reason = found.stderr.strip().rpartition("\n")[2] or f"exit code {found.returncode}"
        hint = _NO_BUS_HINT if "bus" in reason else ""
        raise MovistreamError(f"systemctl --user {' '.join(arguments)} failed: {reason}{hint}")
