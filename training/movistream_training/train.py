"""Trains a network on a data set of videos, from nothing or from weights that are there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf

from movistream.file.manifest import Activation
from movistream.system.output import replaced_when_done
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.source import Source
from movistream_converters.ir.adapting import with_classes
from movistream_converters.ir.document import encode_network
from movistream_converters.ir.network import Network, NetworkError, horizon_of, with_horizon
from movistream_converters.ir.weights import Weights
from movistream_converters.quantise.videos import image_input
from movistream_training.errors import TrainingError
from movistream_training.fit import fit
from movistream_training.history import Epoch, best_epoch
from movistream_training.initial import initial_weights, with_new_head
from movistream_training.int8 import fit_int8
from movistream_training.learner import Learner
from movistream_training.plots import plot_curves
from movistream_training.recipe import Recipe
from movistream_training.run_folder import (
    RunFolder,
    Settings,
    examples_digest,
    open_run,
    write_history,
    write_split,
)
from movistream_training.task import Concluded, OnRead, Plan, Task, TaskMaker


@dataclass(frozen=True)
class Callbacks:
    """Is told how far a training is."""

    on_probe: OnRead
    on_start: Callable[[Settings, Task], None]
    on_step: Callable[[int, float], None]
    on_epoch: Callable[[Epoch], None]


@dataclass(frozen=True)
class Training:
    """A finished training.

    Attributes:
        concluded: how right the network is.
        skipped: what was wrong with each video that could not be decoded.
        int8_history: epochs for int8.
        of_several: several classes may be right at once.
    """

    run: RunFolder
    history: tuple[Epoch, ...]
    concluded: Concluded
    skipped: tuple[str, ...]
    int8_history: tuple[Epoch, ...]
    of_several: bool


def train(
    labels: Sequence[str], make_task: TaskMaker, path: Path, plan: Plan, callbacks: Callbacks
) -> Training:
    """Trains, or goes on training, in the folder of a run.

    Args:
        labels: of the task's classes.

    Raises:
        TrainingError: if the data or the folder cannot be used.
    """
    network = _for_classes(plan.source.network, len(labels))
    rate = _frames_per_second(plan.source)
    task = make_task(plan, image_input(network, rate), callbacks.on_probe)
    network = _with_horizon(network, plan, task, rate)
    settings = Settings(
        network=network.name,
        network_digest=hashlib.sha256(encode_network(network)).hexdigest()[:16],
        frames_per_second=rate,
        labels=task.labels,
        recipe=_recipe(plan, task),
        int8_epochs=plan.int8_epochs,
        source=plan.source.name,
        examples=examples_digest(task.sides),
        clips_per_batch=plan.clips_per_batch,
        frames_per_clip=task.frames,
        horizon_frames=horizon_of(network),
        flips=plan.flips,
        seed=plan.seed,
    )
    run = open_run(path, settings)
    write_split(run.split, task.sides)
    callbacks.on_start(settings, task)

    learner = Learner(network, _first_weights(plan, network), settings.recipe)
    clips = task.read(run)
    recorder = _Recorder(run, settings, network, plan.source)

    def on_epoch(history: Sequence[Epoch], weights: Weights) -> None:
        recorder.record(history, weights)
        callbacks.on_epoch(history[-1])

    history = fit(
        learner, clips.training, clips.validation, run.checkpoint, callbacks.on_step, on_epoch
    )
    kept = safetensors_file.read(run.weights)
    concluded = task.conclude(run, kept, clips.validation)
    int8_history: tuple[Epoch, ...] = ()
    if plan.int8_epochs:
        int8_history = fit_int8(
            run,
            safetensors_file.read(run.weights),
            settings,
            task.calibration,
            clips.training,
            clips.validation,
            callbacks.on_epoch,
        )
    clips.close()
    skipped = tuple(task.skipped())
    if skipped:
        with replaced_when_done(run.skipped) as part:
            part.write_text("".join(f"{line}\n" for line in skipped), encoding="utf-8")
    return Training(run, history, concluded, skipped, int8_history, task.loss.is_of_several)


def _for_classes(network: Network, classes: int) -> Network:
    try:
        return with_classes(network, classes)
    except NetworkError as error:
        raise TrainingError(str(error)) from None


def _with_horizon(network: Network, plan: Plan, task: Task, rate: float) -> Network:
    """The network, its means made to forget: as wished, or else as it is, or as the task needs."""
    if plan.horizon_s is not None:
        return with_horizon(network, max(1, round(plan.horizon_s * rate)))
    if horizon_of(network) is not None or task.horizon_frames is None:
        return network
    return with_horizon(network, task.horizon_frames)


def _frames_per_second(source: Source) -> float:
    if source.frames_per_second is None:
        raise TrainingError(
            f"{source.name or source.network.name} does not say at what rate it sees frames; say"
            " one with --fps"
        )
    return source.frames_per_second


def _recipe(plan: Plan, task: Task) -> Recipe:
    return Recipe(
        epochs=plan.epochs,
        steps_per_epoch=task.steps_per_epoch,
        learning_rate=plan.learning_rate,
        frozen_epochs=plan.frozen_epochs,
        sub_clip_frames=plan.sub_clip_frames,
        # A few clips say less of what a network sees than what it has learnt before.
        batch_statistics=not plan.source.weights,
        patience_epochs=plan.patience_epochs,
        loss=task.loss,
        average_decay=0.98,
    )


def _first_weights(plan: Plan, network: Network) -> Weights:
    if not plan.source.weights:
        return initial_weights(network, plan.seed)
    return with_new_head(plan.source.weights, network, plan.seed)


class _Recorder:
    """Writes what each epoch brought into the folder of the run."""

    def __init__(
        self, run: RunFolder, settings: Settings, network: Network, source: Source
    ) -> None:
        self._run = run
        self._of_several = settings.recipe.loss.is_of_several
        activation: Activation = "sigmoid" if self._of_several else "softmax"
        self._source = Source(
            network,
            {},
            name=source.name or run.path.name,
            format=source.format or "movistream",
            labels=settings.labels,
            frames_per_second=settings.frames_per_second,
            activation=activation,
            # Whatever was a guess is what has been trained now.
            findings=tuple(replace(finding, guessed=False) for finding in source.findings),
        )
        self._board = tf.summary.create_file_writer(str(run.tensorboard))

    def record(self, history: Sequence[Epoch], weights: Weights) -> None:
        """Writes curves, and the weights if they are the best so far."""
        epoch = history[-1]
        if best_epoch(history) is epoch:
            safetensors_file.write(replace(self._source, weights=weights), self._run.weights)
        write_history(self._run, history)
        plot_curves(history, best_epoch(history), self._run.curves, of_several=self._of_several)
        with self._board.as_default(step=epoch.number):
            for name in ("learning_rate", "loss", "accuracy"):
                tf.summary.scalar(f"training/{name}", getattr(epoch, name))
            for name in ("loss", "accuracy"):
                tf.summary.scalar(f"validation/{name}", getattr(epoch, f"validation_{name}"))
        self._board.flush()
