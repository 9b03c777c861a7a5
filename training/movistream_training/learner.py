"""A network that learns: its variables, and one step of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from movistream_converters.ir.adapting import head_of
from movistream_converters.ir.network import Network, image_of
from movistream_converters.ir.weights import STATISTICS, Weights, node_and_weight
from movistream_converters.reference.execution import Statistics, Tensor, run_clip
from movistream_converters.reference.images import seen
from movistream_converters.tflite.quantization import QuantizationPlan
from movistream_training.batches import Batch
from movistream_training.fake_quantization import as_in_int8
from movistream_training.losses import hits_of, losses_of
from movistream_training.recipe import Recipe


def is_trained(name: str) -> bool:
    """Whether gradients change a weight; the others are statistics of batch norms."""
    return node_and_weight(name)[1] not in STATISTICS


class Learner:
    """The weights of a network while they are trained, and what the optimiser remembers."""

    def __init__(
        self,
        network: Network,
        weights: Weights,
        recipe: Recipe,
        plan: QuantizationPlan | None = None,
    ) -> None:
        """Begins with the given weights.

        Args:
            plan: compute as the int8 step of this plan does; the network is folded then.
        """
        self.network = network
        self.recipe = recipe
        self.plan = plan
        self.step = 0
        self._head = head_of(network) if recipe.frozen_epochs else frozenset[str]()
        self._variables = {
            name: keras.Variable(value, name=name.replace(".", "_"), trainable=is_trained(name))
            for name, value in weights.items()
        }
        self._trained = [name for name in weights if is_trained(name)]
        self._averages = {name: tf.Variable(weights[name]) for name in self._trained}
        self._optimizer = keras.optimizers.AdamW(
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            global_clipnorm=recipe.largest_gradient,
        )
        plain = [v for name, v in self._variables.items() if node_and_weight(name)[1] != "kernel"]
        self._optimizer.exclude_from_weight_decay(var_list=plain)
        self._optimizer.build([self._variables[name] for name in self._trained])
        self._compiled: dict[bool, Any] = {}

    def learn(self, batch: Batch) -> tuple[float, float]:
        """One step; returns the loss and the share of weighed answers that were right."""
        frozen = self.step < self.recipe.frozen_epochs * self.recipe.steps_per_epoch
        if frozen not in self._compiled:
            self._compiled[frozen] = tf.function(
                lambda *arguments: self._learn(*arguments, only_head=frozen), autograph=False
            )
        self._optimizer.learning_rate = self.recipe.learning_rate_at(self.step)
        decay = tf.constant(self.recipe.average_decay_at(self.step), tf.float32)
        loss, right = self._compiled[frozen](batch.images, batch.targets, batch.weights, decay)
        self.step += 1
        return float(loss), float(right)

    def weights(self) -> Weights:
        """The averaged weights, with the statistics of batch norms."""
        return {
            name: np.asarray(self._averages.get(name, variable.value), np.float32)
            for name, variable in self._variables.items()
        }

    def memory(self) -> dict[str, np.ndarray[Any, Any]]:
        """All that :meth:`restore` needs to go on as if nothing had been interrupted."""
        return {name: np.asarray(value) for name, value in self._remembered().items()}

    def memory_names(self) -> tuple[str, ...]:
        """What :meth:`memory` gives, by name."""
        return tuple(self._remembered())

    def restore(self, memory: Mapping[str, np.ndarray[Any, Any]], step: int) -> None:
        """Goes back to what :meth:`memory` gave after a number of steps."""
        for name, variable in self._remembered().items():
            variable.assign(memory[name])
        self.step = step

    def _remembered(self) -> dict[str, Any]:
        return {
            **{f"weights/{name}": variable for name, variable in self._variables.items()},
            **{f"averages/{name}": variable for name, variable in self._averages.items()},
            **{
                f"optimizer/{index}": variable
                for index, variable in enumerate(self._optimizer.variables)
            },
        }

    def _learn(
        self, images: Tensor, targets: Tensor, counts: Tensor, decay: Tensor, *, only_head: bool
    ) -> tuple[Tensor, Tensor]:
        names = [n for n in self._trained if not only_head or node_and_weight(n)[0] in self._head]
        values = [self._variables[name].value for name in names]
        total = tf.maximum(tf.reduce_sum(counts), 1e-6)
        gradients = [tf.zeros_like(value) for value in values]
        loss, right = tf.constant(0.0), tf.constant(0.0)
        states: dict[str, Tensor] | None = None
        frames = images.shape[1]
        length = self.recipe.sub_clip_frames or frames
        for start in range(0, frames, length):
            piece = slice(start, start + length)
            with tf.GradientTape() as tape:
                losses, hits, states, statistics = self._forward(
                    images[:, piece], targets[:, piece], states, train=not only_head
                )
                part = tf.reduce_sum(losses * counts[:, piece]) / total
            gradients = [
                whole + tf.convert_to_tensor(gradient)
                for whole, gradient in zip(gradients, tape.gradient(part, values), strict=True)
            ]
            # States are values here: the next piece's gradients end at them.
            states = {name: tf.stop_gradient(value) for name, value in states.items()}
            self._keep_statistics(statistics)
            loss += part
            right += tf.reduce_sum(tf.cast(hits, tf.float32) * counts[:, piece]) / total
        self._optimizer.apply(gradients, [self._variables[name] for name in names])
        for name in names:
            average = self._averages[name]
            average.assign(average * decay + self._variables[name].value * (1 - decay))
        return loss, right

    def _forward(
        self, images: Tensor, targets: Tensor, states: dict[str, Tensor] | None, *, train: bool
    ) -> tuple[Tensor, Tensor, dict[str, Tensor], Statistics]:
        statistics: Statistics | None = {} if train and self.recipe.batch_statistics else None
        variables = {name: variable.value for name, variable in self._variables.items()}
        weights, rounded = as_in_int8(self.network, variables, self.plan)
        values = seen(images, image_of(self.network))
        logits, states = run_clip(self.network, weights, values, states, statistics, rounded)
        losses = losses_of(self.recipe.loss, targets, logits, self.recipe.label_smoothing)
        hits = hits_of(self.recipe.loss, targets, logits)
        return losses, hits, states, statistics or {}

    def _keep_statistics(self, statistics: Statistics) -> None:
        momentum = self.recipe.statistics_momentum
        for node, (mean, variance) in statistics.items():
            for key, value in (("mean", mean), ("variance", variance)):
                variable = self._variables[f"{node}.{key}"].value
                variable.assign(variable * momentum + value * (1 - momentum))
