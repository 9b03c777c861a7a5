"""Runs what ``movistream run`` was asked for."""

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

from movistream.cli.archive import (
    Job,
    check_results,
    fill_from_results,
    find_jobs,
    is_finished,
    result_files,
)
from movistream.cli.pictures import annotated_video, window
from movistream.cli.requests import load_models, rate_notes
from movistream.cli.run_options import (
    Request,
    finds_events,
    run_key,
    source_options,
    table_run,
    views,
    watch_options,
)
from movistream.cli.sinks import (
    Sink,
    json_lines,
    live_table,
    plain_lines,
    progress_bar,
    timeline_plot,
)
from movistream.cli.tables import Table, clip_table, filled, frame_table, parquet_table
from movistream.errors import MovistreamError, OutputError, VideoError
from movistream.sources.address import short_name
from movistream.sources.frame import logger
from movistream.stream.ensemble import Streamable
from movistream.stream.model import Model
from movistream.stream.snapshot_file import read_snapshot, write_snapshot
from movistream.system.text import printable
from movistream.watch.lane import Ended, Item, Started
from movistream.watch.pool import StreamPool, stream_names
from movistream.watch.scores import Scorer, scorer_of
from movistream.watch.watcher import Seen, Step

_KEPT = 100_000


def run_models(models: Sequence[Path], sources: Sequence[str], request: Request) -> None:
    """Runs models on sources, shows and writes what happens, and ends with the exit code that fits.

    Raises:
        MovistreamError: if something cannot be opened, or the only source fails.
        KeyboardInterrupt: if it was interrupted; all is written and summarised then.
    """
    tally = _Tally()
    with ExitStack() as stack, _warnings_shown(), _signals(tally):
        loaded, streamed = load_models(models, request, stack)
        scorer = scorer_of(watch_options(request).scores, streamed)
        for note in rate_notes(loaded, streamed, request):
            logger.warning("%s", note)
        if request.output_dir is not None:
            _run_archive(find_jobs(sources, request.output_dir), streamed, request, tally)
        else:
            _run(sources, streamed, request, tally, scorer)
        if tally.steps:
            _summarise(loaded[0], tally, events=request.events)
        if request.save_state is not None and tally.steps and tally.last and tally.last.snapshot:
            write_snapshot(tally.last.snapshot, request.save_state)
    _finish(tally, alone=request.output_dir is None and len(sources) == 1)


@dataclass
class _Tally:
    """What has happened, for the end.

    Attributes:
        pool: that is running.
        finished_before: videos of an archive that were not run again.
        seconds: that the last source which was opened says to have.
        last: stream that has ended.
        failures: name, steps and error of streams that have failed.
        output_errors: why outputs could not be written.
        timings_ms: preprocessing and inference of the last steps.
        latencies_ms: of the last steps on live sources.
    """

    pool: StreamPool | None = None
    steps: int = 0
    events: int = 0
    skipped: int = 0
    finished_before: int = 0
    interrupted: bool = False
    seconds: float | None = None
    last: Ended | None = None
    failures: list[tuple[str, int, Exception]] = field(default_factory=list)
    output_errors: list[Exception] = field(default_factory=list)
    timings_ms: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def take(self, item: Item) -> None:
        if isinstance(item, Step):
            self.steps += 1
            self.timings_ms.append((item.result.preprocess_ms, item.result.inference_ms))
            if item.latency_ms is not None:
                self.latencies_ms.append(item.latency_ms)
        elif isinstance(item, Seen):
            self.events += item.event.phase == "end"
        elif isinstance(item, Started):
            self.seconds = item.seconds
        elif isinstance(item, Ended):
            self.last = item
            self.skipped += item.skipped
            if item.error is not None:
                self.failures.append((item.stream, item.steps, item.error))


def _run(
    sources: Sequence[str], model: Streamable, request: Request, tally: _Tally, scorer: Scorer
) -> None:
    resume = None
    if request.resume is not None:
        resume = {stream_names(sources)[0]: read_snapshot(request.resume, model)}
    names = [printable(short_name(name)) for name in sources]
    title = f"{model.name} on {', '.join(names)}"
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
        sinks += [_filled(table) for table in _tables(request)]
        if request.parquet is not None:
            sinks.append(parquet_table(request.parquet, table_run(request, model)))
        if request.output is not None:
            sinks.append(annotated_video(request.output, request.top, view, events=request.events))
        if request.plot is not None:
            sinks.append(timeline_plot(request.plot, scorer, title))
        if request.show:
            sinks.append(
                window(title, request.top, view, events=request.events, on_close=pool.stop)
            )
        _consume(pool, sinks, tally)


def _run_archive(jobs: Sequence[Job], model: Streamable, request: Request, tally: _Tally) -> None:
    run = run_key(request, model)
    if not request.force:
        check_results(jobs, run)
    unfinished = [job for job in jobs if not is_finished(job, run)]
    tally.finished_before = len(jobs) - len(unfinished)
    if tally.finished_before:
        click.echo(f"{_count(tally.finished_before, 'video')} finished before", err=True)
    if unfinished:
        _run_jobs(unfinished, run, model, request, tally)
    if tally.interrupted or not _tables(request):
        return
    try:
        with ExitStack() as stack:
            tables = [stack.enter_context(table) for table in _tables(request)]
            fill_from_results(tables, jobs, run)
    except OutputError as error:
        tally.output_errors.append(error)


def _run_jobs(
    jobs: Sequence[Job], run: dict[str, Any], model: Streamable, request: Request, tally: _Tally
) -> None:
    with StreamPool(
        model,
        [str(job.video) for job in jobs],
        watch_options(request),
        workers=request.workers,
        source_options=source_options(request, model),
    ) as pool:

        def fail(name: str, error: OutputError) -> None:
            tally.failures.append((name, 0, error))

        sinks = [result_files(jobs, run, fail)]
        if sys.stderr.isatty():
            sinks.append(progress_bar())
        _consume(pool, sinks, tally)


def _tables(request: Request) -> list[AbstractContextManager[Table]]:
    tables: list[AbstractContextManager[Table]] = []
    if request.table is not None:
        tables.append(frame_table(request.table, request.top))
    if request.summary is not None:
        tables.append(clip_table(request.summary, finds_events=finds_events(request)))
    return tables


@contextmanager
def _filled(table: AbstractContextManager[Table]) -> Iterator[Sink]:
    """A table that is filled with what happens."""
    with table as fill:
        yield filled(fill)


def _display(request: Request, title: str, *, tagged: bool) -> AbstractContextManager[Sink]:
    """How results are shown: JSON lines, a live table on a terminal, plain lines elsewhere."""
    if request.as_json:
        return nullcontext(json_lines)
    if sys.stdout is not None and sys.stdout.isatty():
        return live_table(title, request.top, events=request.events, tagged=tagged)
    return nullcontext(plain_lines(events=request.events, tagged=tagged))


def _consume(
    pool: StreamPool, sinks: Sequence[AbstractContextManager[Sink]], tally: _Tally
) -> None:
    """Gives everything to every sink; one that fails leaves the others alone."""
    entered: list[tuple[ExitStack, Sink]] = []
    tally.pool = pool
    try:
        for sink in sinks:
            stack = ExitStack()
            entered.append((stack, stack.enter_context(sink)))
        for item in pool:
            tally.take(item)
            for stack, take in list(entered):
                try:
                    take(item)
                except (OSError, MovistreamError) as error:
                    tally.output_errors.append(error)
                    if (stack, take) == entered[0]:
                        # Nobody looks any more.
                        pool.stop()
                    entered.remove((stack, take))
                    _leave(stack, tally, error)
    except BaseException as error:
        for stack, _ in entered:
            _leave(stack, tally, error)
        raise
    for stack, _ in entered:
        _leave(stack, tally, None)


def _leave(stack: ExitStack, tally: _Tally, error: BaseException | None) -> None:
    """Ends a sink, which may fail once more."""
    try:
        stack.__exit__(
            type(error) if error else None, error, error.__traceback__ if error else None
        )
    except (OSError, MovistreamError) as caught:
        if error is None:
            tally.output_errors.append(caught)
        elif caught is not error and tally.output_errors and tally.output_errors[-1] is error:
            # It has words of its own for what went wrong.
            tally.output_errors[-1] = caught


@contextmanager
def _signals(tally: _Tally) -> Iterator[None]:
    """Interrupts and terminations end the pool; a second one ends the process. USR1 resets."""

    def end(*_: Any) -> None:
        if tally.interrupted or tally.pool is None:
            raise KeyboardInterrupt
        tally.interrupted = True
        tally.pool.stop()

    def reset(*_: Any) -> None:
        if tally.pool is not None:
            tally.pool.reset()

    wanted = {signal.SIGINT: end, signal.SIGTERM: end}
    if hasattr(signal, "SIGUSR1"):
        wanted[signal.SIGUSR1] = reset
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


def _summarise(model: Model, tally: _Tally, *, events: bool) -> None:
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
    if events:
        text += f"; {_count(tally.events, 'event')}"
    click.echo(text, err=True)


def _finish(tally: _Tally, *, alone: bool) -> None:
    """Ends with the exit code that fits; lists what has failed."""
    if tally.failures and not alone:
        click.echo(f"{_count(len(tally.failures), 'source')} failed:", err=True)
        for name, steps, error in tally.failures:
            frames = _count(steps, "frame")
            click.echo(f"  {printable(name)}, after {frames}: {_told(error)}", err=True)
    if tally.output_errors:
        raise tally.output_errors[0]
    if tally.failures:
        if alone:
            raise _told(tally.failures[0][2])
        sys.exit(1)
    if tally.interrupted:
        raise KeyboardInterrupt
    if not tally.steps and not tally.finished_before:
        long = "" if tally.seconds is None else f": it is {tally.seconds:.1f} s long"
        raise VideoError(f"there was no frame to look at between start and end{long}")


def _told(error: Exception) -> Exception:
    """An error that can be told in a line."""
    if isinstance(error, (MovistreamError, OSError)):
        return error
    return VideoError(f"{type(error).__name__}: {error}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
