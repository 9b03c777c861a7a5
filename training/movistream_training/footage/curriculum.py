"""What a model in the box learns from rendered clips, in which order, and by which recipe."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from movistream.file.manifest import Activation
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import (
    CUSTOM,
    Architecture,
    MovinetOptions,
    default_options,
)
from movistream_training.batches import Batch
from movistream_training.errors import TrainingError
from movistream_training.footage.clip import Clip, batch_of
from movistream_training.footage.collection import Footage
from movistream_training.initial import initial_weights
from movistream_training.recipe import Recipe

ClipsOfScene: TypeAlias = Callable[[Footage, int, int, np.random.Generator, float], list[Clip]]
"""Clips of one random scene of some footage: of so many frames, of so many pixels per side, and how
likely they have what is hard, 0 to 1."""

_BATCHES_AHEAD = 4

_AGAIN_AFTER = 8
"""So many batches after it was shown, each is shown again in another way."""

_NICE = 19

MOST_WAYS = 4
"""As it was rendered, mirrored, upside down with other colours, and both."""


@dataclass(frozen=True)
class Curriculum:
    """Everything about a training on rendered clips but the network and the footage.

    Attributes:
        name: of the model.
        labels: of its classes.
        activation: of its scores.
        frames_per_second: that clips are rendered with.
        horizon_frames: that answers follow.
        recipes: one after another, each from the weights of the one before.
        clips_of_scene: renders them.
        clips_per_scene: that it gives.
        frames_per_clip: of each.
        scenes_per_batch: whose clips are a batch.
        validation_batches: of clips that are never trained on, of the pictures that are.
        difficulty: of an epoch, counted from 0: how likely a scene is hard, 0 to 1.
        ways: in which each batch is shown, 1 to :data:`MOST_WAYS`.
        first_weights: of a network and a seed.
    """

    name: str
    labels: tuple[str, ...]
    activation: Activation
    frames_per_second: float
    horizon_frames: int
    recipes: tuple[Recipe, ...]
    clips_of_scene: ClipsOfScene
    clips_per_scene: int
    frames_per_clip: int
    scenes_per_batch: int
    validation_batches: int
    difficulty: Callable[[int], float]
    ways: int = 1
    first_weights: Callable[[Network, int], Weights] = initial_weights

    def options(self, table: Architecture) -> MovinetOptions:
        """The options of a network of a table of blocks.

        Raises:
            TrainingError: if it sees another number of frames per second than the clips have.
        """
        if table.frames_per_second != self.frames_per_second:
            raise TrainingError(
                f"the clips have {self.frames_per_second} frames per second, and the network sees"
                f" {table.frames_per_second}"
            )
        return replace(
            default_options(CUSTOM, table=table),
            num_classes=len(self.labels),
            horizon_frames=self.horizon_frames,
        )

    def random_batch(
        self, footage: Footage, size: int, generator: np.random.Generator, difficulty: float = 1.0
    ) -> Batch:
        """A batch of a few scenes, of so many pixels per side."""
        scenes = (
            self.clips_of_scene(footage, self.frames_per_clip, size, generator, difficulty)
            for _ in range(self.scenes_per_batch)
        )
        return batch_of([clip for clips in scenes for clip in clips])

    def validation(self, footage: Footage, size: int, seed: int) -> list[Batch]:
        """Clips that are never trained on."""
        return [
            self.random_batch(footage, size, np.random.default_rng([seed, 2, index]))
            for index in range(self.validation_batches)
        ]

    def training(
        self, footage: Footage, size: int, seed: int, steps: int, epoch: int
    ) -> Iterator[Batch]:
        """The batches of an epoch, rendered while the network learns from the ones before."""

        def render() -> Iterator[Batch]:
            # The step goes first: its threads wait for each other, so none should wait for this.
            if sys.platform == "linux":
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
            shown: list[Batch] = []
            count = steps // self.ways
            for index in range(count + (self.ways - 1) * _AGAIN_AFTER):
                if index < count:
                    generator = np.random.default_rng([seed, 1, epoch, index])
                    difficulty = self.difficulty(epoch)
                    shown.append(self.random_batch(footage, size, generator, difficulty))
                for way in range(self.ways):
                    number = index - way * _AGAIN_AFTER
                    if 0 <= number < count:
                        yield _seen_in(shown[number], way)

        clips = self.scenes_per_batch * self.clips_per_scene, self.frames_per_clip
        several = self.recipes[0].loss.is_of_several
        yield from _rendered_ahead(render, clips, size, len(self.labels) if several else None)


def _seen_in(batch: Batch, way: int) -> Batch:
    """The batch in one of the ways in which each is shown."""
    images = batch.images
    if way % 2:
        images = images[:, :, :, ::-1]
    if way >= MOST_WAYS // 2:
        images = images[:, :, ::-1, :, ::-1]
    return replace(batch, images=images)


def _rendered_ahead(
    render: Callable[[], Iterator[Batch]], clips: tuple[int, int], size: int, classes: int | None
) -> Iterator[Batch]:
    """Batches that are rendered while the network learns from the ones before.

    Args:
        clips: how many a batch has, and of how many frames.
        size: of a frame, in pixels per side.
        classes: of which several may be right at once; None where one is.
    """
    targets = tf.TensorSpec(clips, tf.int32)
    if classes is not None:
        targets = tf.TensorSpec((*clips, classes), tf.float32)
    data = tf.data.Dataset.from_generator(
        lambda: ((batch.images, batch.targets, batch.weights) for batch in render()),
        output_signature=(
            tf.TensorSpec((*clips, size, size, 3), tf.uint8),
            targets,
            tf.TensorSpec(targets.shape, tf.float32),
        ),
    )
    # Rendering does not wait for the network, which takes one operator at a time.
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    for arrays in data.prefetch(_BATCHES_AHEAD).with_options(options).as_numpy_iterator():
        yield Batch(*arrays)
