"""An hour of natural footage of fixed cameras in which nothing is wrong.

    python -m movistream_training.camera_health.natural DATA VIDEO …

Each video becomes a recording as long as the others. Nothing is rendered into it. It is played
forth and back, so that the place where it begins again is no cut, from and to random places; and
now and then comes a pause, in which nothing much happens: the quietest second of the video, played
forth and back for a while. Its frames are those of a live camera, with its own grain; a pause is
no still picture. Only the frames that a network of 10 frames per second sees are kept, and encoded
once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

import click
import cv2
import numpy as np

from movistream.demo.health import LABELS
from movistream.errors import MovistreamError
from movistream.sources import VideoFile
from movistream.sources.picking import at_rate
from movistream_training.camera_health.held_out import TABLE
from movistream_training.camera_health.sampling import FRAMES_PER_SECOND
from movistream_training.footage.scene import Picture
from movistream_training.footage.video_file import write_video
from movistream_training.recordings.moments import Recording, Recordings
from movistream_training.recordings.table_file import write_table

_LARGEST_SIDE = 480
_MOST_FRAMES = 1000
_PAUSE_SHARE = 0.3
"""Of the turns, how many are followed by a pause."""


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("videos", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    help="Of all recordings together.",
)
@click.option("--seed", type=int, default=1, show_default=True)
def main(data: Path, videos: tuple[Path, ...], minutes: float, seed: int) -> None:
    """Write recordings of VIDEOS of fixed cameras to DATA, and a table in which nothing happens."""
    if data.exists() and any(data.iterdir()):
        raise click.ClickException(f"{data} is not empty")
    data.mkdir(parents=True, exist_ok=True)
    seconds = 60 * minutes / len(videos)
    try:
        recordings = []
        for number, video in enumerate(videos):
            generator = np.random.default_rng([seed, number])
            path = data / f"{video.stem}.mp4"
            _write(path, video, seconds, generator)
            recordings.append(Recording(path, ()))
            click.echo(f"{path.name}: {seconds:.0f} s")
        write_table(Recordings(LABELS, tuple(recordings)), data / TABLE, one_label=False)
    except MovistreamError as error:
        raise click.ClickException(str(error)) from None


def _write(path: Path, video: Path, seconds: float, generator: np.random.Generator) -> None:
    frames, rate = _read(video)
    order = played(len(frames), quietest(frames, rate), generator)
    write_video(path, (frames[index] for index in islice(order, round(seconds * rate))), rate)


def _read(video: Path) -> tuple[list[Picture], float]:
    frames = []
    with VideoFile(video) as file:
        rate = min(float(FRAMES_PER_SECOND), file.frames_per_second or FRAMES_PER_SECOND)
        for frame in file.picked(at_rate(rate)):
            scale = min(1.0, _LARGEST_SIDE / max(frame.image.shape[:2]))
            size = (round(frame.image.shape[1] * scale), round(frame.image.shape[0] * scale))
            frames.append(
                np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), np.uint8)
            )
            if len(frames) == _MOST_FRAMES:
                break
    return frames, rate


def quietest(frames: Sequence[Picture], frames_per_second: float) -> range:
    """The second of a video in which least changes, as frame numbers."""
    length = min(len(frames), max(2, round(frames_per_second)))
    small = [cv2.resize(frame, (32, 32), interpolation=cv2.INTER_AREA) for frame in frames]
    steps = [float(np.abs(a.astype(int) - b).mean()) for a, b in pairwise(small)]
    sums = np.convolve(steps, np.ones(length - 1), mode="valid")
    first = int(np.argmin(sums))
    return range(first, first + length)


def played(count: int, pause: range, generator: np.random.Generator) -> Iterator[int]:
    """Numbers of frames without end: forth and back between random turns, with pauses.

    Neighbours differ by one, so there is no cut.
    """
    index, forth = 0, True
    while True:
        paused = generator.random() < _PAUSE_SHARE
        if paused:
            target = int(generator.integers(pause.start, pause.stop))
        else:
            target = int(
                generator.integers(index, count) if forth else generator.integers(index + 1)
            )
        while index != target:
            index += 1 if target > index else -1
            yield index
        forth = not forth
        if paused:
            step = 1
            for _ in range(int(generator.integers(5, 20)) * len(pause)):
                if index + step not in pause:
                    step = -step
                index += step
                yield index


if __name__ == "__main__":
    main()
