"""Trains one member for some steps and judges it, and can do so again without doing it twice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import msgspec

from movistream.system.output import replaced_when_done
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError, TrainingError
from movistream_training.fit import Evaluator, fit
from movistream_training.initial import initial_weights
from movistream_training.learner import Learner
from movistream_training.recipe import Recipe
from movistream_training.search.material import Material
from movistream_training.search.members import Task, source_of


@dataclass(frozen=True)
class Trial:
    """One training of a member.

    Attributes:
        folder: of this member and seed.
        rung: train up to this one of the recipe's epochs.
        recipe: of all trials; its epochs are the rungs.
    """

    member: Architecture
    seed: int
    folder: Path
    rung: int
    recipe: Recipe
    task: Task
    material: Material


class Rung(msgspec.Struct, frozen=True):
    """How right a member is after so many steps.

    Attributes:
        loss: cross-entropy in nats, on the validation examples; infinite where training failed.
        accuracy: share of frames that are right.
        seconds: that it took since the rung before.
    """

    steps: int
    loss: float
    accuracy: float
    seconds: float


def run_trial(trial: Trial) -> tuple[Rung, ...]:
    """All rungs so far; nothing is trained that has been."""
    known = read_rungs(trial.folder)
    if len(known) >= trial.rung:
        return known
    trial.folder.mkdir(parents=True, exist_ok=True)
    network = source_of(trial.member, trial.task).network
    steps = trial.recipe.steps_per_epoch
    try:
        history = fit(
            Learner(network, initial_weights(network, trial.seed), trial.recipe),
            lambda rung: trial.material.training(trial.member, trial.seed, rung * steps, steps),
            trial.material.validation(trial.member),
            _checkpoint(trial.folder),
            lambda _step, _loss: None,
            lambda _history, _weights: None,
            trial.rung,
        )
        rungs = tuple(
            Rung(
                epoch.number * steps,
                epoch.validation_loss,
                epoch.validation_accuracy,
                epoch.seconds,
            )
            for epoch in history
        )
    except TrainingError:
        rest = range(len(known) + 1, trial.recipe.epochs + 1)
        rungs = (*known, *(Rung(number * steps, math.inf, 0.0, 0.0) for number in rest))
    with replaced_when_done(_results(trial.folder)) as part:
        part.write_bytes(msgspec.json.encode([_finite(rung) for rung in rungs]))
    return rungs


def accuracy_on_test(trial: Trial) -> float:
    """Share of the test examples' frames that a trained member is right at."""
    network = source_of(trial.member, trial.task).network
    learner = Learner(network, initial_weights(network, trial.seed), trial.recipe)
    steps = trial.recipe.steps_per_epoch
    fit(
        learner,
        lambda rung: trial.material.training(trial.member, trial.seed, rung * steps, steps),
        [],
        _checkpoint(trial.folder),
        lambda _step, _loss: None,
        lambda _history, _weights: None,
        trial.rung,
    )
    return Evaluator(network)(learner.weights(), trial.material.test(trial.member))[1]


def read_rungs(folder: Path) -> tuple[Rung, ...]:
    """What :func:`run_trial` has written to a folder; empty before it has.

    Raises:
        SearchError: if it is damaged.
    """
    path = _results(folder)
    if not path.exists():
        return ()
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[_Written])
    except msgspec.DecodeError as error:
        raise SearchError(f"{path} is damaged ({error}): delete {folder}, and go on") from None
    return tuple(
        Rung(w.steps, math.inf if w.loss is None else w.loss, w.accuracy, w.seconds) for w in found
    )


class _Written(msgspec.Struct, frozen=True):
    """JSON has no infinity."""

    steps: int
    loss: float | None
    accuracy: float
    seconds: float


def _finite(rung: Rung) -> _Written:
    loss = rung.loss if math.isfinite(rung.loss) else None
    return _Written(rung.steps, loss, rung.accuracy, rung.seconds)


def _checkpoint(folder: Path) -> Path:
    return folder / "checkpoint.safetensors"


def _results(folder: Path) -> Path:
    return folder / "result.json"
