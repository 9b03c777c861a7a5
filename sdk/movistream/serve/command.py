"""``movistream serve``: streams, seen from a browser."""

from __future__ import annotations

import os
import re
import secrets
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import click

from movistream.cli import parameters
from movistream.cli.help import Command, option
from movistream.cli.options import (
    event_options,
    model_options,
    reset_options,
    score_options,
    source_options,
)
from movistream.cli.requests import (
    ModelRequest,
    WatchRequest,
    check_watch_request,
    decode_options_of,
    event_options_of,
    load_models,
    rate_notes,
    reset_options_of,
    score_options_of,
)
from movistream.errors import MissingExtraError, MovistreamError, VideoError
from movistream.serve.schema import SourceKind
from movistream.serve.security import LEAST_TOKEN_LETTERS, is_loopback
from movistream.sources import SourceOptions
from movistream.watch.watcher import WatchOptions

TOKEN_VARIABLE = "MOVISTREAM_TOKEN"
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{LEAST_TOKEN_LETTERS},200}}")
NEW_TOKEN = "new"
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
_MEGABYTE = 1024**2
_GIVE_UP_AFTER_S = 10.0
"""A source that is lost so long is opened anew."""


@dataclass(frozen=True)
class Request(ModelRequest, WatchRequest):
    """The options that the command shares with others, by their names."""


@click.command(cls=Command)
@click.argument("model", type=parameters.MODEL)
@click.argument("sources", nargs=-1, metavar="[MODEL]... [SOURCE]...")
@option("--host", default="127.0.0.1", show_default=True, group="Server", help="Listen here.")
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    group="Server",
    help="Listen on this port; 0 takes one that is free.",
)
@option(
    "--token",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    group="Server",
    help="Whoever asks must bring it; 'new' makes one. Needed unless HOST is this machine alone.",
)
@option(
    "--known-as",
    "known_as",
    multiple=True,
    metavar="HOST",
    group="Server",
    help="Answer to this name too, such as that of a proxy in front; may be given several times.",
)
@option(
    "--allow-sources",
    type=click.Choice(["none", *SOURCE_KINDS]),
    multiple=True,
    default=["network"],
    show_default=True,
    metavar="KIND",
    group="Server",
    help="Let these be added while the server runs: network (addresses of other machines),"
    " this-machine (its own addresses), cameras (its own), or none; give several.",
)
@option(
    "--most-upload",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    metavar="MEGABYTES",
    group="Server",
    help="Take files of at most this size.",
)
@option(
    "--sources-from",
    type=parameters.PATH,
    group="Source",
    help="More sources, one a line: in contrast to arguments, other users cannot see them.",
)
@source_options
@option("--loop", "loops", is_flag=True, group="Source", help="Begin recordings anew at their end.")
@event_options
@score_options
@reset_options
@model_options
def serve(
    model: Path,
    sources: tuple[str, ...],
    sources_from: Path | None,
    host: str,
    port: int,
    token: str | None,
    known_as: tuple[str, ...],
    allow_sources: tuple[str, ...],
    most_upload: int,
    loops: bool,
    **shared: Any,
) -> None:
    """Show in a browser what MODEL says to each SOURCE.

    MODEL and SOURCE are those of 'movistream run'. Without a SOURCE, videos and pictures can be
    sent from the page, its browser's own camera can be watched, and cameras of the network can be
    added. The first line that is printed is the page's address. Ctrl+C ends it.
    """
    if token == NEW_TOKEN and not (sys.stdout is not None and sys.stdout.isatty()):
        raise MovistreamError(
            "a new token is shown on a terminal only, and this is none: nobody could use it. Set"
            f" {TOKEN_VARIABLE} to one of your own"
        )
    token = checked_token(token, host)
    allowed = tuple(kind for kind in SOURCE_KINDS if kind in allow_sources)
    if "none" in allow_sources and allowed:
        raise MovistreamError(f"--allow-sources none leaves no room for {', '.join(allowed)}")
    try:
        from movistream.serve.feed import FeedOptions
        from movistream.serve.limits import Limits
        from movistream.serve.server import run_server
    except ImportError:
        raise MissingExtraError("movistream serve", "serve") from None
    more_models, names = parameters.models_and_sources(sources)
    if sources_from is not None:
        names += _read_sources(sources_from)
    request = Request(**shared)
    check_watch_request(request)
    with ExitStack() as stack:
        loaded, streamed = load_models([model, *more_models], request, stack)
        for note in rate_notes(loaded, streamed, request):
            click.echo(note, err=True)
        options = FeedOptions(
            WatchOptions(
                scores=score_options_of(request),
                events=event_options_of(request),
                resets=reset_options_of(request),
                frames_per_second=request.fps,
                every=request.every,
                horizon_s=request.horizon,
            ),
            SourceOptions(
                size=request.source_size,
                frames_per_second=request.source_fps,
                image_files_per_second=request.source_fps
                or request.fps
                or streamed.frames_per_second,
                give_up_after_s=_GIVE_UP_AFTER_S,
                decode=replace(
                    decode_options_of(request),
                    threads=max(1, streamed.threads // max(1, len(names))),
                ),
            ),
            loops=loops,
        )
        limits = Limits(upload_bytes=most_upload * _MEGABYTE, allowed_sources=allowed)
        run_server(streamed, names, options, limits, host, port, token, known_as)


def _read_sources(path: Path) -> tuple[str, ...]:
    """Sources from a file, one a line; empty lines are none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise VideoError(f"cannot read the sources in {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise VideoError(f"the sources in {path} are not UTF-8 text") from None
    return tuple(line.strip() for line in lines if line.strip())


def checked_token(token: str | None, host: str) -> str | None:
    """The token, or a new one.

    Raises:
        MovistreamError: if one is needed and not given, or it is none.
    """
    if token == NEW_TOKEN:
        return secrets.token_urlsafe(24)
    if token is None:
        if not is_loopback(host):
            raise MovistreamError(
                f"on {host} others can reach the server: give a --token, or set {TOKEN_VARIABLE};"
                " '--token new' makes one"
            )
        return None
    if not _TOKEN.fullmatch(token):
        raise MovistreamError(
            f"a token has {LEAST_TOKEN_LETTERS} to 200 letters, digits, - and _; '--token new'"
            " makes one"
        )
    # It is not to be seen by programs that this one starts.
    os.environ.pop(TOKEN_VARIABLE, None)
    return token
