"""Videos that hold exactly the frames that they were written from."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def write_lossless(frames: np.ndarray, path: Path, rate: int = 10) -> Path:
    """Frames uint8 (number, height, width, 3), RGB; the path ends in .mkv."""
    with av.open(path, "w") as file:
        stream = file.add_stream("ffv1", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "bgr0"
        for frame in np.ascontiguousarray(frames):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return path
