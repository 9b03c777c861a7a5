"""Trains a network on a data set of videos, from nothing or from weights that are there."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from movistream.errors import VideoError
from movistream.system.output import replaced_when_done
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.source import Source
from movistream_converters.ir.adapting import with_classes
from movistream_converters.ir.document import encode_network
from movistream_converters.ir.network import Network, NetworkError, image_of
from movistream_converters.ir.weights import Weights
from movistream_converters.quantise.videos import image_input
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_training.answers import Answer, confusion
from movistream_training.batches import Batch
from movistream_training.decoding import ClipReader
from movistream_training.errors import TrainingError
from movistream_training.examples import DataSet, Example, divide
from movistream_training.fit import fit
from movistream_training.history import Epoch, best_epoch
from movistream_training.initial import initial_weights, with_new_head
from movistream_training.int8 import fit_int8
from movistream_training.learner import Learner
from movistream_training.plots import plot_confusion, plot_curves
from movistream_training.recipe import Recipe
from movistream_training.run_folder import (
    RunFolder,
    Settings,
    examples_digest,
    open_run,
    write_history,
    write_split,
)
from movistream_training.videos import Probed, parts_of, probe

LEAST_FRAMES = 4


@dataclass(frozen=True)
class Plan:
    """What to train, as a user says it.

    Attributes:
        source: the network, whose classes are taken from the data, and the weights to start from;
            none: from nothing.
        epochs: at most.
        int8_epochs: after them, with numbers rounded as the int8 file rounds them.
        frozen_epochs: first ones, in which only the classifier learns.
        learning_rate: the highest.
        clips_per_batch: in each step.
        frames_per_clip: of each; None: as long as most examples are.
        most_frames: of a clip, where that is not said.
        sub_clip_frames: see :class:`.recipe.Recipe`.
        patience_epochs: see :class:`.recipe.Recipe`.
        validation_share: of the videos, where the data do not say.
        flips: whether clips may be mirrored.
        seed: of everything random.
    """

    source: Source
    epochs: int
    int8_epochs: int
    frozen_epochs: int
    learning_rate: float
    clips_per_batch: int
    frames_per_clip: int | None
    most_frames: int
    sub_clip_frames: int | None
    patience_epochs: int | None
    validation_share: float
    flips: bool
    seed: int


@dataclass(frozen=True)
class Callbacks:
    """Is told how far a training is."""

    on_probe: Callable[[int, int], None]
    on_start: Callable[[Settings, Sequence[Probed], Sequence[Probed]], None]
    on_step: Callable[[int, float], None]
    on_epoch: Callable[[Epoch], None]


@dataclass(frozen=True)
class Training:
    """A finished training.

    Attributes:
        confusion: which class (row) was taken for which (column) at the end of validation clips.
        skipped: examples that could not be decoded, and why.
        int8_history: epochs for int8.
    """

    run: RunFolder
    labels: tuple[str, ...]
    history: tuple[Epoch, ...]
    confusion: npt.NDArray[np.int64]
    skipped: dict[Example, str]
    int8_history: tuple[Epoch, ...]


def train(data: DataSet, path: Path, plan: Plan, callbacks: Callbacks) -> Training:
    """Trains, or goes on training, in the folder of a run.

    Raises:
        TrainingError: if the data or the folder cannot be used.
    """
    probed, skipped = _probe_all(data.examples, callbacks)
    _check_classes(data, probed, skipped)
    readable = tuple(one.example for one in probed)
    sides = divide(DataSet(data.labels, readable), plan.validation_share, plan.seed)
    training, validation = (
        tuple(one for one in probed if one.example in side) for side in map(frozenset, sides)
    )
    network = _for_classes(plan.source.network, len(data.labels))
    rate = _frames_per_second(plan.source)
    image = image_input(network, rate)
    frames = plan.frames_per_clip or _usual_frames(training, rate, plan.most_frames)
    settings = Settings(
        network=network.name,
        network_digest=hashlib.sha256(encode_network(network)).hexdigest()[:16],
        frames_per_second=rate,
        labels=data.labels,
        recipe=_recipe(plan, training),
        int8_epochs=plan.int8_epochs,
        source=plan.source.name,
        examples=examples_digest({"training": sides[0], "validation": sides[1]}),
        clips_per_batch=plan.clips_per_batch,
        frames_per_clip=frames,
        flips=plan.flips,
        seed=plan.seed,
    )
    run = open_run(path, settings)
    write_split(run.split, {"training": sides[0], "validation": sides[1]})
    callbacks.on_start(settings, training, validation)

    learner = Learner(network, _first_weights(plan, network), settings.recipe)
    reader = ClipReader(data.labels, image, frames, plan.flips, skipped)
    judged = reader.validation(validation, plan.clips_per_batch)
    recorder = _Recorder(run, settings, network, plan.source)

    def on_epoch(history: Sequence[Epoch], weights: Weights) -> None:
        recorder.record(history, weights)
        callbacks.on_epoch(history[-1])

    history = fit(
        learner,
        lambda epoch: reader.training(training, plan.clips_per_batch, plan.seed, epoch),
        judged,
        run.checkpoint,
        callbacks.on_step,
        on_epoch,
    )
    kept = safetensors_file.read(run.weights)
    answers = tuple(_clip_answers(network, kept.weights, judged))
    matrix = confusion(answers, len(data.labels))
    plot_confusion(matrix, data.labels, run.confusion)
    if skipped:
        with replaced_when_done(run.skipped) as part:
            part.write_text("".join(f"{line}\n" for line in skipped.values()), encoding="utf-8")
    int8_history: tuple[Epoch, ...] = ()
    if plan.int8_epochs:
        int8_history = fit_int8(
            run,
            kept,
            settings,
            parts_of(one.example for one in training),
            lambda epoch: reader.training(training, plan.clips_per_batch, plan.seed, epoch),
            judged,
            callbacks.on_epoch,
        )
    return Training(run, data.labels, history, matrix, skipped, int8_history)


def _probe_all(
    examples: Sequence[Example], callbacks: Callbacks
) -> tuple[tuple[Probed, ...], dict[Example, str]]:
    probed, skipped = [], {}
    for number, example in enumerate(examples, start=1):
        try:
            probed.append(probe(example))
        except VideoError as error:
            skipped[example] = str(error)
        callbacks.on_probe(number, len(examples))
    return tuple(probed), skipped


def _check_classes(data: DataSet, probed: Sequence[Probed], skipped: dict[Example, str]) -> None:
    found = {one.example.label for one in probed}
    for label in data.labels:
        if label not in found:
            first = next(text for example, text in skipped.items() if example.label == label)
            raise TrainingError(f"the class {label!r} has no video that can be decoded: {first}")


def _for_classes(network: Network, classes: int) -> Network:
    try:
        return with_classes(network, classes)
    except NetworkError as error:
        raise TrainingError(str(error)) from None


def _frames_per_second(source: Source) -> float:
    if source.frames_per_second is None:
        raise TrainingError(
            f"{source.name or source.network.name} does not say at what rate it sees frames; say"
            " one with --fps"
        )
    return source.frames_per_second


def _usual_frames(training: Sequence[Probed], rate: float, most_frames: int) -> int:
    """As many as half of the examples have, within what is sensible."""
    usual_s = float(np.quantile([one.seconds for one in training], 0.5))
    return min(most_frames, max(LEAST_FRAMES, round(usual_s * rate)))


def _recipe(plan: Plan, training: Sequence[Probed]) -> Recipe:
    counts = [
        sum(one.example.label == label for one in training)
        for label in {one.example.label for one in training}
    ]
    return Recipe(
        epochs=plan.epochs,
        steps_per_epoch=math.ceil(len(counts) * max(counts) / plan.clips_per_batch),
        learning_rate=plan.learning_rate,
        frozen_epochs=plan.frozen_epochs,
        sub_clip_frames=plan.sub_clip_frames,
        # A few clips say less of what a network sees than what it has learnt before.
        batch_statistics=not plan.source.weights,
        patience_epochs=plan.patience_epochs,
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
        self._source = Source(
            network,
            {},
            name=source.name or run.path.name,
            format=source.format or "movistream",
            labels=settings.labels,
            frames_per_second=settings.frames_per_second,
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
        plot_curves(history, best_epoch(history), self._run.curves)
        with self._board.as_default(step=epoch.number):
            for name in ("learning_rate", "loss", "accuracy"):
                tf.summary.scalar(f"training/{name}", getattr(epoch, name))
            for name in ("loss", "accuracy"):
                tf.summary.scalar(f"validation/{name}", getattr(epoch, f"validation_{name}"))
        self._board.flush()


def _clip_answers(network: Network, weights: Weights, batches: Sequence[Batch]) -> Iterator[Answer]:
    """What weights say to the clips of batches, without what only fills them up."""
    for batch in batches:
        logits, _ = run_clip(network, weights, seen(batch.images, image_of(network)))
        for truth, counts, scores in zip(batch.targets, batch.weights, logits.numpy(), strict=True):
            if counts.any():
                frames = int(np.flatnonzero(counts)[-1]) + 1
                yield Answer(int(truth[0]), scores[:frames])
