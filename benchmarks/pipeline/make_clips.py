"""Writes one clip as cameras of three sizes and codecs would record it: 30 frames per second.

python benchmarks/pipeline/make_clips.py FOLDER

The scene is that of ``movistream demo``, made larger, with the noise of a small sensor.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import click
import numpy as np

from movistream.demo.motion_clip import demo_path, frames

FRAMES_PER_SECOND, SECONDS = 30, 12
SIZES = {"480p": (848, 480), "720p": (1280, 720), "1080p": (1920, 1080)}
CODECS = {
    "h264": ("libx264", "yuv420p", ".mp4", {"preset": "medium", "crf": "21"}),
    "hevc": ("libx265", "yuv420p", ".mp4", {"preset": "fast", "x265-params": "log-level=none"}),
    "mjpeg": ("mjpeg", "yuvj420p", ".avi", {"qmin": "4", "qmax": "4"}),
}
_NOISE = 3.0
_SHIFTS = 64


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Write the clips to FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        files = [_Clip(folder / f"{size}-{name}", name, width, height) for name in CODECS]
        generator = np.random.default_rng(0)
        sides = height + _SHIFTS, width + _SHIFTS
        noise = generator.normal(0, _NOISE, sides).astype(np.int16)
        for picture in islice(frames(demo_path()), FRAMES_PER_SECOND * SECONDS):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            large = frame.reformat(width, height, "yuv420p", interpolation="BICUBIC").to_ndarray()
            down, across = generator.integers(0, _SHIFTS, 2)
            luma = large[:height] + noise[down : down + height, across : across + width]
            large[:height] = luma.clip(16, 235)
            for file in files:
                file.write(large)
        for file in files:
            file.close()
            click.echo(f"wrote {file.path}: {file.path.stat().st_size / 1e6:.1f} MB")


class _Clip:
    def __init__(self, path: Path, name: str, width: int, height: int) -> None:
        codec, self._format, suffix, options = CODECS[name]
        self.path = path.with_suffix(suffix)
        self._file: Any = av.open(str(self.path), "w")
        self._stream = self._file.add_stream(codec, rate=FRAMES_PER_SECOND, options=options)
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = self._format
        self._count = 0

    def write(self, planes: Any) -> None:
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p").reformat(format=self._format)
        frame.pts, frame.time_base = self._count, Fraction(1, FRAMES_PER_SECOND)
        self._count += 1
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._file.mux(self._stream.encode())
        self._file.close()


if __name__ == "__main__":
    main()
