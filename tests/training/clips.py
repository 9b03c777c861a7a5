"""Small data sets of camera motion, for tests of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from movistream.demo.motion import Segment, Shake, camera_path
from movistream_training.footage.scene import Backdrop, Optics, Scene, render
from movistream_training.footage.textures import dead_leaves
from movistream_training.footage.video_file import write_video

SIZE = 96
FRAMES_PER_SECOND = 10


def render_motion(label: str, count: int, seed: int, speed: float = 0.3) -> list[np.ndarray]:
    """Frames of one motion before a texture, uint8 RGB."""
    generator = np.random.default_rng(seed)
    path = camera_path([Segment(label, 10.0, speed)], Shake(), generator)
    backdrop = Backdrop((dead_leaves(generator),), 200.0, (320.0, 320.0))
    scene = Scene(backdrop, (), Optics(SIZE))
    return [render(scene, path, 1 + i / FRAMES_PER_SECOND, generator) for i in range(count)]


def write_data(folder: Path, labels: Sequence[str], each: int, count: int = 8) -> Path:
    """A folder of videos per class."""
    for label in labels:
        (folder / label).mkdir(parents=True)
        for number in range(each):
            frames = render_motion(label, count, seed=100 * labels.index(label) + number)
            write_video(folder / label / f"{number}.mp4", iter(frames), FRAMES_PER_SECOND)
    return folder
