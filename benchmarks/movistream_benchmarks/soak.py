"""Steps one stream for a long time and watches the process's memory, and what it answers.

python -m movistream_benchmarks.soak MODEL --steps 10000
python -m movistream_benchmarks.soak MODEL --video CLIP --every 5 --label "carving ice"
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

import movistream
from movistream.cli import main as run
from movistream.sources import VideoFile
from movistream.stream.loading import MOST_THREADS
from movistream_benchmarks.process_memory import read_resident_bytes

FIRST_SETTLED_STEP = 50
"""Before it, a clip's first frames weigh more than what it shows."""

GROWTH_LIMIT_BYTES = 1_000_000
"""What the allocator's own housekeeping may add; a leak of 100 bytes a step is more."""


@dataclass(frozen=True)
class Mark:
    """What was seen after a number of steps.

    Attributes:
        resident_bytes: of the process, now.
        peak_bytes: the highest that it was.
        score: of the watched class, 0 to 1; None if none is watched.
        lowest_score: of it since :data:`FIRST_SETTLED_STEP`.
    """

    steps: int
    resident_bytes: int
    peak_bytes: int
    score: float | None
    lowest_score: float | None


def soak(
    model: movistream.Model,
    frames: npt.NDArray[np.uint8],
    steps: int,
    marks: tuple[int, ...],
    watched: int | None = None,
) -> Iterator[Mark]:
    """Steps frames through a model in a loop and yields what is seen at each mark.

    Args:
        frames: uint8 (frames, height, width, 3).
        watched: index of a class.
    """
    lowest = 1.0
    with model.stream() as stream:
        for step in range(1, steps + 1):
            result = stream.step(frames[(step - 1) % len(frames)])
            score = None if watched is None else float(result.probabilities[watched])
            if score is not None and step > FIRST_SETTLED_STEP:
                lowest = min(lowest, score)
            if step in marks:
                lowest_score = None if score is None else lowest
                yield Mark(step, *read_resident_bytes(), score, lowest_score)


def looped_frames(video: Path, every: int) -> npt.NDArray[np.uint8]:
    """The frames that taking one in ``every`` of an endlessly repeated video gives, in order."""
    with VideoFile(video) as file:
        images = [frame.image for frame in file]
    period = len(images) // math.gcd(len(images), every)
    return np.stack([images[index * every % len(images)] for index in range(period)])


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(min=2000), default=10_000, show_default=True)
@click.option(
    "--threads", type=click.IntRange(min=1, max=MOST_THREADS), default=1, show_default=True
)
@click.option(
    "--video",
    type=click.Path(path_type=Path),
    help="Play this in a loop. [default: noise]",
)
@click.option("--every", type=click.IntRange(min=1), default=1, help="Take one frame in N of it.")
@click.option("--label", metavar="CLASS", help="Watch the score of this class of the model's.")
def main(
    model: Path, steps: int, threads: int, video: Path | None, every: int, label: str | None
) -> None:
    """Print memory after 100, 1,000 … steps of MODEL, and its growth between the last."""
    marks = tuple(mark for mark in (100, 1_000, 1_500, 10_000, 100_000, steps) if mark <= steps)
    generator = np.random.default_rng(0)
    found = []
    try:
        frames = (
            generator.integers(0, 256, (16, 240, 320, 3), np.uint8)
            if video is None
            else looped_frames(video, every)
        )
        with movistream.load(model, threads=threads) as loaded:
            watched = None if label is None else _class_index(loaded, label)
            for mark in soak(loaded, frames, steps, marks, watched):
                found.append(mark)
                click.echo(_line(mark, label))
    except movistream.MovistreamError as error:
        raise click.ClickException(str(error)) from None
    first = next(mark for mark in found if mark.steps == 1_000)
    growth = found[-1].resident_bytes - first.resident_bytes
    click.echo(f"growth from step 1000 to step {steps}: {growth / 1e3:.1f} kB")
    if growth > GROWTH_LIMIT_BYTES:
        raise click.ClickException(f"memory grew by more than {GROWTH_LIMIT_BYTES / 1e3:.0f} kB")


def _class_index(model: movistream.Model, label: str) -> int:
    if label not in model.manifest.labels:
        raise click.BadParameter(f"the model has no class {label!r}", param_hint="--label")
    return model.manifest.labels.index(label)


def _line(mark: Mark, label: str | None) -> str:
    line = (
        f"{mark.steps:7d} steps: resident {mark.resident_bytes / 1e6:.2f} MB,"
        f" peak {mark.peak_bytes / 1e6:.2f} MB"
    )
    if mark.score is None:
        return line
    return f"{line}; {label} {mark.score:.4f}, lowest {mark.lowest_score:.4f}"


if __name__ == "__main__":
    run(command=main, name="soak")
