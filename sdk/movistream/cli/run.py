"""``movistream run``: a model on videos, cameras and streams, frame by frame."""

from __future__ import annotations

import logging
import signal
import statistics
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from movistream.arithmetic import ARITHMETICS
from movistream.cli import parameters
from movistream.cli.archive import Job, find_jobs, is_finished, result_files
from movistream.cli.pictures import annotated_video, window
from movistream.cli.request import (
    Request,
    check_request,
    describe,
    source_options,
    views,
    watch_options,
)
from movistream.cli.sinks import (
    Sink,
    csv_file,
    json_lines,
    live_table,
    plain_lines,
    progress_bar,
    timeline_plot,
)
from movistream.engines import ENGINES
from movistream.ensemble import Ensemble, Streamable
from movistream.events import EventOptions
from movistream.labels import read_labels
from movistream.loading import MOST_THREADS, load
from movistream.model import Model
from movistream.pool import Ended, Item, StreamPool
from movistream.preprocess import FITS
from movistream.scores import Scorer
from movistream.snapshot_file import read_snapshot, write_snapshot
from movistream.sources.frame import logger
from movistream.text import printable
from movistream.watch import Step

_MODEL_SUFFIX = ".tflite"
_KEPT = 100_000
_MOST_WORKERS = 64
_DEFAULT_EVENTS = EventOptions()


@click.command()
@click.argument("model", type=parameters.PATH)
@click.argument("sources", nargs=-1, required=True, metavar="[MODEL]... SOURCE...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Classes.")
@click.option("--every", type=click.IntRange(min=1), help="Take one frame of the source in N.")
@click.option(
    "--fps",
    type=parameters.FRAMES_PER_SECOND,
    help="Take this many frames per second of the source. [default: as the model was trained]",
)
@click.option(
    "--start",
    type=parameters.SECONDS,
    default=0.0,
    metavar="SECONDS",
    help="Begin at this time of the source.",
)
@click.option(
    "--end",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="End at this time of the source.",
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
    type=parameters.PATH,
    help="Names of the classes, one a line, in place of the model's own.",
)
@click.option(
    "--horizon",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="Let the answer follow about the last SECONDS. [default: as the file says; mostly never]",
)
@click.option(
    "--weight-cache",
    type=parameters.PATH,
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
@click.option(
    "--interleaved",
    is_flag=True,
    help="Let several models, or one twice, take turns with the frames, and average them.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=_MOST_WORKERS),
    default=1,
    show_default=True,
    help="Sources that are worked on at the same time.",
)
@click.option(
    "--fit",
    type=click.Choice(FITS),
    default="crop",
    show_default=True,
    help="How a frame becomes the network's shape.",
)
@click.option(
    "--roi",
    "regions",
    type=parameters.REGION,
    multiple=True,
    help="Look at this region of the frame, in pixels; give several for a stream each.",
)
@click.option("--source-size", type=parameters.SIZE, help="Of raw frames; asked of a camera.")
@click.option(
    "--source-fps",
    type=parameters.FRAMES_PER_SECOND,
    help="Frame rate of raw frames or image files; asked of a camera.",
)
@click.option(
    "--give-up-after",
    type=parameters.SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="A network stream without a picture for so long has failed.",
)
@click.option(
    "--temperature",
    type=parameters.POSITIVE,
    default=1.0,
    show_default=True,
    help="Divides logits; above 1, scores are less sure.",
)
@click.option(
    "--smooth",
    type=parameters.SECONDS,
    default=0.0,
    metavar="SECONDS",
    help="Average scores over about so long. [default: not]",
)
@click.option("--allow", multiple=True, metavar="LABEL", help="Report this label, and not others.")
@click.option("--deny", multiple=True, metavar="LABEL", help="Do not report this label.")
@click.option("--events", is_flag=True, help="Print what was seen from when to when.")
@click.option(
    "--enter",
    type=parameters.SCORE,
    default=_DEFAULT_EVENTS.enter,
    show_default=True,
    help="Score at which an event begins.",
)
@click.option(
    "--leave",
    type=parameters.SCORE,
    default=_DEFAULT_EVENTS.leave,
    show_default=True,
    help="Score below which it ends.",
)
@click.option(
    "--shortest",
    type=parameters.SECONDS,
    default=_DEFAULT_EVENTS.least_s,
    show_default=True,
    metavar="SECONDS",
    help="Shorter events are left out.",
)
@click.option("--reset-on-cut", is_flag=True, help="Forget all at a cut to another scene.")
@click.option(
    "--reset-after-gap",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="Forget all when no frame came for so long. [default: never]",
)
@click.option(
    "--reset-every",
    type=parameters.SOME_SECONDS,
    metavar="SECONDS",
    help="Forget all every so often. [default: never]",
)
@click.option("--save-state", type=parameters.PATH, help="Write the stream's memory at the end.")
@click.option("--resume", type=parameters.PATH, help="Go on with a memory that was written.")
@click.option("--out", type=parameters.PATH, help="Write a video with the answers drawn on.")
@click.option("--plot", type=parameters.PATH, help="Write scores over time as a PNG.")
@click.option("--csv", "table", type=parameters.PATH, help="Write a line per frame.")
@click.option("--show", is_flag=True, help="Show frames and answers in a window.")
@click.option("--force", is_flag=True, help="Replace output files that exist.")
@click.option(
    "--output-dir",
    type=parameters.PATH,
    metavar="FOLDER",
    help="Write JSON lines of each video here; finished ones are not run again.",
)
def run(model: Path, sources: tuple[str, ...], **options: Any) -> None:
    """Run MODEL, a .tflite stream model, on each SOURCE one frame at a time.

    A SOURCE is a video file, a folder of image files, a camera (0, /dev/video0, picamera), an
    address (rtsp://…, http://…), or - for raw RGB frames on standard input. Several MODELs, named
    before the sources, answer together. With --output-dir, a SOURCE may be a folder of videos.
    Ctrl+C ends cleanly; signal USR1 resets all streams.
    """
    request = Request(**options)
    models = [model, *(Path(name) for name in sources if name.endswith(_MODEL_SUFFIX))]
    sources = tuple(name for name in sources if not name.endswith(_MODEL_SUFFIX))
    check_request(request, sources)
    tally = _Tally()
    with ExitStack() as stack, _warnings_shown():
        loaded = [stack.enter_context(_loaded(path, request)) for path in models]
        streamed: Streamable = loaded[0]
        if len(loaded) > 1 or request.interleaved:
            streamed = Ensemble(loaded, interleaved=request.interleaved)
        scorer = Scorer(watch_options(request).scores, streamed.labels, streamed.classes)
        if streamed.frames_per_second is None and request.every is None and request.fps is None:
            logger.warning(
                "the model does not say at what frame rate it was trained: every frame is taken;"
                " choose with --fps or --every"
            )
        jobs = None
        if request.output_dir is not None:
            jobs = find_jobs(sources, request.output_dir)
            _run_archive(jobs, streamed, request, tally)
        else:
            _run(sources, streamed, request, tally, scorer)
        if tally.steps:
            _summarise(loaded[0], tally)
        if request.save_state is not None and tally.last is not None and tally.last.snapshot:
            write_snapshot(tally.last.snapshot, request.save_state)
    _finish(tally, 1 if jobs is None and len(sources) == 1 else None)


@dataclass
class _Tally:
    """What has happened, for the end.

    Attributes:
        timings_ms: preprocessing and inference of the last steps.
        latencies_ms: of the last steps on live sources.
    """

    steps: int = 0
    skipped: int = 0
    interrupted: bool = False
    last: Ended | None = None
    failures: list[Ended] = field(default_factory=list)
    timings_ms: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def take(self, item: Item) -> None:
        if isinstance(item, Step):
            self.steps += 1
            self.timings_ms.append((item.result.preprocess_ms, item.result.inference_ms))
            if item.latency_ms is not None:
                self.latencies_ms.append(item.latency_ms)
        elif isinstance(item, Ended):
            self.last = item
            self.skipped += item.skipped
            if item.error is not None:
                self.failures.append(item)


def _loaded(path: Path, request: Request) -> Model:
    return load(
        path,
        threads=request.threads,
        engine=request.engine,
        labels=None if request.labels is None else read_labels(request.labels),
        weight_cache=request.weight_cache,
        arithmetic=request.arithmetic,
        check_arithmetic=request.check_arithmetic,
    )


def _run(
    sources: Sequence[str], model: Streamable, request: Request, tally: _Tally, scorer: Scorer
) -> None:
    resume = None
    if request.resume is not None:
        resume = {sources[0]: read_snapshot(request.resume)}
    title = f"{model.name} on {', '.join(printable(Path(name).name) for name in sources)}"
    with StreamPool(
        model,
        sources,
        watch_options(request),
        workers=request.workers,
        source_options=source_options(request, model),
        resume=resume,
    ) as pool:
        sinks = [_display(request, title, tagged=len(sources) * len(views(request)) > 1)]
        view = views(request)[0]
        if request.table is not None:
            sinks.append(csv_file(request.table, request.top))
        if request.out is not None:
            sinks.append(annotated_video(request.out, request.top, view, events=request.events))
        if request.plot is not None:
            sinks.append(timeline_plot(request.plot, scorer, title))
        if request.show:
            sinks.append(
                window(title, request.top, view, events=request.events, on_close=pool.stop)
            )
        _consume(pool, sinks, tally)


def _run_archive(jobs: Sequence[Job], model: Streamable, request: Request, tally: _Tally) -> None:
    run = {"model": model.fingerprint, **describe(request)}
    unfinished = [job for job in jobs if not is_finished(job, run)]
    if len(unfinished) < len(jobs):
        click.echo(f"{_count(len(jobs) - len(unfinished), 'video')} finished before", err=True)
    if not unfinished:
        return
    with StreamPool(
        model,
        [str(job.video) for job in unfinished],
        watch_options(request),
        workers=request.workers,
        source_options=source_options(request, model),
    ) as pool:
        sinks = [result_files(unfinished, run)]
        if request.table is not None:
            sinks.append(csv_file(request.table, request.top))
        if sys.stderr.isatty():
            sinks.append(progress_bar())
        _consume(pool, sinks, tally)


def _display(request: Request, title: str, *, tagged: bool) -> AbstractContextManager[Sink]:
    """How results are shown: JSON lines, a live table on a terminal, plain lines elsewhere."""
    if request.as_json:
        return nullcontext(json_lines)
    if sys.stdout is not None and sys.stdout.isatty():
        return live_table(title, request.top)
    return nullcontext(plain_lines(steps=not request.events, tagged=tagged))


def _consume(
    pool: StreamPool, sinks: Sequence[AbstractContextManager[Sink]], tally: _Tally
) -> None:
    with ExitStack() as stack:
        entered = [stack.enter_context(sink) for sink in sinks]
        with _signals(pool, tally):
            for item in pool:
                tally.take(item)
                for sink in entered:
                    sink(item)


@contextmanager
def _signals(pool: StreamPool, tally: _Tally) -> Iterator[None]:
    """Interrupts and terminations end the pool; a second one ends the process. USR1 resets."""

    def end(*_: Any) -> None:
        if tally.interrupted:
            raise KeyboardInterrupt
        tally.interrupted = True
        pool.stop()

    wanted = {
        signal.SIGINT: end,
        signal.SIGTERM: end,
        signal.SIGUSR1: lambda *_: pool.reset(),
    }
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"movistream: {record.getMessage()}", err=True)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """What happens to sources goes to stderr."""
    handler = _Handler()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


def _summarise(model: Model, tally: _Tally) -> None:
    preprocess, inference = (
        statistics.median(values) for values in zip(*tally.timings_ms, strict=True)
    )
    text = (
        f"{_count(tally.steps, 'frame')}; per frame, median: preprocess {preprocess:.2f} ms,"
        f" inference {inference:.2f} ms; engine {model.engine}, {_count(model.threads, 'thread')},"
        f" {model.arithmetic}"
    )
    if tally.latencies_ms:
        latency = statistics.median(tally.latencies_ms)
        text += (
            f"; from capture to result {latency:.1f} ms, at most {max(tally.latencies_ms):.1f} ms;"
            f" {_count(tally.skipped, 'frame')} skipped"
        )
    click.echo(text, err=True)


def _finish(tally: _Tally, sources: int | None) -> None:
    """Ends with the exit code that fits; lists what has failed."""
    if tally.failures:
        if sources == 1:
            error = tally.failures[0].error
            assert error is not None
            raise error
        click.echo(f"{_count(len(tally.failures), 'source')} failed:", err=True)
        for failure in tally.failures:
            frames = _count(failure.steps, "frame")
            click.echo(f"  {printable(failure.stream)}, after {frames}: {failure.error}", err=True)
        sys.exit(1)
    if tally.interrupted:
        raise KeyboardInterrupt


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
