"""A small space, material that is made up, and workers that are this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from movistream_converters.networks.movinet import Architecture
from movistream_training.batches import Batch
from movistream_training.search.space import Space, space_of
from movistream_training.search.workers import Workers

SPACE: Space = space_of(
    b"""
name = "tiny"
image_size = [32, 48]
frames_per_second = [10]
clip_frames = [4]
stem_filters = [8, 16]
head_filters = [16, 32]
hidden_filters = [16]
activation = ["relu6"]
head_activation = ["relu6"]

[[stages]]
layers = [1, 2]
filters = [8, 16, 24]
strides = [2]
kernels = [[1, 3], [3, 3], [3, 1]]
expansions = [1.0, 2.0, 3.0]
squeeze_excite = [false]
""",
    "tiny.toml",
)
LABELS = ("left", "right")
CLIPS, FRAMES = 6, 4


@dataclass(frozen=True)
class Drifting:
    """Stripes that drift to one side."""

    labels: tuple[str, ...] = LABELS

    def training(
        self, member: Architecture, seed: int, first_step: int, steps: int
    ) -> Iterator[Batch]:
        for step in range(first_step, first_step + steps):
            yield self._batch(member.image_size, (1, seed, step))

    def validation(self, member: Architecture) -> list[Batch]:
        return [self._batch(member.image_size, (2, 0, number)) for number in range(2)]

    def test(self, member: Architecture) -> list[Batch]:
        return [self._batch(member.image_size, (3, 0, number)) for number in range(2)]

    def _batch(self, size: int, key: tuple[int, ...]) -> Batch:
        generator = np.random.default_rng(key)
        clips = []
        for number in range(CLIPS):
            stripes = generator.integers(0, 256, size // 4, np.uint8).repeat(4)
            step = 3 if number % 2 else -3
            rows = [np.roll(stripes, step * frame) for frame in range(FRAMES)]
            clips.append(np.stack([np.broadcast_to(row[:, None], (size, size, 3)) for row in rows]))
        labels = np.tile(np.arange(CLIPS, dtype=np.int32)[:, None] % 2, (1, FRAMES))
        return Batch(np.stack(clips), labels, np.ones((CLIPS, FRAMES), np.float32))


class ThisProcess(Workers):
    """Does all at once, and the last first."""

    def __init__(self) -> None:
        super().__init__(1)

    def each(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        for index in reversed(range(len(items))):
            yield index, function(items[index])
