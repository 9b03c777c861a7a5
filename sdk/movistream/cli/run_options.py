"""What ``movistream run`` was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from movistream._version import __version__
from movistream.cli.options import check_new_output
from movistream.cli.requests import (
    ModelRequest,
    WatchRequest,
    check_watch_request,
    decode_options_of,
    event_options_of,
    reset_options_of,
    score_options_of,
)
from movistream.drawing.plot_file import check_plot_output
from movistream.drawing.video_writer import check_video_output
from movistream.errors import OutputError
from movistream.parquet.footer import Run, run_of
from movistream.parquet.table_file import pyarrow
from movistream.sources import SourceOptions
from movistream.stream.ensemble import Streamable
from movistream.stream.preprocess import Fit, Region, View
from movistream.watch.watcher import WatchOptions


@dataclass(frozen=True)
class Request(ModelRequest, WatchRequest):
    """The options of the command, by their names."""

    as_json: bool
    top: int
    start: float
    end: float | None
    workers: int
    fit: Fit
    regions: tuple[Region, ...]
    give_up_after: float
    events: bool
    save_state: Path | None
    resume: Path | None
    output: Path | None
    plot: Path | None
    table: Path | None
    summary: Path | None
    parquet: Path | None
    show: bool
    force: bool
    output_dir: Path | None


def check_request(request: Request, models: Sequence[Path], sources: Sequence[str]) -> None:
    """Refuses options that do not go together, and outputs that cannot be written.

    Raises:
        click.UsageError: for the former.
        OutputError: for the latter.
        MissingExtraError: if what draws plots or writes Parquet is not installed.
    """
    if not sources:
        raise click.UsageError(
            "name a model first, then a source: a video, a folder of pictures, a camera (0) or an"
            " address"
        )
    check_watch_request(request)
    if request.end is not None and request.end <= request.start:
        raise click.UsageError("--end must be after --start")
    streams = len(sources) * max(1, len(request.regions))
    of_one = {
        "--output": request.output,
        "--plot": request.plot,
        "--show": request.show or None,
        "--save-state": request.save_state,
        "--resume": request.resume,
    }
    for name, value in of_one.items():
        if value is not None and (streams > 1 or request.output_dir is not None):
            raise click.UsageError(f"{name} is for one source and region")
    if request.output_dir is not None and len(request.regions) > 1:
        raise click.UsageError("--output-dir is for one region")
    if request.output_dir is not None and request.parquet is not None:
        raise click.UsageError(
            "--parquet and --output-dir exclude each other; 'movistream archive' writes many videos"
            " as Parquet"
        )
    if request.output is not None:
        check_video_output(request.output)
    inputs = [*models, *map(Path, sources), *filter(None, [request.labels])]
    taken = {path.resolve(): f"is read: {path}" for path in inputs}
    for output in filter(
        None,
        (
            request.save_state,
            request.plot,
            request.table,
            request.summary,
            request.parquet,
            request.output,
        ),
    ):
        if output.resolve() in taken:
            raise OutputError(f"cannot write {output}: this file {taken[output.resolve()]}")
        taken[output.resolve()] = "is written already"
        check_new_output(output, force=request.force)
    if request.parquet is not None:
        pyarrow()
    if request.plot is not None:
        check_plot_output(request.plot)


def views(request: Request) -> tuple[View, ...]:
    """What is looked at of each frame."""
    return tuple(View(request.fit, region) for region in request.regions) or (View(request.fit),)


def finds_events(request: Request) -> bool:
    """Whether events are looked for: they are also a part of plots."""
    return request.events or request.plot is not None


def watch_options(request: Request) -> WatchOptions:
    """How sources are watched."""
    return WatchOptions(
        scores=score_options_of(request),
        events=event_options_of(request) if finds_events(request) else None,
        resets=reset_options_of(request),
        frames_per_second=request.fps,
        every=request.every,
        start_s=request.start,
        end_s=request.end,
        horizon_s=request.horizon,
        views=views(request),
        top=request.top,
        all_frames=request.output is not None or request.show,
    )


def source_options(request: Request, model: Streamable) -> SourceOptions:
    """How sources are opened; image files come as fast as the network takes frames."""
    rate = request.source_fps
    return SourceOptions(
        size=request.source_size,
        frames_per_second=rate,
        image_files_per_second=rate or request.fps or model.frames_per_second,
        give_up_after_s=request.give_up_after,
        decode=decode_options_of(request),
    )


def run_key(request: Request, model: Streamable) -> dict[str, object]:
    """What tells this run from others: the model, its labels, and options; as plain JSON types."""
    labels = hashlib.sha256("\n".join(model.labels).encode()).hexdigest()
    return {"model": model.fingerprint, "labels": labels, **describe(request)}


def table_run(request: Request, model: Streamable, *, logits: bool = False) -> Run:
    """The run, as tables name it: the version of this package is a part of it too."""
    made_of = {"movistream": __version__, "logits": logits, **run_key(request, model)}
    return run_of(made_of)


def describe(request: Request) -> dict[str, object]:
    """What of the options has an influence on results, as plain JSON types."""
    options = watch_options(request)
    return {
        "fps": request.fps,
        "every": request.every,
        "decode": request.decode,
        "track": request.track,
        "start_s": request.start,
        "end_s": request.end,
        "horizon_s": request.horizon,
        "interleaved": request.interleaved,
        "arithmetic": request.arithmetic,
        "engine": request.engine,
        "fit": request.fit,
        "regions": [str(region) for region in request.regions],
        "temperature": request.temperature,
        "smoothing_s": request.smoothing,
        "allow": sorted(request.allow),
        "deny": sorted(request.deny),
        "top": request.top,
        "events": None
        if options.events is None
        else [options.events.enter, options.events.leave, options.events.shortest_s],
        "resets": [request.reset_on_cut, request.reset_after_gap, request.reset_every],
    }
