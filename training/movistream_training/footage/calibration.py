"""Videos that the int8 file of a model in the box takes its ranges from, of textures alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from movistream_training.footage.clip import Clip
from movistream_training.footage.collection import Footage
from movistream_training.footage.curriculum import Curriculum
from movistream_training.footage.textures import dead_leaves
from movistream_training.footage.video_file import write_video

_SEED = 7
_LEAST_SCENES = 3
_TEXTURES = 6
_MORE_FRAMES = 2
"""Than clips have in training."""

_SIZE = 96


def calibration_scenes(curriculum: Curriculum) -> Iterator[list[Clip]]:
    """Clips of one random scene after another, until every class was there."""
    generator = np.random.default_rng(_SEED)
    footage = Footage([dead_leaves(generator) for _ in range(_TEXTURES)])
    shown, scenes = np.zeros(len(curriculum.labels), np.bool_), 0
    frames = curriculum.frames_per_clip + _MORE_FRAMES
    while scenes < _LEAST_SCENES or not shown.all():
        clips = curriculum.clips_of_scene(footage, frames, _SIZE, generator, 1.0)
        scenes += 1
        for clip in clips:
            shown |= classes_in(clip, len(shown))
        yield clips


def classes_in(clip: Clip, classes: int) -> npt.NDArray[np.bool_]:
    """Which of the classes are true of some frame of a clip, bool (classes,)."""
    if clip.targets.ndim == 1:
        return np.isin(np.arange(classes), clip.targets)
    return np.asarray(clip.targets.any(axis=0))


def write_calibration_videos(curriculum: Curriculum, folder: Path) -> tuple[Path, ...]:
    """Writes a video per scene, of its clips one after another."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, clips in enumerate(calibration_scenes(curriculum)):
        path = folder / f"calibration-{number}.mp4"
        frames = (frame for clip in clips for frame in clip.frames)
        write_video(path, frames, curriculum.frames_per_second)
        paths.append(path)
    return tuple(paths)


def calibration_command(curriculum: Curriculum) -> click.Command:
    """The command line that writes them."""

    @click.command(
        help=f"Write the videos that a {curriculum.name} model in int8 is calibrated on to FOLDER."
    )
    @click.argument("folder", type=click.Path(path_type=Path))
    def main(folder: Path) -> None:
        for path in write_calibration_videos(curriculum, folder):
            click.echo(f"wrote {path}")

    return main
