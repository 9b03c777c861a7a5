"""The control: with the frames of a clip in random order, a direction must not be told.

    python -m movistream_training.camera_motion.control MODEL.tflite DATA

Shuffled frames still jump along the axis of their motion. What is lost is its sense: whether a
model that goes by motion says left or right, in or out, is then a coin's toss. One that goes by how
pictures look would still be right.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

import movistream
from movistream_training.answers import stream_examples
from movistream_training.camera_motion.motion import DIRECTIONS, LABELS, STATIC
from movistream_training.examples import find_examples

_SEEDS = range(5)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--warm-up", type=click.IntRange(min=0), default=10, show_default=True)
def main(model: Path, data: Path, warm_up: int) -> None:
    """Stream the clips of DATA through MODEL with their frames shuffled, five times over."""
    counts = np.zeros((len(LABELS), len(LABELS)))
    examples = find_examples(data).examples
    with movistream.load(model) as loaded:
        for seed in _SEEDS:
            answers = stream_examples(loaded, examples, LABELS, shuffle_seed=seed)
            for answer in answers:
                said = answer.logits[warm_up:].argmax(axis=1)
                counts[answer.truth] += np.bincount(said, minlength=len(LABELS))
    shares = counts / counts.sum(axis=1, keepdims=True)
    table = Table(title="frames in random order: answers, as shares of frames")
    for name in ("truth", "itself", "its opposite", "static", "another axis", "sense right"):
        table.add_column(name, justify="left" if name == "truth" else "right")
    for label in LABELS:
        if label != STATIC:
            own, other = LABELS.index(label), LABELS.index(opposite(label))
            right, wrong, still = shares[own, own], shares[own, other], shares[own, 0]
            row = (right, wrong, still, 1 - right - wrong - still, right / (right + wrong))
            table.add_row(label, *(f"{share:.1%}" for share in row))
    Console().print(table)


def opposite(label: str) -> str:
    """The motion the other way."""
    turned = tuple(-part for part in DIRECTIONS[label])
    return next(name for name, direction in DIRECTIONS.items() if direction == turned)


if __name__ == "__main__":
    main()
