"""``movistream demo``: the models in the box at work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from movistream.cli import parameters
from movistream.cli.sinks import live_table
from movistream.demo.exhibit import Exhibit, check_outputs, show
from movistream.demo.exhibits import exhibits
from movistream.drawing.annotate import pillow_image
from movistream.errors import LabelsError
from movistream.sources import open_source
from movistream.sources.container import pyav
from movistream.watch.lane import Ended
from movistream.watch.model import Model, load
from movistream.watch.pool import StreamPool


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=parameters.PATH,
    help="Folder for the clip, and for what the model makes of it. [default: movistream-demo, or"
    " movistream-demo-health]",
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
    help="camera-motion, camera-health, or a file of the classes of one of them.",
)
@click.option("--force", is_flag=True, help="Replace files of these names in the folder.")
def demo(output: Path | None, camera: int | None, model: Path, force: bool) -> None:
    """Let a model watch a clip whose truth is known.

    The clip is rendered here from a photograph. camera-motion tells what a camera does: static,
    pan, tilt, zoom or roll. camera-health tells what is wrong with a camera that should stand
    still: covered, out of focus, moved, frozen, flicker, too dark, glare, noise, scene cut; each
    happens once. Both come with movistream. It needs the extra [video], and [plot] for a
    picture of the answers over time.
    """
    pyav(), pillow_image()
    if camera is not None:
        _watch_camera(model, camera)
        return
    loaded, exhibit = _loaded(model)
    with loaded:
        folder = exhibit.folder if output is None else output
        check_outputs(folder, force=force)
        show(exhibit, loaded, folder)


def _loaded(path: Path) -> tuple[Model, Exhibit[Any]]:
    """A model, and what is shown of it, which its labels decide."""
    model = load(path)
    known = exhibits()
    for exhibit in known:
        if model.labels == exhibit.labels:
            return model, exhibit
    model.close()
    raise LabelsError(
        f"{path} has other classes than those of {' or '.join(e.subject for e in known)}, which"
        " the demo has clips for"
    )


def _watch_camera(path: Path, number: int) -> None:
    """Opens the camera before anything else, since it is what may be missing."""
    with open_source(str(number)) as source:
        model, exhibit = _loaded(path)
        with model:
            click.echo("watching; end with Ctrl+C")
            options, events = exhibit.live, exhibit.live.events is not None
            with (
                StreamPool(model, [source], options) as pool,
                live_table(f"camera {number}", options.top, events=events) as show_item,
            ):
                for item in pool:
                    show_item(item)
                    if isinstance(item, Ended) and item.error is not None:
                        raise item.error
