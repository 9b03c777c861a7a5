"""What the networks of a search learn from and are judged on.

Examples are in three parts. Networks learn from one; on the second they are compared; the third is
opened once, when all is decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from movistream.file.manifest import ImageInput
from movistream_converters.networks.movinet import Architecture
from movistream_converters.quantise.videos import image_input
from movistream_training.batches import Batch
from movistream_training.decoding import ClipReader
from movistream_training.errors import SearchError
from movistream_training.search.members import Task, source_of
from movistream_training.videos import Probed


class Material(Protocol):
    """Batches for any member of a space. Workers get a copy."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the classes, in their order."""

    def training(
        self, member: Architecture, seed: int, first_step: int, steps: int
    ) -> Iterator[Batch]:
        """So many batches from a step on; the same whenever they are asked for."""

    def validation(self, member: Architecture) -> list[Batch]:
        """What members are compared on."""

    def test(self, member: Architecture) -> list[Batch]:
        """What the chosen one is judged on, once."""


@dataclass(frozen=True)
class VideoMaterial:
    """Videos of a user.

    Attributes:
        most_frames: of a clip; members that were made for fewer get fewer.
        flips: whether clips may be mirrored.
    """

    labels: tuple[str, ...]
    trained: Sequence[Probed]
    validated: Sequence[Probed]
    tested: Sequence[Probed]
    clips_per_batch: int
    most_frames: int
    flips: bool

    def training(
        self, member: Architecture, seed: int, first_step: int, steps: int
    ) -> Iterator[Batch]:
        """Passes over the examples, one behind the other."""
        reader, length = self._reader(member), self._batches_per_pass
        while steps > 0:
            number, first = divmod(first_step, length)
            count = min(steps, length - first)
            part = slice(first, first + count)
            yield from reader.training(self.trained, self.clips_per_batch, seed, number, part)
            first_step, steps = first_step + count, steps - count

    def validation(self, member: Architecture) -> list[Batch]:
        """The beginnings of its examples."""
        return self._judged(member, self.validated)

    def validation_batch(self, member: Architecture, number: int) -> Batch:
        """One batch of them, as if they went on for ever."""
        first = number * self.clips_per_batch
        places = range(first, first + self.clips_per_batch)
        examples = [self.validated[place % len(self.validated)] for place in places]
        return self._judged(member, examples)[0]

    def test(self, member: Architecture) -> list[Batch]:
        """The beginnings of its examples."""
        return self._judged(member, self.tested)

    @property
    def _batches_per_pass(self) -> int:
        counts = [
            sum(probed.example.label == label for probed in self.trained) for label in self.labels
        ]
        return -(-len(counts) * max(counts) // self.clips_per_batch)

    def _judged(self, member: Architecture, examples: Sequence[Probed]) -> list[Batch]:
        reader = self._reader(member)
        batches = reader.validation(examples, self.clips_per_batch)
        if reader.skipped:
            raise SearchError(
                f"a video that was there is not: {next(iter(reader.skipped.values()))}"
            )
        return batches

    def _reader(self, member: Architecture) -> ClipReader:
        source = source_of(member, Task(len(self.labels)))
        image: ImageInput = image_input(source.network, source.frames_per_second)
        return ClipReader(self.labels, image, min(self.most_frames, member.clip_frames), self.flips)
