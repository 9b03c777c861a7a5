"""``movistream demo``: the camera-motion model, converted and at work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

import movistream
from movistream.cli.sinks import live_table
from movistream.watch.lane import Ended
from movistream.watch.pool import StreamPool
from movistream.watch.watcher import WatchOptions
from movistream_converters.tensorflow_import import import_tensorflow

if TYPE_CHECKING:
    from movistream.stream.model import Model
    from movistream_training.camera_motion.demo import TimelineFrame

_LINE_WIDTH = 100
_CLASSES_SHOWN = 3


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("movistream-demo"),
    show_default=True,
    help="Folder for the model and what it makes of the clip.",
)
@click.option(
    "--camera",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Watch a camera instead of the clip, until interrupted.",
)
def demo(output: Path, camera: int | None) -> None:
    """Convert the camera-motion model that comes with movistream to int8, and let it watch.

    It tells what a camera does: static, pan, tilt, zoom or roll. By default it watches a clip that
    is rendered here from a photograph, so that the truth is known.
    """
    output.mkdir(parents=True, exist_ok=True)
    model_path = output / "camera-motion.int8.tflite"
    _convert(model_path)
    with movistream.load(model_path) as model:
        if camera is None:
            _watch_clip(model, output)
        else:
            _watch_camera(model, camera)


def _convert(path: Path) -> None:
    click.echo("converting the weights to int8 …")
    start = time.perf_counter()
    import_tensorflow()
    from movistream_converters.conversion import convert_source
    from movistream_converters.formats import safetensors_file
    from movistream_converters.tflite.precision import Precision
    from movistream_training.camera_motion.assets import WEIGHTS
    from movistream_training.camera_motion.calibration import write_calibration_videos

    videos = write_calibration_videos(path.parent / "calibration")
    source = safetensors_file.read(WEIGHTS)
    conversion = convert_source(source, path, precision=Precision.INT8, calibration_videos=videos)
    seconds = time.perf_counter() - start
    click.echo(f"wrote {path}, {conversion.size_bytes / 1e6:.2f} MB, in {seconds:.0f} s")


def _watch_clip(model: Model, output: Path) -> None:
    from movistream_training.camera_motion import demo as camera_motion_demo

    clip, annotated = output / "clip.mp4", output / "annotated.mp4"
    table, plot = output / "timeline.csv", output / "timeline.png"
    path = camera_motion_demo.demo_path()
    click.echo("rendering a clip from a photograph …")
    camera_motion_demo.render_clip(path, clip)
    start = time.perf_counter()
    timeline = camera_motion_demo.run_demo(model, clip, path)
    seconds = time.perf_counter() - start
    _print_timeline(timeline, camera_motion_demo.SYMBOLS)
    right = camera_motion_demo.share_right(timeline)
    click.echo(
        f"{right:.1%} of the frames after {camera_motion_demo.WARM_UP_S:g} s are right;"
        f" {len(timeline)} frames in {seconds:.1f} s, decoding included"
    )
    camera_motion_demo.write_timeline(timeline, table)
    camera_motion_demo.plot_timeline(timeline, plot)
    camera_motion_demo.annotate_clip(clip, timeline, annotated)
    click.echo(f"wrote {annotated}, {plot}, {table}")


def _print_timeline(timeline: Sequence[TimelineFrame], symbols: dict[str, str]) -> None:
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


def _watch_camera(model: Model, number: int) -> None:
    click.echo("watching; end with Ctrl+C")
    options = WatchOptions(top=_CLASSES_SHOWN)
    with (
        StreamPool(model, [str(number)], options) as pool,
        live_table(f"camera {number}", _CLASSES_SHOWN) as show,
    ):
        for item in pool:
            show(item)
            if isinstance(item, Ended) and item.error is not None:
                raise item.error
