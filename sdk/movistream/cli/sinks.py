"""Where ``movistream run`` shows and writes what happens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from movistream.drawing.timeline import Timeline, plot_timeline
from movistream.system.text import printable
from movistream.watch.events import Event, seeing
from movistream.watch.lane import Ended, Item, Started
from movistream.watch.scores import Scorer
from movistream.watch.watcher import Notice, Passed, Seen, Step

Sink = Callable[[Item], None]

_CLASS_WIDTH = 32
_BAR_WIDTH = 24
_REFRESHES_PER_S = 15


def json_lines(item: Item) -> None:
    """Prints one JSON object for everything that happens."""
    if not isinstance(item, Passed):
        click.echo(json.dumps(item.to_dict()))


def plain_lines(*, events: bool, tagged: bool) -> Sink:
    """Prints a line per notice, per step or per event, and the answer to it all at the end.

    Args:
        events: whether events are wanted, and no steps.
        tagged: whether each line begins with its stream.
    """
    unwanted = Step if events else Seen

    def show(item: Item) -> None:
        if not isinstance(item, unwanted):
            line = _line(item, tagged=tagged)
            if line is not None:
                click.echo(line)

    return show


def _line(item: Item, *, tagged: bool) -> str | None:
    """A step, an event, a notice or the answer to it all, in a line; None for anything else."""
    if isinstance(item, Passed):
        return None
    line: str | None
    if isinstance(item, Step):
        entries = ", ".join(f"{entry.label} {entry.score:.3f}" for entry in item.top)
        said = "warming up" if item.result.warming_up else entries
        line = f"frame {item.result.frame:5d}  {item.time_s:8.2f} s  {said}"
    elif isinstance(item, Seen):
        line = _event_line(item.event)
    elif isinstance(item, Notice):
        line = f"{item.time_s:8.2f} s  {item.reason}"
    elif isinstance(item, Ended) and item.complete and item.top:
        said = "mean of all frames" if item.is_mean else "answer"
        line = f"{said}  {', '.join(f'{entry.label} {entry.score:.3f}' for entry in item.top)}"
    else:
        line = None
    return line if line is None or not tagged else f"{printable(item.stream)}  {line}"


def _event_line(event: Event) -> str | None:
    """An event in a line; of a recording, its end alone says all."""
    began = "" if event.started_at is None else f"{event.started_at.astimezone():%H:%M:%S}  "
    if event.phase == "end":
        span = f"{event.start_s:8.2f} s to {event.end_s:8.2f} s"
        return f"{began}{span}  {event.label} {event.peak_score:.3f}"
    return f"{began}{event.start_s:8.2f} s and on  {event.label}" if began else None


@contextmanager
def live_table(
    title: str, rows: int, *, events: bool = False, tagged: bool = False
) -> Iterator[Sink]:
    """A table of the best classes of one stream, or of the best one of each of several.

    Events and notices are printed above it, the answers to whole sources below it.
    """
    console = Console()
    latest: dict[str, Step] = {}
    answers: list[str] = []
    shown_at = 0.0
    progress = _progress(console)
    tasks: dict[str, Any] = {}
    with Live(console=console, auto_refresh=False) as live:

        def refresh() -> None:
            if latest:
                table = Table.grid()
                if len(latest) == 1:
                    (step,) = latest.values()
                    table.add_row(_table_of_one(step, rows, title, console.width))
                else:
                    table.add_row(_table_of_many(list(latest.values()), title, console.width))
                if tasks:
                    table.add_row(progress)
                live.update(table, refresh=True)

        def show(item: Item) -> None:
            nonlocal shown_at
            _follow(progress, tasks, item)
            if isinstance(item, Step):
                latest[item.stream] = item
                if time.monotonic() - shown_at >= 1 / _REFRESHES_PER_S:
                    shown_at = time.monotonic()
                    refresh()
            elif isinstance(item, Seen) and not events:
                return
            elif (line := _line(item, tagged=tagged)) is not None:
                if isinstance(item, Ended):
                    answers.append(line)
                else:
                    console.print(line, markup=False, highlight=False)

        yield show
        refresh()
    for line in answers:
        console.print(line, markup=False, highlight=False)


@contextmanager
def progress_bar() -> Iterator[Sink]:
    """A bar per recording on stderr, with frames per second."""
    tasks: dict[str, Any] = {}
    with _progress(Console(stderr=True)) as progress:
        yield lambda item: _follow(progress, tasks, item)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _follow(progress: Progress, tasks: dict[str, Any], item: Item) -> None:
    """Keeps a bar per recording of known length."""
    if isinstance(item, Started) and not item.live and item.seconds is not None:
        name = printable(Path(item.stream).name)
        tasks[item.stream] = progress.add_task(name, total=item.seconds, facts="")
        progress.tasks[-1].fields["steps"] = 0
    elif isinstance(item, Step) and item.stream in tasks:
        task = progress.tasks[progress.task_ids.index(tasks[item.stream])]
        task.fields["steps"] += 1
        rate = task.fields["steps"] / max(1e-3, task.elapsed or 0.0)
        facts = f"{item.frame.time_s:.0f} of {task.total:.0f} s, {rate:.0f} frames/s"
        progress.update(task.id, completed=item.frame.time_s, facts=facts)
    elif isinstance(item, Ended) and item.stream in tasks:
        progress.remove_task(tasks.pop(item.stream))


def _table_of_one(step: Step, rows: int, title: str, width: int) -> Table:
    """As wide as the terminal allows; the bars go first where there is no room."""
    caption = Text(f"frame {step.result.frame}, {step.time_s:.2f} s: {timing(step)}")
    if step.going_on:
        caption.append(f"\n{printable(seeing(step.going_on))}", "green")
    table = Table(title=Text(title, overflow="ellipsis", no_wrap=True), caption=caption)
    table.add_column("class", width=min(_CLASS_WIDTH, width - 16), no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    bar_width = min(_BAR_WIDTH, width - _CLASS_WIDTH - 16)
    if bar_width > 0:
        table.add_column("", width=bar_width)
    for entry in step.top[:rows]:
        cells = [Text(entry.label, overflow="ellipsis"), Text(f"{entry.score:.3f}")]
        if bar_width > 0:
            cells.append(Text("█" * round(entry.score * bar_width)))
        table.add_row(*cells)
    return table


def _table_of_many(steps: Sequence[Step], title: str, width: int) -> Table:
    table = Table(title=Text(title, overflow="ellipsis", no_wrap=True), width=min(width, 120))
    table.add_column("source", no_wrap=True, ratio=2)
    table.add_column("time, s", justify="right", no_wrap=True)
    table.add_column("class", no_wrap=True, ratio=1)
    table.add_column("score", justify="right", no_wrap=True)
    for step in steps:
        best = step.top[0]
        table.add_row(
            Text(printable(step.stream), overflow="ellipsis"),
            f"{step.time_s:.1f}",
            Text(best.label, overflow="ellipsis"),
            f"{best.score:.3f}",
        )
    return table


def timing(step: Step) -> str:
    """How long a step took, for people."""
    result = step.result
    status = f"preprocess {result.preprocess_ms:.2f} ms, inference {result.inference_ms:.2f} ms"
    if result.warming_up:
        status = f"warming up, {status}"
    if step.latency_ms is not None:
        status += f", latency {step.latency_ms:.0f} ms, {step.skipped} skipped"
    return status


@contextmanager
def timeline_plot(path: Path, scorer: Scorer, title: str) -> Iterator[Sink]:
    """Plots scores over time at the end."""
    timeline = Timeline()

    def note(item: Item) -> None:
        if isinstance(item, Step):
            timeline.add(item)
        elif isinstance(item, Seen) and item.event.phase == "end":
            timeline.events.append(item.event)
        elif isinstance(item, Notice) and item.kind == "reset":
            timeline.resets_s.append(item.time_s)

    yield note
    if timeline.scores:
        plot_timeline(timeline, scorer.names, scorer.reported, title, path)
