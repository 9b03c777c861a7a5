"""Frames to video files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from movistream_training.errors import TrainingError
from movistream_training.footage.scene import Picture


def write_video(path: Path, frames: Iterator[Picture], frames_per_second: float) -> None:
    """Writes frames, uint8 RGB of one size, as an .mp4 file.

    Raises:
        TrainingError: if it cannot be written.
    """
    first = next(frames)
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    size = first.shape[1], first.shape[0]
    writer = cv2.VideoWriter(str(path), codec, frames_per_second, size)
    if not writer.isOpened():
        raise TrainingError(f"cannot write the video {path}")
    writer.write(np.ascontiguousarray(first[..., ::-1]))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
