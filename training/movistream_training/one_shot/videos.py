"""Videos as a one-shot search takes them: for each replica of each step, a batch of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from movistream_converters.networks.movinet import Architecture
from movistream_training.batches import Batch
from movistream_training.search.material import VideoMaterial

_MOST_BATCHES = 2**31


@dataclass(frozen=True)
class TrainingVideos:
    """What shared weights learn from.

    Attributes:
        replicas: in each step.
    """

    material: VideoMaterial
    replicas: int
    seed: int

    def __call__(self, member: Architecture, step: int, replica: int) -> Batch:
        number = step * self.replicas + replica
        return next(iter(self.material.training(member, self.seed, number, 1)))


@dataclass(frozen=True)
class JudgingVideos:
    """What members are rewarded for: some of the validation examples."""

    material: VideoMaterial
    seed: int

    def __call__(self, member: Architecture, step: int, replica: int) -> Batch:
        generator = np.random.default_rng([self.seed, step, replica])
        return self.material.validation_batch(member, int(generator.integers(_MOST_BATCHES)))
