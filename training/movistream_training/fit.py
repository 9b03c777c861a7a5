"""Trains a network epoch by epoch, and can go on where it was interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import tensorflow as tf
from safetensors import SafetensorError, safe_open

from movistream.system.output import replaced_when_done
from movistream_converters.formats.safetensors_file import weights_bytes
from movistream_converters.ir.network import Network, image_of
from movistream_converters.ir.weights import Weights
from movistream_converters.reference.execution import Tensor, run_clip
from movistream_converters.reference.images import seen
from movistream_converters.tflite.quantization import QuantizationPlan
from movistream_training.batches import Batch
from movistream_training.errors import TrainingError
from movistream_training.fake_quantization import as_in_int8
from movistream_training.history import Epoch, best_epoch
from movistream_training.learner import Learner
from movistream_training.losses import hits_of, losses_of
from movistream_training.measures.average_precision import mean_of, precision_recall
from movistream_training.recipe import CROSS_ENTROPY, Loss

Batches: TypeAlias = Callable[[int], Iterable[Batch]]
"""The batches of an epoch, counted from 0; the same whenever they are asked for."""

OnStep: TypeAlias = Callable[[int, float], None]
"""Is told the step, counted from 1, and its loss."""

OnEpoch: TypeAlias = Callable[[Sequence[Epoch], Weights], None]
"""Is told the epochs so far, and the weights after the last."""


def fit(
    learner: Learner,
    training: Batches,
    validation: Sequence[Batch],
    checkpoint: Path,
    on_step: OnStep,
    on_epoch: OnEpoch,
    epochs: int | None = None,
) -> tuple[Epoch, ...]:
    """Trains to the end of the recipe, or until patience ends; returns all epochs.

    After each epoch everything is written to the checkpoint. If that is there already, training
    goes on from it, and takes the very course that it would have taken without the interruption.

    Args:
        epochs: pause after so many; None: at the end of the recipe.

    Raises:
        TrainingError: if the checkpoint cannot be used, or the loss is no number any more.
    """
    recipe = learner.recipe
    history = list(_resume(learner, checkpoint)) if checkpoint.exists() else []
    evaluator = Evaluator(learner.network, learner.plan, recipe.loss)
    last = recipe.epochs if epochs is None else min(epochs, recipe.epochs)
    while len(history) < last and not _patience_is_over(history, recipe.patience_epochs):
        start = time.perf_counter()
        losses, hits = [], []
        waiting = Waiting(training(len(history)))
        for batch in waiting:
            loss, right = learner.learn(batch)
            if not loss < float("inf"):
                raise TrainingError(
                    f"the loss became {loss} in step {learner.step}; a lower --learning-rate may"
                    " help"
                )
            losses.append(loss)
            hits.append(right)
            on_step(learner.step, loss)
        weights = learner.weights()
        validation_loss, validation_accuracy = evaluator(weights, validation)
        epoch = Epoch(
            number=len(history) + 1,
            learning_rate=recipe.learning_rate_at(learner.step - 1),
            loss=sum(losses) / len(losses),
            accuracy=sum(hits) / len(hits),
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            seconds=time.perf_counter() - start,
            waited_seconds=waiting.seconds,
        )
        history.append(epoch)
        on_epoch(history, weights)
        _save(learner, history, checkpoint)
    return tuple(history)


class Evaluator:
    """Judges weights on batches, every clip from a reset, as stored statistics would have it."""

    def __init__(
        self, network: Network, plan: QuantizationPlan | None = None, loss: Loss = CROSS_ENTROPY
    ) -> None:
        """Judges in float32, or as the int8 step of a plan computes, by a loss."""
        self._loss = loss
        self._network = network
        self._plan = plan
        self._compiled: Any = tf.function(self._run, autograph=False)

    def __call__(self, weights: Weights, batches: Iterable[Batch]) -> tuple[float, float]:
        """The mean loss in nats, and the share of frames that are right, both weighed.

        Where several classes may be right at once, the latter is the mean average precision of the
        frames (:mod:`.measures.average_precision`), of those that weigh anything.
        """
        tensors = {name: tf.constant(value) for name, value in weights.items()}
        loss = right = total = 0.0
        told = []
        for batch in batches:
            *sums, logits = self._compiled(tensors, batch.images, batch.targets, batch.weights)
            loss, right, total = (
                each + float(more) for each, more in zip((loss, right, total), sums, strict=True)
            )
            if self._loss.is_of_several:
                told.append((logits.numpy(), batch.targets > 0.5, batch.weights > 0))
        total = max(total, 1e-6)
        return loss / total, _mean_precision(told) if told else right / total

    def _run(
        self, weights: dict[str, Tensor], images: Tensor, targets: Tensor, counts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        computed, rounded = as_in_int8(self._network, weights, self._plan)
        values = seen(images, image_of(self._network))
        logits, _ = run_clip(self._network, computed, values, rounded=rounded)
        losses = losses_of(self._loss, targets, logits, 0.0)
        hits = hits_of(self._loss, targets, logits)
        return (
            tf.reduce_sum(losses * counts),
            tf.reduce_sum(tf.cast(hits, tf.float32) * counts),
            tf.reduce_sum(counts),
            logits,
        )


class Waiting:
    """Batches, and how long was waited for them."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        """Has waited for none yet."""
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        start = time.perf_counter()
        for batch in self._batches:
            self.seconds += time.perf_counter() - start
            yield batch
            start = time.perf_counter()


def _mean_precision(told: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    """Of logits, truth and what counts, each of all batches, (clips, frames, classes)."""
    scores, truth, counts = (
        np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts])
        for parts in zip(*told, strict=True)
    )
    found = [
        precision_recall(scores[counts[:, index], index], truth[counts[:, index], index])
        for index in range(scores.shape[1])
    ]
    mean = mean_of(found).mean
    return 0.0 if np.isnan(mean) else mean


def _patience_is_over(history: Sequence[Epoch], patience_epochs: int | None) -> bool:
    if patience_epochs is None or not history:
        return False
    return len(history) - best_epoch(history).number >= patience_epochs


def _save(learner: Learner, history: Sequence[Epoch], checkpoint: Path) -> None:
    metadata = {"history": msgspec.json.encode(list(history)).decode(), "step": str(learner.step)}
    with replaced_when_done(checkpoint) as part:
        part.write_bytes(weights_bytes(learner.memory(), metadata))


def _resume(learner: Learner, checkpoint: Path) -> Sequence[Epoch]:
    try:
        with safe_open(checkpoint, framework="numpy") as file:
            metadata = file.metadata() or {}
            history = msgspec.json.decode(metadata["history"], type=list[Epoch])
            learner.restore(
                {name: file.get_tensor(name) for name in learner.memory_names()},
                int(metadata["step"]),
            )
    except (SafetensorError, KeyError, ValueError, msgspec.DecodeError) as error:
        raise TrainingError(
            f"{checkpoint} cannot be gone on from: {error}. Begin anew in another folder"
        ) from None
    return history
