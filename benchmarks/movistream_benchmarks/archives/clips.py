"""Makes an archive of short clips, some of which are bad, always the same.

python -m movistream_benchmarks.archives.clips FOLDER --count 2000 --bad 40
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import av
import click
import numpy as np
import numpy.typing as npt

from movistream.cli import main as run_command

_RATE = 10
_FOLDER_CLIPS = 100
"""Of each folder, as archives have many."""
_TILE = 16


def make_clips(
    folder: Path, *, count: int, bad: int, seconds: float = 3.0, size: tuple[int, int] = (320, 240)
) -> list[Path]:
    """Clips of textures that move, H.264 in MP4 and MPEG-4 in AVI in turn.

    Args:
        count: of all clips.
        bad: how many of them are, spread evenly, in :data:`WAYS` in turn.
        size: width and height in pixels.

    Returns:
        the bad ones.
    """
    every = count // bad if bad else count + 1
    made: list[Path] = []
    for number in range(count):
        # Of both kinds of files in each way, where every one in an even number is bad.
        is_bad = number % every == every // 2 + len(made) // len(WAYS) % 2 and len(made) < bad
        way = list(WAYS)[len(made) % len(WAYS)] if is_bad else ""
        suffix = ".avi" if number % 2 else ".mp4"
        path = folder / f"{number // _FOLDER_CLIPS:03}" / f"{number:06}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = _clip(number, suffix, round(seconds * _RATE), size)
        path.write_bytes(WAYS[way](content) if is_bad else content)
        if is_bad:
            made.append(path)
    return made


def _clip(number: int, suffix: str, frames: int, size: tuple[int, int]) -> bytes:
    """A texture that moves as its number says."""
    generator = np.random.default_rng(number)
    width, height = size
    tiles = generator.integers(0, 256, (height // _TILE + 1, width // _TILE + 1, 3), np.uint8)
    texture = np.kron(tiles, np.ones((_TILE, _TILE, 1), np.uint8))
    move = generator.integers(-6, 7, 2)
    pictures = [
        np.roll(texture, tuple(frame * move), (0, 1))[:height, :width] for frame in range(frames)
    ]
    return _encoded(pictures, "mp4" if suffix == ".mp4" else "avi")


def _encoded(pictures: list[npt.NDArray[np.uint8]], form: str) -> bytes:
    buffer = io.BytesIO()
    codec, options = ("libx264", {"preset": "ultrafast"}) if form == "mp4" else ("mpeg4", {})
    with av.open(buffer, "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=_RATE, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def _picture(content: bytes) -> bytes:
    """A still, called as a video is."""
    with av.open(io.BytesIO(content)) as container:
        buffer = io.BytesIO()
        next(container.decode(video=0)).to_image().save(buffer, "png")
        return buffer.getvalue()


def _sound(content: bytes) -> bytes:
    """A video without a picture, as long as the clip."""
    with av.open(io.BytesIO(content)) as clip:
        frames = round((clip.duration or 0) / av.time_base * 16)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=16000)
        tone = np.zeros((1, 1024), np.float32)
        for _ in range(frames):
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def _holes(content: bytes) -> bytes:
    """Nothing in its middle third."""
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


WAYS: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: content[:0],
    "text": lambda content: b"This is clip %d.\n" % len(content),
    "noise": lambda content: np.random.default_rng(len(content)).bytes(len(content)),
    "cut in half": lambda content: content[: len(content) // 2],
    "without its beginning": lambda content: content[200:],
    "with a hole": _holes,
    "a still": _picture,
    "sound alone": _sound,
}
"""What is done to a clip's bytes, by its name."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--count", default=2000, show_default=True, type=click.IntRange(1))
@click.option("--bad", default=40, show_default=True, type=click.IntRange(0))
@click.option("--seconds", default=3.0, show_default=True)
@click.option("--size", nargs=2, type=int, default=(320, 240), show_default=True)
def main(folder: Path, count: int, bad: int, seconds: float, size: tuple[int, int]) -> None:
    """Makes them."""
    made = make_clips(folder, count=count, bad=bad, seconds=seconds, size=size)
    click.echo(f"{count} clips, {len(made)} of them bad, in {folder}")


if __name__ == "__main__":
    run_command(command=main, name="clips")
