"""The recipe of the camera-health model: what it sees, how it is trained.

    python -m movistream_training.camera_health.training FOOTAGE RUN

FOOTAGE is what :mod:`.footage.fetching` filled. A run that was interrupted is gone on with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import msgspec
import numpy as np

from movistream.demo.health import LABELS
from movistream.errors import MovistreamError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.movinet_table import read_table
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import (
    Architecture,
    MovinetOptions,
    build_movinet,
)
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.batches import Batch
from movistream_training.camera_health.assets import MODELS, table_file
from movistream_training.camera_health.sampling import (
    CLIPS_PER_SCENE,
    FRAMES_PER_SECOND,
    random_clips,
)
from movistream_training.fit import fit
from movistream_training.footage.collection import Footage, training_footage
from movistream_training.footage.learning import options_for, rendered_ahead
from movistream_training.history import Epoch
from movistream_training.initial import initial_weights, is_temporal
from movistream_training.learner import Learner
from movistream_training.plots import plot_curves
from movistream_training.recipe import Loss, Recipe
from movistream_training.run_folder import RunFolder, write_history

HORIZON_FRAMES = 3
"""What is wrong now is the question, and it shall be seen at once."""

RECIPE = Recipe(
    epochs=14,
    steps_per_epoch=76,
    learning_rate=3e-3,
    average_decay=0.998,
    statistics_momentum=0.98,
    # Of the answers that count, a twentieth are each of the classes.
    loss=Loss("binary", (3.0,) * len(LABELS)),
    label_smoothing=0.0,
)

SETTLED_RECIPE = replace(RECIPE, epochs=26, learning_rate=2e-3, batch_statistics=False)
"""Afterwards batch norms keep what they have stored: a batch has the same few scenes with and
without faults, and by its statistics a network could compare them, which no stream can."""

SCENES_PER_BATCH = 4
FRAMES_PER_CLIP = 22
VALIDATION_BATCHES = 16

EASY_EPOCHS = 6
"""Epochs over which what only looks like a fault comes in."""

_CHANGE_SHARE = 0.5
"""Of the channels of each temporal convolution, which begin as differences of two frames."""

_MIRRORED_AFTER = 8
"""So many batches after it was rendered, each is shown again, mirrored: rendering is half the
work."""


def random_batch(
    footage: Footage, size: int, generator: np.random.Generator, difficulty: float = 1.0
) -> Batch:
    """A batch of a few scenes, each with every fault, of so many pixels per side."""
    clips = [
        clip
        for _ in range(SCENES_PER_BATCH)
        for clip in random_clips(footage, FRAMES_PER_CLIP, size, generator, difficulty)
    ]
    return Batch(
        np.stack([clip.frames for clip in clips]),
        np.stack([clip.targets for clip in clips]).astype(np.float32),
        np.stack([clip.weights for clip in clips]),
    )


def training_batches(footage: Footage, size: int, seed: int, epoch: int) -> Iterator[Batch]:
    """The batches of an epoch, rendered while the network learns from the ones before."""

    def render() -> Iterator[Batch]:
        recent: deque[Batch] = deque()
        for index in range(RECIPE.steps_per_epoch // 2):
            generator = np.random.default_rng([seed, 1, epoch, index])
            difficulty = min(1.0, (epoch + 1) / EASY_EPOCHS)
            recent.append(random_batch(footage, size, generator, difficulty))
            yield recent[-1]
            if len(recent) > _MIRRORED_AFTER:
                yield _mirrored(recent.popleft())
        yield from map(_mirrored, recent)

    clips = SCENES_PER_BATCH * CLIPS_PER_SCENE, FRAMES_PER_CLIP
    yield from rendered_ahead(render, clips, size, len(LABELS))


def _mirrored(batch: Batch) -> Batch:
    return replace(batch, images=batch.images[:, :, :, ::-1])


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
    """Train a camera-health model on scenes made of FOOTAGE, into the folder RUN."""
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
    """Trains to the end of both recipes; the last weights are kept, as the rate came to rest."""
    network = build_movinet(options)
    weights = first_weights(network, seed)
    validation = validation_batches(scenes, options.image_size, seed)
    history: tuple[Epoch, ...] = ()
    for name, recipe in (("first", RECIPE), ("settled", SETTLED_RECIPE)):
        learner = Learner(network, weights, recipe)
        own = fit(
            learner,
            partial(_batches_after, len(history), scenes, options.image_size, seed),
            validation,
            folder.checkpoint.with_stem(f"{folder.checkpoint.stem}-{name}"),
            lambda _step, _loss: None,
            partial(_keep, options, folder, history),
        )
        history += own
        weights = learner.weights()


def _batches_after(
    before: int, scenes: Footage, size: int, seed: int, epoch: int
) -> Iterator[Batch]:
    return training_batches(scenes, size, seed, before + epoch)


def _keep(
    options: MovinetOptions,
    folder: RunFolder,
    before: Sequence[Epoch],
    own: Sequence[Epoch],
    weights: Weights,
) -> None:
    """Writes what there is after an epoch of a recipe, of which others may have come before."""
    source = movinet_source(options, weights, "camera-health", "movistream", LABELS)
    safetensors_file.write(replace(source, activation="sigmoid"), folder.weights)
    history = [*before, *(_numbered(one, one.number + len(before)) for one in own)]
    write_history(folder, history)
    epoch = history[-1]
    plot_curves(history, epoch, folder.curves)
    click.echo(
        f"epoch {epoch.number:2d} of {RECIPE.epochs + SETTLED_RECIPE.epochs}"
        f"  loss {epoch.loss:.3f}  right {epoch.accuracy:.3f}"
        f"  validation: loss {epoch.validation_loss:.3f}  mAP {epoch.validation_accuracy:.3f}"
        f"  {epoch.seconds:.0f} s"
    )


def _numbered(epoch: Epoch, number: int) -> Epoch:
    return msgspec.structs.replace(epoch, number=number)


def first_weights(network: Network, seed: int) -> Weights:
    """The weights that a training begins with: half of the temporal kernels show changes.

    Most of what can be wrong shows in how a picture changes, or in that it does not; without those
    kernels a network would have to find that out first.
    """
    generator = np.random.default_rng([seed, 3])
    weights = initial_weights(network, seed)
    for node in network.nodes:
        if not is_temporal(node.layer):
            continue
        kernel = weights[f"{node.name}.kernel"]
        frames, channels = kernel.shape[0], kernel.shape[-1]
        delays = kernel[:, 0, 0, :].argmax(axis=0)
        other = (delays + generator.integers(1, frames, channels)) % frames
        chosen = np.flatnonzero(generator.random(channels) < _CHANGE_SHARE)
        kernel[other[chosen], 0, 0, chosen] -= 1.0
    return weights


if __name__ == "__main__":
    main()
