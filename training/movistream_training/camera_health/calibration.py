"""Videos that the int8 file of the model takes its ranges from: every fault, before textures.

python -m movistream_training.camera_health.calibration FOLDER
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from movistream.demo.health import LABELS
from movistream_training.camera_health.sampling import (
    FRAMES_PER_SECOND,
    HealthClip,
    random_clips,
)
from movistream_training.footage.collection import Footage
from movistream_training.footage.textures import dead_leaves
from movistream_training.footage.video_file import write_video

_LEAST_SCENES = 3
_TEXTURES = 6
_FRAMES = 24
_SIZE = 96


def calibration_scenes(seed: int = 7) -> Iterator[list[HealthClip]]:
    """Clips of one random scene after another, until everything has gone wrong that can."""
    generator = np.random.default_rng(seed)
    footage = Footage([dead_leaves(generator) for _ in range(_TEXTURES)])
    happened, scenes = np.zeros(len(LABELS), np.bool_), 0
    while scenes < _LEAST_SCENES or not happened.all():
        clips = random_clips(footage, _FRAMES, _SIZE, generator)
        scenes += 1
        happened |= np.any([clip.targets.any(axis=0) for clip in clips], axis=0)
        yield clips


def write_calibration_videos(folder: Path) -> tuple[Path, ...]:
    """Writes a video per scene, of its clips one after another."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, clips in enumerate(calibration_scenes()):
        path = folder / f"calibration-{number}.mp4"
        write_video(path, (frame for clip in clips for frame in clip.frames), FRAMES_PER_SECOND)
        paths.append(path)
    return tuple(paths)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Write the videos that the int8 file of the camera-health model is calibrated on to FOLDER."""
    for path in write_calibration_videos(folder):
        click.echo(f"wrote {path}")


if __name__ == "__main__":
    main()
