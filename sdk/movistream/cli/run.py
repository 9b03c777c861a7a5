"""``movistream run``: a model on a video, frame by frame."""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from movistream.arithmetic import ARITHMETICS
from movistream.engines import ENGINES
from movistream.labels import read_labels
from movistream.loading import MOST_THREADS, load
from movistream.model import Model, Stream
from movistream.result import Result
from movistream.video import VideoFile

_CLASS_WIDTH = 32
_BAR_WIDTH = 24
_RATE_TOLERANCE = 1.05

Show = Callable[[Result], None]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per frame on stdout.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Classes.")
@click.option("--every", type=click.IntRange(min=1), help="Take one frame of the video in N.")
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True, max=1000),
    callback=lambda _context, _option, value: _finite(value),
    help="Take this many frames per second of the video. [default: as the model was trained]",
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
    type=click.Path(path_type=Path),
    help="Names of the classes, one a line, in place of the model's own.",
)
@click.option(
    "--horizon",
    type=click.FloatRange(min=0, min_open=True),
    callback=lambda _context, _option, value: _finite(value),
    metavar="SECONDS",
    help="Let the answer follow about the last SECONDS. [default: as the file says; mostly never]",
)
@click.option(
    "--weight-cache",
    type=click.Path(path_type=Path),
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
def run(
    model: Path,
    video: Path,
    as_json: bool,
    top: int,
    every: int | None,
    fps: float | None,
    threads: int | None,
    engine: str,
    labels: Path | None,
    horizon: float | None,
    weight_cache: Path | None,
    arithmetic: str,
    check_arithmetic: bool,
) -> None:
    """Run MODEL, a .tflite stream model, on VIDEO one frame at a time."""
    if every is not None and fps is not None:
        raise click.UsageError("--every and --fps exclude each other")
    names = None if labels is None else read_labels(labels)
    with (
        load(
            model,
            threads=threads,
            engine=engine,
            labels=names,
            weight_cache=weight_cache,
            arithmetic=arithmetic,
            check_arithmetic=check_arithmetic,
        ) as loaded,
        VideoFile(video) as file,
    ):
        rate = _chosen_rate(loaded, file, every, fps)
        frames = _horizon_frames(horizon, rate, file, every)
        with (
            loaded.stream(horizon_frames=frames) as stream,
            _display(as_json, top, loaded, video) as show,
        ):
            results = _stream(stream, file, every or 1, rate, show)
        _summarise(loaded, results)
        _warn_of_missing_frames(file)


def _finite(rate: float | None) -> float | None:
    if rate is not None and not math.isfinite(rate):
        raise click.BadParameter("it is not a number")
    return rate


def _chosen_rate(
    model: Model, file: VideoFile, every: int | None, fps: float | None
) -> float | None:
    """Frames per second to take; None to take one frame in ``every``."""
    if every is not None:
        return None
    rate = model.manifest.input.frames_per_second if fps is None else fps
    if rate is None:
        click.echo(
            "movistream: the model does not say at what frame rate it was trained: every frame is"
            " taken; choose with --fps or --every",
            err=True,
        )
    elif file.frames_per_second is None and fps is None:
        click.echo(
            "movistream: the video does not say its frame rate: every frame is taken; choose with"
            " --every",
            err=True,
        )
        return None
    elif file.frames_per_second is not None and rate > file.frames_per_second * _RATE_TOLERANCE:
        click.echo(
            f"movistream: the video has {file.frames_per_second:.3g} frames per second, fewer than"
            f" the {rate:.3g} that are wanted: every frame is taken",
            err=True,
        )
    return rate


def _horizon_frames(
    horizon_s: float | None, rate: float | None, file: VideoFile, every: int | None
) -> int | None:
    """Frames that are taken in so many seconds of the video."""
    if horizon_s is None:
        return None
    own = file.frames_per_second
    taken = rate if rate is not None else None if own is None else own / (every or 1)
    if taken is None:
        raise click.UsageError(
            "--horizon needs a frame rate, and neither video nor model says one: add --fps"
        )
    return max(1, round(horizon_s * (taken if own is None else min(taken, own))))


def _stream(
    stream: Stream, file: VideoFile, every: int, rate: float | None, show: Show
) -> list[tuple[float, float]]:
    """Steps through the video; returns (preprocess_ms, inference_ms) of every frame."""
    timings: list[tuple[float, float]] = []
    for frame in file.frames(every=every, rate=rate):
        result = stream.step(frame.image, frame=frame.index, time_s=frame.time_s)
        timings.append((result.preprocess_ms, result.inference_ms))
        show(result)
    return timings


@contextmanager
def _display(as_json: bool, top: int, model: Model, video: Path) -> Iterator[Show]:
    """How results are shown: JSON lines, a live table on a terminal, plain lines elsewhere."""
    if as_json:
        yield lambda result: click.echo(json.dumps(_as_dictionary(result, top)))
    elif sys.stdout is not None and sys.stdout.isatty():
        title = f"{model.manifest.name} on {video.name}"
        console = Console()
        with Live(console=console, auto_refresh=False) as live:
            yield lambda result: live.update(
                _table(result, top, title, console.width), refresh=True
            )
    else:
        yield lambda result: click.echo(_line(result, top))


def _as_dictionary(result: Result, top: int) -> dict[str, object]:
    return {
        "frame": result.frame,
        "time_s": round(result.time_s or 0.0, 4),
        "preprocess_ms": round(result.preprocess_ms, 3),
        "inference_ms": round(result.inference_ms, 3),
        "top": [
            {"index": entry.index, "label": entry.label, "score": round(entry.score, 6)}
            for entry in result.top(top)
        ],
    }


def _line(result: Result, top: int) -> str:
    entries = ", ".join(f"{entry.label} {entry.score:.3f}" for entry in result.top(top))
    return f"frame {result.frame:5d}  {result.time_s or 0.0:8.2f} s  {entries}"


def _table(result: Result, top: int, title: str, width: int) -> Table:
    """As wide as the terminal allows; the bars go first where there is no room."""
    table = Table(
        title=Text(title, overflow="ellipsis", no_wrap=True),
        caption=f"frame {result.frame}, {result.time_s or 0.0:.2f} s: preprocess"
        f" {result.preprocess_ms:.2f} ms, inference {result.inference_ms:.2f} ms",
    )
    table.add_column("class", width=min(_CLASS_WIDTH, width - 16), no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    bar_width = min(_BAR_WIDTH, width - _CLASS_WIDTH - 16)
    if bar_width > 0:
        table.add_column("", width=bar_width)
    for entry in result.top(top):
        cells = [Text(entry.label, overflow="ellipsis"), Text(f"{entry.score:.3f}")]
        if bar_width > 0:
            cells.append(Text("█" * round(entry.score * bar_width)))
        table.add_row(*cells)
    return table


def _warn_of_missing_frames(file: VideoFile) -> None:
    expected, found = file.frame_count, file.frames_decoded
    if expected is not None and expected - found > max(2, 0.02 * expected):
        click.echo(
            f"movistream: the video says that it has {expected} frames, but only {found} could be"
            " read: it may be damaged or cut off",
            err=True,
        )


def _summarise(model: Model, timings: list[tuple[float, float]]) -> None:
    preprocess, inference = (statistics.median(values) for values in zip(*timings, strict=True))
    click.echo(
        f"{_count(len(timings), 'frame')}; per frame, median: preprocess {preprocess:.2f} ms,"
        f" inference {inference:.2f} ms; engine {model.engine}, {_count(model.threads, 'thread')},"
        f" {model.arithmetic}",
        err=True,
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
