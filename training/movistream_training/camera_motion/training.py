"""The recipe of camera-motion models: what they see, how they are trained.

    python -m movistream_training.camera_motion.training FOOTAGE RUN

FOOTAGE is what :mod:`.footage.fetching` filled. A run that was interrupted is gone on with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import click
import numpy as np

from movistream.demo.motion import LABELS
from movistream.errors import MovistreamError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.movinet_table import read_table
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import (
    Architecture,
    MovinetOptions,
    build_movinet,
)
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.batches import Batch
from movistream_training.camera_motion.assets import MODELS, table_file
from movistream_training.camera_motion.sampling import FRAMES_PER_SECOND, random_clips
from movistream_training.fit import fit
from movistream_training.footage.collection import Footage, training_footage
from movistream_training.footage.learning import options_for, rendered_ahead
from movistream_training.history import Epoch
from movistream_training.initial import initial_weights
from movistream_training.learner import Learner
from movistream_training.plots import plot_curves
from movistream_training.recipe import Recipe
from movistream_training.run_folder import RunFolder, write_history

HORIZON_FRAMES = 4
"""What a camera does now is the question: the head looks back about half a second."""

RECIPE = Recipe(epochs=55, steps_per_epoch=75, learning_rate=3e-3, average_decay=0.998)

SCENES_PER_BATCH = 2
FRAMES_PER_CLIP = 10
VALIDATION_BATCHES = 20

EASY_EPOCHS = 12
"""Epochs over which plain scenes give way to hard ones."""


def random_batch(
    footage: Footage, size: int, generator: np.random.Generator, difficulty: float = 1.0
) -> Batch:
    """A batch of a few scenes, each with every motion, of so many pixels per side."""
    clips = [
        clip
        for _ in range(SCENES_PER_BATCH)
        for clip in random_clips(footage, FRAMES_PER_CLIP, size, generator, difficulty)
    ]
    return Batch(
        np.stack([clip.frames for clip in clips]),
        np.stack([clip.labels for clip in clips]),
        np.stack([clip.weights for clip in clips]),
    )


def training_batches(footage: Footage, size: int, seed: int, epoch: int) -> Iterator[Batch]:
    """The batches of an epoch, rendered while the network learns from the ones before."""

    def render() -> Iterator[Batch]:
        for index in range(RECIPE.steps_per_epoch):
            generator = np.random.default_rng([seed, 1, epoch, index])
            yield random_batch(footage, size, generator, min(0.9, epoch / EASY_EPOCHS))

    clips = SCENES_PER_BATCH * len(LABELS), FRAMES_PER_CLIP
    yield from rendered_ahead(render, clips, size, None)


def validation_batches(footage: Footage, size: int, seed: int) -> list[Batch]:
    """Clips that are never trained on, of the pictures that are."""
    return [
        random_batch(footage, size, np.random.default_rng([seed, 2, index]))
        for index in range(VALIDATION_BATCHES)
    ]


@click.command()
@click.argument("footage", type=click.Path(path_type=Path))
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--arch",
    type=click.Path(path_type=Path),
    default=table_file(MODELS[0]),
    help="A table of blocks. [default: that of the model in the box]",
)
def main(footage: Path, run: Path, seed: int, arch: Path) -> None:
    """Train a camera-motion model on scenes made of FOOTAGE, into the folder RUN."""
    import_tensorflow()
    folder = RunFolder(run)
    try:
        options = options_of(read_table(arch))
        scenes = training_footage(footage, seed)
        run.mkdir(parents=True, exist_ok=True)
        train(options, scenes, folder, seed)
    except MovistreamError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"wrote {folder.weights}, {folder.curves.name}, {folder.history.name}")


def options_of(table: Architecture) -> MovinetOptions:
    """The options of a network for this task.

    Raises:
        TrainingError: if it sees another number of frames per second than the clips have.
    """
    return options_for(table, len(LABELS), FRAMES_PER_SECOND, HORIZON_FRAMES)


def train(options: MovinetOptions, scenes: Footage, folder: RunFolder, seed: int) -> None:
    """Trains to the end of the recipe; the last weights are kept, as the rate has come to rest."""
    network = build_movinet(options)

    def on_epoch(history: Sequence[Epoch], weights: Weights) -> None:
        source = movinet_source(options, weights, "camera-motion", "movistream", LABELS)
        safetensors_file.write(source, folder.weights)
        write_history(folder, history)
        epoch = history[-1]
        plot_curves(history, epoch, folder.curves)
        click.echo(
            f"epoch {epoch.number:2d} of {RECIPE.epochs}  loss {epoch.loss:.3f}"
            f"  right {epoch.accuracy:.3f}  validation: loss {epoch.validation_loss:.3f}"
            f"  right {epoch.validation_accuracy:.3f}  {epoch.seconds:.0f} s"
        )

    fit(
        Learner(network, initial_weights(network, seed), RECIPE),
        partial(training_batches, scenes, options.image_size, seed),
        validation_batches(scenes, options.image_size, seed),
        folder.checkpoint,
        lambda _step, _loss: None,
        on_epoch,
    )


if __name__ == "__main__":
    main()
