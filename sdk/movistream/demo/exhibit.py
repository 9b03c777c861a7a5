"""What the demo shows of a model: a clip whose truth is known, and what the model says to it."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from movistream.cli.options import check_new_output
from movistream.demo.clip import write_clip
from movistream.drawing.video_writer import open_video_writer
from movistream.errors import MissingExtraError
from movistream.sources.frame import Picture, VideoFrame
from movistream.sources.video_file import VideoFile
from movistream.system.output import make_output_folder, replaced_when_done
from movistream.watch.model import Model
from movistream.watch.watcher import WatchOptions

Timeline = TypeVar("Timeline")

_FILES = ("clip.mp4", "annotated.mp4", "timeline.csv", "timeline.png")


@dataclass(frozen=True)
class Exhibit(Generic[Timeline]):
    """What is shown of a model, and how.

    Attributes:
        subject: what the model's classes are about.
        labels: of the model, in order.
        folder: where files go unless a user says it.
        seconds: how long the clip is.
        frames: renders the clip, uint8 RGB, 20 frames per second.
        watch: lets the model watch the written clip; gives truth and answers over time.
        report: prints these; it is told how many seconds watching took.
        rows: of a table of these, the first its header.
        captioned: a frame of the clip with truth and answers under it.
        plot: draws truth and answers over time to a file.
        live: how a camera is watched; as many classes are shown as it names.
    """

    subject: str
    labels: tuple[str, ...]
    folder: Path
    seconds: float
    frames: Callable[[], Iterable[Picture]]
    watch: Callable[[Model, Path], Timeline]
    report: Callable[[Timeline, float], None]
    rows: Callable[[Timeline], Iterable[Sequence[str]]]
    captioned: Callable[[Timeline, VideoFrame], Picture]
    plot: Callable[[Timeline, Path], None]
    live: WatchOptions


def check_outputs(folder: Path, *, force: bool) -> None:
    """Makes the folder, and refuses files that are there already, unless by force.

    Raises:
        OutputError: if so, or if nothing can be written there.
    """
    make_output_folder(folder)
    for name in _FILES:
        check_new_output(folder / name, force=force)


def show(exhibit: Exhibit[Timeline], model: Model, folder: Path) -> None:
    """Renders the clip, lets the model watch it, prints and writes what it says.

    Raises:
        OutputError: if a file cannot be written.
        MissingExtraError: if the packages that videos need are not installed.
    """
    clip, annotated, table, plot = (folder / name for name in _FILES)
    with _progress("rendering a clip from a photograph", exhibit.seconds) as progress:
        write_clip(exhibit.frames(), clip, progress)
    start = time.perf_counter()
    timeline = exhibit.watch(model, clip)
    exhibit.report(timeline, time.perf_counter() - start)
    _write_table(exhibit.rows(timeline), table)
    with (
        _progress("drawing the answers under the clip", exhibit.seconds) as progress,
        open_video_writer(annotated) as writer,
        VideoFile(clip) as video,
    ):
        for frame in video:
            writer.write(exhibit.captioned(timeline, frame), frame.time_s)
            progress(frame.time_s)
    try:
        exhibit.plot(timeline, plot)
    except MissingExtraError as error:
        click.echo(f"wrote {annotated}, {table}; no picture of the timeline: {error}")
    else:
        click.echo(f"wrote {annotated}, {plot}, {table}")


@contextmanager
def _progress(what: str, seconds: float) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, a line elsewhere; takes the time in the clip that is reached."""
    console = Console()
    if not console.is_terminal:
        click.echo(f"{what} …")
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=seconds)
        yield lambda time_s: bar.update(task, completed=time_s)


def _write_table(rows: Iterable[Sequence[str]], output: Path) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with replaced_when_done(output) as part:
        part.write_text(text.getvalue(), encoding="utf-8")
