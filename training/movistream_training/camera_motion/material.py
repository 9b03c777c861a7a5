"""Camera motion as a search takes it: rendered scenes, kept on the disk for the next network."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from movistream.demo.motion import LABELS
from movistream_converters.networks.movinet import Architecture
from movistream_training.batches import Batch
from movistream_training.camera_motion.curriculum import CURRICULUM
from movistream_training.footage.collection import Footage, judged_footage, training_footage
from movistream_training.footage.sources import Use

_SEED = 1
"""Of all scenes: networks and seeds see the same, in other orders."""

_SHUFFLED_STEPS = 25
"""Batches change places with their neighbours only, as scenes get harder by and by."""

_EASY_SHARE = 0.22
"""Of the steps, over which plain scenes give way to hard ones: as in the full recipe."""

_HARD_SHARE = 0.5
"""Of the scenes, in the end: in a short training, what all are hard for tells nothing apart."""

_TRAINING, _VALIDATION, _TEST = 1, 2, 3


@dataclass(frozen=True)
class RenderedMaterial:
    """Batches of rendered scenes.

    Attributes:
        footage: a folder that :mod:`.footage.fetching` has filled.
        steps: of a whole trial.
        kept: a folder for batches: 5 MB each for images of 96 pixels.
    """

    footage: Path
    steps: int
    kept: Path

    @property
    def labels(self) -> tuple[str, ...]:
        """The motions."""
        return LABELS

    def training(
        self, member: Architecture, seed: int, first_step: int, steps: int
    ) -> Iterator[Batch]:
        """Scenes of the training's pictures, plain ones first."""
        for step in range(first_step, first_step + steps):
            index = self._place(seed, step)
            difficulty = _HARD_SHARE * min(1.0, index / (_EASY_SHARE * self.steps))
            yield self._batch(member.image_size, Use.TRAINING, (_TRAINING, index), difficulty)

    def validation(self, member: Architecture) -> list[Batch]:
        """Other scenes of the same pictures."""
        return [
            self._batch(member.image_size, Use.TRAINING, (_VALIDATION, index), _HARD_SHARE)
            for index in range(CURRICULUM.validation_batches)
        ]

    def test(self, member: Architecture) -> list[Batch]:
        """Scenes of the pictures and videos that nothing is learnt from."""
        return [
            self._batch(member.image_size, Use.JUDGING, (_TEST, index), _HARD_SHARE)
            for index in range(CURRICULUM.validation_batches)
        ]

    def _place(self, seed: int, step: int) -> int:
        """Which batch is that of a step."""
        block = step - step % _SHUFFLED_STEPS
        length = min(_SHUFFLED_STEPS, self.steps - block)
        order = np.random.default_rng([seed, block]).permutation(length)
        return block + int(order[step - block])

    def _batch(self, size: int, use: Use, key: tuple[int, int], difficulty: float) -> Batch:
        def render() -> Batch:
            generator = np.random.default_rng([_SEED, *key])
            return CURRICULUM.random_batch(_footage(self.footage, use), size, generator, difficulty)

        return _kept(
            self.kept / f"{size}-{key[0]}-{key[1]}-{math.floor(100 * difficulty)}.npz", render
        )


@lru_cache(maxsize=2)
def _footage(folder: Path, use: Use) -> Footage:
    return training_footage(folder, _SEED) if use is Use.TRAINING else judged_footage(folder)


def _kept(path: Path, make: Callable[[], Batch]) -> Batch:
    """A batch as a file has it, or made, and written to the file."""
    try:
        with np.load(path) as arrays:
            return Batch(arrays["images"], arrays["labels"], arrays["weights"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        batch = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with part.open("wb") as file:
        np.savez(file, images=batch.images, labels=batch.targets, weights=batch.weights)
    part.replace(path)
    return batch
