"""Trains a model in the box by its curriculum, on scenes of what was fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import msgspec

from movistream.errors import MovistreamError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.movinet_table import read_table
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import MovinetOptions, build_movinet
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.assets import table_file
from movistream_training.batches import Batch
from movistream_training.fit import Batches, fit
from movistream_training.footage.collection import Footage, training_footage
from movistream_training.footage.curriculum import Curriculum
from movistream_training.history import Epoch
from movistream_training.learner import Learner
from movistream_training.plots import plot_curves
from movistream_training.run_folder import RunFolder, write_history


def training_command(curriculum: Curriculum) -> click.Command:
    """The command line of a training."""

    @click.command(
        help=f"Train a {curriculum.name} model on scenes made of FOOTAGE, into the folder RUN."
    )
    @click.argument("footage", type=click.Path(path_type=Path))
    @click.argument("run", type=click.Path(path_type=Path))
    @click.option("--seed", type=int, default=1, show_default=True)
    @click.option(
        "--arch",
        type=click.Path(path_type=Path),
        default=table_file(curriculum.name),
        help="A table of blocks. [default: that of the model in the box]",
    )
    def main(footage: Path, run: Path, seed: int, arch: Path) -> None:
        import_tensorflow()
        folder = RunFolder(run)
        try:
            options = curriculum.options(read_table(arch))
            scenes = training_footage(footage, seed)
            run.mkdir(parents=True, exist_ok=True)
            train(curriculum, options, scenes, folder, seed)
        except MovistreamError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"wrote {folder.weights}, {folder.curves.name}, {folder.history.name}")

    return main


def train(
    curriculum: Curriculum, options: MovinetOptions, scenes: Footage, folder: RunFolder, seed: int
) -> None:
    """Trains to the end of the recipes; the last weights are kept, as the rate came to rest.

    What was interrupted goes on after the last whole epoch.
    """
    network = build_movinet(options)
    size = options.image_size
    weights = curriculum.first_weights(network, seed)
    validation = curriculum.validation(scenes, size, seed)
    history: tuple[Epoch, ...] = ()
    for number, recipe in enumerate(curriculum.recipes, 1):
        learner = Learner(network, weights, recipe)
        batches = partial(curriculum.training, scenes, size, seed, recipe.steps_per_epoch)
        checkpoint = folder.checkpoint
        history += fit(
            learner,
            partial(_later, batches, len(history)),
            validation,
            checkpoint.with_stem(f"{checkpoint.stem}-{number}") if number > 1 else checkpoint,
            lambda _step, _loss: None,
            partial(_keep, curriculum, options, folder, history),
        )
        weights = learner.weights()


def _later(batches: Batches, before: int, epoch: int) -> Iterable[Batch]:
    """The batches of an epoch of a recipe, before which were so many of others."""
    return batches(before + epoch)


def _keep(
    curriculum: Curriculum,
    options: MovinetOptions,
    folder: RunFolder,
    before: Sequence[Epoch],
    own: Sequence[Epoch],
    weights: Weights,
) -> None:
    """Writes what there is after an epoch of a recipe, of which others may have come before."""
    source = movinet_source(options, weights, curriculum.name, "movistream", curriculum.labels)
    safetensors_file.write(replace(source, activation=curriculum.activation), folder.weights)
    history = [*before, *(_numbered(one, one.number + len(before)) for one in own)]
    write_history(folder, history)
    epoch = history[-1]
    of_several = curriculum.recipes[0].loss.is_of_several
    plot_curves(history, epoch, folder.curves, of_several=of_several)
    measure = "mAP" if of_several else "right"
    click.echo(
        f"epoch {epoch.number:2d} of {sum(recipe.epochs for recipe in curriculum.recipes)}"
        f"  loss {epoch.loss:.3f}  right {epoch.accuracy:.3f}"
        f"  validation: loss {epoch.validation_loss:.3f}"
        f"  {measure} {epoch.validation_accuracy:.3f}  {epoch.seconds:.0f} s"
    )


def _numbered(epoch: Epoch, number: int) -> Epoch:
    return msgspec.structs.replace(epoch, number=number)
