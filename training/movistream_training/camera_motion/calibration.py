"""Videos that the int8 file of the model takes its ranges from: every motion, before textures.

python -m movistream_training.camera_motion.calibration FOLDER
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from movistream.demo.motion import LABELS
from movistream_training.camera_motion.sampling import FRAMES_PER_SECOND, random_clips
from movistream_training.footage.collection import Footage
from movistream_training.footage.textures import dead_leaves
from movistream_training.footage.video_file import write_video

_SCENES = 3
_FRAMES = 12
_SIZE = 96


def write_calibration_videos(folder: Path, seed: int = 7) -> tuple[Path, ...]:
    """Writes a video per scene, in which the camera moves in all nine ways, one after another."""
    generator = np.random.default_rng(seed)
    footage = Footage([dead_leaves(generator) for _ in range(2 * _SCENES)])
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(_SCENES):
        clips = random_clips(footage, _FRAMES, _SIZE, generator)
        assert len(clips) == len(LABELS)
        path = folder / f"calibration-{number}.mp4"
        write_video(path, (frame for clip in clips for frame in clip.frames), FRAMES_PER_SECOND)
        paths.append(path)
    return tuple(paths)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Write the videos that the int8 file of the camera-motion model is calibrated on to FOLDER."""
    for path in write_calibration_videos(folder):
        click.echo(f"wrote {path}")


if __name__ == "__main__":
    main()
