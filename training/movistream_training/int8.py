"""Training for int8: a few more epochs, with numbers rounded as the int8 file rounds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from movistream_converters.formats import safetensors_file
from movistream_converters.formats.source import Source
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.ir.weights import Weights
from movistream_converters.progress import ignore_progress
from movistream_converters.quantise.calibration import calibrate
from movistream_converters.quantise.videos import Part, image_input
from movistream_training.batches import Batch
from movistream_training.fit import Batches, fit
from movistream_training.history import Epoch, best_epoch
from movistream_training.learner import Learner
from movistream_training.run_folder import RunFolder, Settings

_GENTLER = 0.1
"""Of the learning rate: the network knows its task, and only gives way to the rounding."""


def fit_int8(
    run: RunFolder,
    source: Source,
    settings: Settings,
    calibration_videos: tuple[Part, ...],
    training: Batches,
    validation: Sequence[Batch],
    on_epoch: Callable[[Epoch], None],
) -> tuple[Epoch, ...]:
    """Trains the weights that int8 is converted from, and writes the best of them.

    The ranges are those that a conversion would choose for the source, and stay.

    Args:
        source: the finished float weights.
        calibration_videos: as of a conversion.

    Raises:
        MovistreamError: if a video cannot be read, or training fails.
    """
    image = image_input(source.network, source.frames_per_second)
    network, weights = fold(source.network, source.weights)
    plan = calibrate(network, weights, calibration_videos, image, ignore_progress).plan
    recipe = replace(
        settings.recipe,
        epochs=settings.int8_epochs,
        learning_rate=settings.recipe.learning_rate * _GENTLER,
        frozen_epochs=0,
        batch_statistics=False,
        patience_epochs=None,
    )

    def keep(history: Sequence[Epoch], trained: Weights) -> None:
        if best_epoch(history) is history[-1]:
            found = replace(source, weights=unfold(source.network, trained))
            safetensors_file.write(found, run.int8_weights)
        on_epoch(history[-1])

    learner = Learner(network, weights, recipe, plan)
    return fit(learner, training, validation, run.int8_checkpoint, lambda _step, _loss: None, keep)
