"""The shared weights while they are trained, and what the optimiser remembers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from movistream_converters.ir.weights import Weights, node_and_weight
from movistream_converters.networks.movinet import Architecture
from movistream_training.initial import initial_weights
from movistream_training.learner import is_trained
from movistream_training.one_shot.supernet import Supernet, add_spread, network_of, slim
from movistream_training.recipe import Recipe


class SharedWeights:
    """The weights of a supernet.

    All kernels lie in one vector, and all else that is trained in another: so the optimiser has two
    variables to go through, and not some hundreds of small ones.
    """

    def __init__(self, supernet: Supernet, recipe: Recipe, seed: int) -> None:
        """Begins as a training from nothing does."""
        self._supernet = supernet
        self._recipe = recipe
        weights = initial_weights(network_of(supernet.table, supernet.task), seed)
        self._fixed = {name: value for name, value in weights.items() if not is_trained(name)}
        trained = [name for name in weights if is_trained(name)]
        is_kernel = {name: node_and_weight(name)[1] == "kernel" for name in trained}
        self._names = tuple([n for n in trained if is_kernel[n] is kind] for kind in (True, False))
        self._vectors = [
            keras.Variable(np.concatenate([weights[name].ravel() for name in names]), name=kind)
            for names, kind in zip(self._names, ("kernels", "others"), strict=True)
        ]
        self._optimizer = keras.optimizers.AdamW(
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            global_clipnorm=recipe.largest_gradient,
        )
        self._optimizer.exclude_from_weight_decay(var_list=self._vectors[1:])
        self._optimizer.build(self._vectors)

    def arrays(self) -> Weights:
        """All of them by canonical name."""
        vectors = [np.asarray(vector.value) for vector in self._vectors]
        return {**self._fixed, **self._by_name(vectors)}

    def learn(self, step: int, members: Sequence[Architecture], found: Sequence[Weights]) -> None:
        """Applies the mean of the replicas' gradients, added in their order.

        Args:
            step: from 0.
            members: of each replica.
            found: gradients of each member's weights.
        """
        totals = [np.zeros(vector.shape, np.float32) for vector in self._vectors]
        views = self._by_name(totals)
        for member, gradients in zip(members, found, strict=True):
            add_spread(slim(self._supernet, member), gradients, views)
        self._optimizer.learning_rate = self._recipe.learning_rate_at(step)
        self._optimizer.apply([total / len(found) for total in totals], self._vectors)

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        """All that :meth:`restore` needs to go on as if nothing had been interrupted."""
        return {name: np.asarray(variable) for name, variable in self._remembered().items()}

    def memory_names(self) -> tuple[str, ...]:
        """What :meth:`memory` gives, by name."""
        return tuple(self._remembered())

    def restore(self, memory: Mapping[str, npt.NDArray[Any]]) -> None:
        """Goes back to what :meth:`memory` gave."""
        for name, variable in self._remembered().items():
            variable.assign(memory[name])

    def _remembered(self) -> dict[str, Any]:
        return {
            **{f"weights/{vector.name}": vector for vector in self._vectors},
            **{f"optimizer/{i}": each for i, each in enumerate(self._optimizer.variables)},
        }

    def _by_name(self, vectors: Sequence[npt.NDArray[np.float32]]) -> Weights:
        """Views of the vectors."""
        views: Weights = {}
        for names, vector in zip(self._names, vectors, strict=True):
            first = 0
            for name in names:
                shape = self._supernet.shapes[name]
                views[name] = vector[first : first + math.prod(shape)].reshape(shape)
                first += math.prod(shape)
        return views
