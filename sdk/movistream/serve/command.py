"""``movistream serve``: streams, seen from a browser."""

from __future__ import annotations

import os
import re
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import click

from movistream.cli import parameters
from movistream.cli.help import Command, option
from movistream.engines import ENGINES
from movistream.errors import MissingExtraError, MovistreamError, VideoError
from movistream.file.labels import read_labels
from movistream.serve.schema import SourceKind
from movistream.serve.security import LEAST_TOKEN_LETTERS, is_loopback
from movistream.sources import SourceOptions
from movistream.stream.ensemble import Ensemble, Streamable
from movistream.stream.loading import MOST_THREADS
from movistream.watch.events import EventOptions
from movistream.watch.model import load
from movistream.watch.resets import ResetOptions
from movistream.watch.watcher import WatchOptions

TOKEN_VARIABLE = "MOVISTREAM_TOKEN"
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{LEAST_TOKEN_LETTERS},200}}")
NEW_TOKEN = "new"
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
_MEGABYTE = 1024**2


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
    help="A name by which this server is asked, beside this machine's own; matters with a token.",
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
@option(
    "--fps",
    type=parameters.FRAMES_PER_SECOND,
    group="Source",
    help="Take this many frames per second of the source. [default: as the model was trained]",
)
@option("--source-size", type=parameters.SIZE, group="Source", help="Ask a camera for this size.")
@option(
    "--source-fps",
    type=parameters.FRAMES_PER_SECOND,
    group="Source",
    help="Ask a camera for this frame rate; show image files at it.",
)
@option("--loop", "loops", is_flag=True, group="Source", help="Begin recordings anew at their end.")
@option(
    "--reset-on-cut",
    is_flag=True,
    group="Memory",
    help="Forget all at a cut to another scene.",
)
@option(
    "--reset-after-gap",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    group="Memory",
    help="Forget all when no frame came for so long. [default: never]",
)
@option(
    "--labels",
    type=parameters.PATH,
    group="Model",
    help="Names of the classes, in place of the model's own: a file with one a line, or"
    " kinetics600 or jester.",
)
@option(
    "--threads",
    type=click.IntRange(min=1, max=MOST_THREADS),
    group="Model",
    help="Threads of the engine. [default: one per core, at most 4]",
)
@option(
    "--engine",
    type=click.Choice(["auto", *ENGINES]),
    default="auto",
    show_default=True,
    group="Model",
    help="What runs the model.",
)
@option(
    "--weight-cache",
    type=parameters.PATH,
    metavar="FOLDER",
    group="Model",
    help="Keep packed weights here, for the next start and for other processes.",
)
def serve(
    model: Path,
    sources: tuple[str, ...],
    sources_from: Path | None,
    host: str,
    port: int,
    token: str | None,
    known_as: tuple[str, ...],
    allow_sources: tuple[str, ...],
    threads: int | None,
    engine: str,
    labels: Path | None,
    weight_cache: Path | None,
    fps: float | None,
    source_size: tuple[int, int] | None,
    source_fps: float | None,
    reset_after_gap: float | None,
    reset_on_cut: bool,
    loops: bool,
    most_upload: int,
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
    with ExitStack() as stack:
        loaded = [
            stack.enter_context(
                load(
                    path,
                    threads=threads,
                    engine=engine,
                    labels=None if labels is None else read_labels(labels),
                    weight_cache=weight_cache,
                )
            )
            for path in (model, *more_models)
        ]
        streamed: Streamable = loaded[0] if len(loaded) == 1 else Ensemble(loaded)
        rate = fps or streamed.frames_per_second
        if rate is None:
            click.echo(
                "the model does not say at what frame rate it was trained: every frame is taken;"
                " choose with --fps",
                err=True,
            )
        options = FeedOptions(
            WatchOptions(
                events=EventOptions(),
                resets=ResetOptions(reset_on_cut, reset_after_gap),
                frames_per_second=fps,
            ),
            SourceOptions(
                size=source_size,
                frames_per_second=source_fps,
                image_files_per_second=source_fps or rate,
                give_up_after_s=10.0,
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
