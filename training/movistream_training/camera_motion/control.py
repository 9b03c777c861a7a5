"""The control: with the frames of a clip in random order, a direction must not be told.

    python -m movistream_training.camera_motion.control MODEL.tflite DATA

Shuffled frames still jump along the axis of their motion. What is lost is its sense: whether a
model that goes by motion says left or right, in or out, is then a coin's toss. One that goes by how
pictures look would still be right. A model may prefer one sense of the two where it cannot tell; so
the mean over both is shown too, in which preferences cancel and knowledge does not.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

import movistream
from movistream.demo.motion import DIRECTIONS, LABELS, STATIC
from movistream_training.answers import stream_examples
from movistream_training.examples import find_examples

_SEEDS = range(5)
_TABLE_WIDTH = 110


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
    sense = {label: _sense(shares, label) for label in LABELS if label != STATIC}
    table = Table(title="frames in random order: answers, as shares of frames")
    columns = ("itself", "its opposite", "static", "another axis", "sense right", "of both senses")
    table.add_column("truth")
    for name in columns:
        table.add_column(name, justify="right")
    for label, right in sense.items():
        own, other, still = _said(shares, label)
        both = (right + sense[opposite(label)]) / 2
        row = (own, other, still, 1 - own - other - still, right, both)
        table.add_row(label, *(f"{share:.1%}" for share in row))
    Console(width=_TABLE_WIDTH).print(table)


def _said(shares: npt.NDArray[np.float64], label: str) -> tuple[float, float, float]:
    """How often a motion was taken for itself, for its opposite, and for none."""
    row = shares[LABELS.index(label)]
    names = (label, opposite(label), STATIC)
    own, other, still = (float(row[LABELS.index(name)]) for name in names)
    return own, other, still


def _sense(shares: npt.NDArray[np.float64], label: str) -> float:
    """How often the sense was right where the axis was."""
    own, other, _ = _said(shares, label)
    return own / (own + other) if own + other else 0.5


def opposite(label: str) -> str:
    """The motion the other way."""
    turned = tuple(-part for part in DIRECTIONS[label])
    return next(name for name, direction in DIRECTIONS.items() if direction == turned)


if __name__ == "__main__":
    main()
