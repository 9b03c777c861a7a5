"""Renders clips of known camera motion before photographs and fixed-camera videos, as video files.

    python -m movistream_training.camera_motion.held_out DATA PICTURE_OR_VIDEO …

DATA becomes a folder per class, as ``movistream evaluate`` takes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np

from movistream.demo.motion import (
    LABELS,
    STATIC,
    CameraPath,
    Segment,
    Shake,
    camera_path,
)
from movistream.sources import VideoFile
from movistream_training.errors import TrainingError
from movistream_training.footage.scene import Backdrop, Optics, Picture, Scene, render
from movistream_training.footage.sources import is_video, read_picture, read_video
from movistream_training.footage.video_file import write_video

SECONDS = 3.0
SLOWEST, FASTEST = 0.06, 0.28
"""Widths per second: at the highest speed a frame passes over most of a picture."""

_FRAMES_PER_SECOND = 30
_SIZE = 192


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--each",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Clips of each motion before each source.",
)
@click.option("--seed", type=int, default=1, show_default=True)
def main(data: Path, sources: tuple[Path, ...], each: int, seed: int) -> None:
    """Render clips of every motion before SOURCES, pictures or fixed-camera videos, to DATA."""
    if data.exists() and any(data.iterdir()):
        raise click.ClickException(f"{data} is not empty")
    for number, source in enumerate(sources):
        try:
            for name, label, frames in held_out_clips(source, each, [seed, number]):
                folder = data / label
                folder.mkdir(parents=True, exist_ok=True)
                write_video(folder / f"{name}.mp4", frames, _FRAMES_PER_SECOND)
        except TrainingError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{source}: {each * len(LABELS)} clips")


def held_out_clips(
    source: Path, each: int, seed: Sequence[int]
) -> Iterator[tuple[str, str, Iterator[Picture]]]:
    """(name, label, frames) of clips before one picture or video."""
    pictures, rate = _pictures(source)
    height, width = pictures[0].shape[:2]
    for number in range(each):
        for label in LABELS:
            generator = np.random.default_rng([*seed, number, LABELS.index(label)])
            speed = math.exp(generator.uniform(math.log(SLOWEST), math.log(FASTEST)))
            x, y, zoom, angle = map(float, generator.uniform(-0.15, 0.15, 4))
            segment = Segment(
                label, SECONDS, 0.0 if label == STATIC else speed, (x, y, zoom, angle)
            )
            shake = Shake(generator.uniform(0.0, 0.02))
            path = _centred(camera_path([segment], shake, generator))
            pixels = min(height, width) * generator.uniform(0.5, 0.65)
            backdrop = Backdrop(pictures, pixels, (width / 2, height / 2), rate)
            optics = Optics(_SIZE, shutter_s=0.01, exposures=2, noise=generator.uniform(0, 5))
            frames = _frames(Scene(backdrop, (), optics), path, generator)
            yield f"{source.stem}-{number}", label, frames


def _pictures(source: Path) -> tuple[Sequence[Picture], float]:
    """The picture or the frames of a source, and how many of them a second has."""
    if not is_video(source):
        return (read_picture(source),), 1.0
    with VideoFile(source) as video:
        rate = video.frames_per_second or _FRAMES_PER_SECOND
    return read_video(source), rate


def _centred(path: CameraPath) -> CameraPath:
    """The path, moved so that its middle looks at the middle of the picture."""
    middle = path.pose(SECONDS / 2)
    return CameraPath(path.times_s, path.poses - middle, path.ends_s, path.labels)


def _frames(scene: Scene, path: CameraPath, generator: np.random.Generator) -> Iterator[Picture]:
    for index in range(round(SECONDS * _FRAMES_PER_SECOND)):
        yield render(scene, path, index / _FRAMES_PER_SECOND, generator)


if __name__ == "__main__":
    main()
