"""``movistream demo``: the camera-motion model at work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from movistream.cli import parameters
from movistream.cli.options import check_new_output
from movistream.cli.sinks import live_table
from movistream.demo import timeline as timelines
from movistream.demo.clip import demo_path, write_clip
from movistream.demo.motion import LABELS, CameraPath
from movistream.drawing.annotate import pillow_image
from movistream.errors import LabelsError, MissingExtraError
from movistream.sources import open_source
from movistream.sources.container import pyav
from movistream.system.output import make_output_folder
from movistream.watch.lane import Ended
from movistream.watch.model import Model, load
from movistream.watch.pool import StreamPool
from movistream.watch.watcher import WatchOptions

_LINE_WIDTH = 100
_CLASSES_SHOWN = 3

_FILES = ("clip.mp4", "annotated.mp4", "timeline.csv", "timeline.png")


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=parameters.PATH,
    default=Path("movistream-demo"),
    show_default=True,
    help="Folder for the clip, and for what the model makes of it.",
)
@click.option(
    "--camera",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Watch a camera instead of the clip, until interrupted.",
)
@click.option(
    "--model",
    type=parameters.MODEL,
    default="camera-motion",
    show_default=True,
    help="Another file of the same classes.",
)
@click.option("--force", is_flag=True, help="Replace files of these names in the folder.")
def demo(output: Path, camera: int | None, model: Path, force: bool) -> None:
    """Let the camera-motion model that comes with movistream watch a clip.

    It tells what a camera does: static, pan, tilt, zoom or roll. The clip is rendered here from a
    photograph, so that the truth is known. It needs the extra [video], and [plot] for a picture of
    the answers over time.
    """
    pyav(), pillow_image()
    if camera is not None:
        _watch_camera(model, camera)
        return
    with _loaded(model) as loaded:
        make_output_folder(output)
        for name in _FILES:
            check_new_output(output / name, force=force)
        _watch_clip(loaded, output)


def _loaded(path: Path) -> Model:
    model = load(path)
    if model.labels != LABELS:
        model.close()
        raise LabelsError(f"{path} does not tell the classes of camera motion apart")
    return model


def _watch_clip(model: Model, output: Path) -> None:
    clip, annotated, table, plot = (output / name for name in _FILES)
    path = demo_path()
    with _progress("rendering a clip from a photograph", path) as show:
        write_clip(path, clip, show)
    start = time.perf_counter()
    timeline = timelines.watch_clip(model, clip, path)
    seconds = time.perf_counter() - start
    _print_timeline(timeline)
    right = timelines.share_right(timeline)
    click.echo(
        f"{right:.1%} of the frames after {timelines.WARM_UP_S:g} s are right;"
        f" {len(timeline)} frames in {seconds:.1f} s, decoding included"
    )
    timelines.write_table(timeline, table)
    with _progress("drawing the answers under the clip", path) as show:
        timelines.write_annotated(clip, timeline, annotated, show)
    try:
        timelines.plot(timeline, plot)
    except MissingExtraError as error:
        click.echo(f"wrote {annotated}, {table}; no picture of the timeline: {error}")
    else:
        click.echo(f"wrote {annotated}, {plot}, {table}")


@contextmanager
def _progress(what: str, path: CameraPath) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, a line elsewhere."""
    console = Console()
    if not console.is_terminal:
        click.echo(f"{what} …")
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=path.ends_s[-1])
        yield lambda time_s: bar.update(task, completed=time_s)


def _print_timeline(timeline: Sequence[timelines.TimelineFrame]) -> None:
    symbols = timelines.SYMBOLS
    console = Console(highlight=False, soft_wrap=True)
    legend = "  ".join(f"{symbol} {label}" for label, symbol in symbols.items())
    console.print(legend)
    for first in range(0, len(timeline), _LINE_WIDTH):
        part = timeline[first : first + _LINE_WIDTH]
        console.print(
            f"\n{part[0].time_s:5.1f} s  truth  {''.join(symbols[f.truth] for f in part)}"
        )
        line = Text("         model  ")
        for frame in part:
            line.append(symbols[frame.answer], "green" if frame.answer == frame.truth else "red")
        console.print(line)
    console.print()


def _watch_camera(path: Path, number: int) -> None:
    """Opens the camera before anything else, since it is what may be missing."""
    with open_source(str(number)) as source, _loaded(path) as model:
        click.echo("watching; end with Ctrl+C")
        options = WatchOptions(top=_CLASSES_SHOWN)
        with (
            StreamPool(model, [source], options) as pool,
            live_table(f"camera {number}", _CLASSES_SHOWN) as show,
        ):
            for item in pool:
                show(item)
                if isinstance(item, Ended) and item.error is not None:
                    raise item.error
