"""What a replica does in a step: the gradients of one member's weights, and its reward's parts.

It keeps nothing between steps but what it can find out again, so any worker can do any replica's
part, and do it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import tensorflow as tf

from movistream_converters.ir.network import Network, image_of
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import Architecture
from movistream_converters.reference.execution import Statistics, Tensor, run_clip
from movistream_converters.reference.images import seen
from movistream_training.batches import Batch
from movistream_training.errors import SearchError
from movistream_training.learner import is_trained
from movistream_training.one_shot.supernet import Slim, Supernet, sliced, slim

CostOf: TypeAlias = Callable[[Architecture], float]
"""What a member costs, in any unit."""

_GRAPHS = 64
"""Traced graphs that are kept."""

_ONE_THREAD = "TF_NUM_INTRAOP_THREADS"


class BatchSource(Protocol):
    """Gives the clips that a member sees, in the size, at the rate and in the length of its own."""

    def __call__(self, member: Architecture, step: int, replica: int) -> Batch:
        """The batch of a replica in a step; the same whenever it is asked for."""


@dataclass(frozen=True)
class Order:
    """A replica's part of a step.

    Attributes:
        step: from 0.
        replica: from 0.
        member: that it trains.
        is_judged: whether its accuracy and its cost are wanted too.
        is_traced: whether it comes again so often that its graph is worth tracing. Numbers may
            differ in the last bit, so this is ordered and not each worker's own idea.
    """

    step: int
    replica: int
    member: Architecture
    is_judged: bool
    is_traced: bool


@dataclass(frozen=True)
class Judged:
    """What a member's reward is made of.

    Attributes:
        accuracy: share of the judging batch's frames that were right.
        cost: of the member.
    """

    accuracy: float
    cost: float


@dataclass(frozen=True)
class Outcome:
    """What became of an order.

    Attributes:
        loss: cross-entropy of the training batch, in nats.
        gradients: of the loss by the member's own weights, by canonical name.
        judged: None where that was not ordered.
    """

    loss: float
    gradients: Weights
    judged: Judged | None


class Replica:
    """All that a worker needs to know, sent to it once."""

    def __init__(
        self,
        supernet: Supernet,
        training: BatchSource,
        judging: BatchSource,
        cost_of: CostOf,
        label_smoothing: float,
    ) -> None:
        """Training and judging have no example in common, which is the caller's to see to."""
        self.supernet = supernet
        self._training = training
        self._judging = judging
        self._cost_of = cost_of
        self._label_smoothing = label_smoothing
        self._costs: dict[Architecture, float] = {}

    def carry_out(self, order: Order, shared: Weights) -> Outcome:
        """Computes a replica's part of a step.

        Raises:
            SearchError: if a batch is not of the member's size, or the member is no network.
        """
        member = slim(self.supernet, order.member)
        functions = _traced(member.network) if order.is_traced else _eager(member.network)
        weights = sliced(member, shared)
        trained = {name: value for name, value in weights.items() if is_trained(name)}
        kept = {name: value for name, value in weights.items() if not is_trained(name)}
        batch = _checked(self._training(order.member, order.step, order.replica), order.member)
        loss, gradients = functions.learn(
            _tensors(trained), _tensors(kept), *_arrays(batch), tf.constant(self._label_smoothing)
        )
        judged = None
        if order.is_judged:
            batch = _checked(self._judging(order.member, order.step, order.replica), order.member)
            accuracy = float(functions.judge(_tensors(weights), *_arrays(batch)))
            judged = Judged(accuracy, self._cost(order.member))
        arrays = {name: np.asarray(value) for name, value in gradients.items()}
        return Outcome(float(loss), arrays, judged)

    def _cost(self, member: Architecture) -> float:
        if member not in self._costs:
            self._costs[member] = float(self._cost_of(member))
        return self._costs[member]


def use_one_thread() -> None:
    """Has TensorFlow compute in one thread, so that sums have one order.

    Raises:
        SearchError: if it is too late for that in this process.
    """
    try:
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        if os.environ.get(_ONE_THREAD) != "1":
            raise SearchError(
                "TensorFlow already computes in several threads here, which would give other"
                f" numbers than one: begin with {_ONE_THREAD}=1 in the environment"
            ) from None


@dataclass(frozen=True)
class _Functions:
    learn: Any
    judge: Any


def _eager(network: Network) -> _Functions:
    def learn(
        trained: dict[str, Tensor],
        kept: dict[str, Tensor],
        images: Tensor,
        labels: Tensor,
        counts: Tensor,
        label_smoothing: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(trained)
            logits = _logits(network, {**trained, **kept}, images)
            classes = logits.shape[-1]
            off = label_smoothing / classes
            targets = tf.one_hot(labels, classes, 1 - label_smoothing + off, off)
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_sum(losses * counts) / _total(counts)
        return loss, tape.gradient(loss, trained, unconnected_gradients="zero")

    def judge(weights: dict[str, Tensor], images: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
        logits = _logits(network, weights, images)
        hits = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), labels)
        return tf.reduce_sum(tf.cast(hits, tf.float32) * counts) / _total(counts)

    return _Functions(learn, judge)


@lru_cache(maxsize=_GRAPHS)
def _traced(network: Network) -> _Functions:
    functions = _eager(network)
    return _Functions(
        tf.function(functions.learn, autograph=False), tf.function(functions.judge, autograph=False)
    )


def _logits(network: Network, weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """As in training: batch norms of shared weights have no statistics that would be a member's."""
    statistics: Statistics = {}
    values = seen(images, image_of(network))
    return run_clip(network, weights, values, statistics=statistics)[0]


def _total(counts: Tensor) -> Tensor:
    return tf.maximum(tf.reduce_sum(counts), 1e-6)


def _tensors(weights: Weights) -> dict[str, Tensor]:
    return {name: tf.constant(value) for name, value in weights.items()}


def _arrays(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    return tf.constant(batch.images), tf.constant(batch.targets), tf.constant(batch.weights)


def _checked(batch: Batch, member: Architecture) -> Batch:
    _, frames, height, width, _ = batch.images.shape
    if {height, width} != {member.image_size} or frames != member.clip_frames:
        raise SearchError(
            f"a member was to see clips of {member.clip_frames} frames of {member.image_size} ×"
            f" {member.image_size} pixels, and was given {frames} frames of {height} × {width}"
        )
    return batch


def recalibrated(member: Slim, weights: Weights, batches: list[Batch]) -> Weights:
    """A member's weights with the statistics that its batch norms need to judge a stream.

    Args:
        weights: of the member.
        batches: of training; a few, whose moments are joined.
    """
    found: list[Statistics] = []
    for batch in batches:
        statistics: Statistics = {}
        values = seen(tf.constant(batch.images), image_of(member.network))
        run_clip(member.network, _tensors(weights), values, statistics=statistics)
        found.append(statistics)
    judged = dict(weights)
    for node in found[0]:
        means, variances = (
            np.stack([np.asarray(each[node][moment]) for each in found]) for moment in (0, 1)
        )
        judged[f"{node}.mean"] = means.mean(axis=0)
        judged[f"{node}.variance"] = variances.mean(axis=0) + means.var(axis=0)
    return judged
