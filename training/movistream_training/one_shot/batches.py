"""Batches for a space whose members all see the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from movistream_converters.networks.movinet import Architecture
from movistream_training.batches import Batch
from movistream_training.errors import SearchError
from movistream_training.search.space import Space


@dataclass(frozen=True)
class FixedBatches:
    """Takes one of some batches at random: the same for the same step and replica."""

    batches: tuple[Batch, ...]
    seed: int

    def __call__(self, member: Architecture, step: int, replica: int) -> Batch:
        generator = np.random.default_rng([self.seed, step, replica])
        return self.batches[int(generator.integers(len(self.batches)))]


def fixed_batches(space: Space, batches: Sequence[Batch], seed: int) -> FixedBatches:
    """One of these batches for each member, whatever it is.

    Raises:
        SearchError: if there are none, or members of the space see different clips.
    """
    if not batches:
        raise SearchError("there are no batches to search with")
    for name in ("image_size", "frames_per_second", "clip_frames"):
        if len(found := getattr(space, name)) > 1:
            raise SearchError(
                f"the space {space.name} leaves {name} open ({', '.join(map(str, found))}), and"
                " batches of one kind are given: fix it, or give batches by member"
            )
    return FixedBatches(tuple(batches), seed)
