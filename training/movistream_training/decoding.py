"""Clips of equal length from videos, decoded while the network learns from the ones before."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from movistream.errors import VideoError
from movistream.file.manifest import ImageInput
from movistream.sources import VideoFile, VideoFrame
from movistream.stream.preprocess import Preprocessor
from movistream_converters.quantise.videos import seen_frame
from movistream_training.augmentation import Augmentation, augment, random_augmentation
from movistream_training.batches import Batch
from movistream_training.examples import Example
from movistream_training.videos import Probed, part_of_video

_DECODERS = 2
_BATCHES_AHEAD = 2


@dataclass
class ClipReader:
    """Reads clips of one length and size, and remembers the examples that it could not read.

    Attributes:
        labels: of the classes, in their order.
        image: the network's input.
        frames: per clip.
        flips: whether clips may be mirrored.
        skipped: what was wrong with each example that cannot be decoded.
    """

    labels: Sequence[str]
    image: ImageInput
    frames: int
    flips: bool
    skipped: dict[Example, str] = field(default_factory=dict)

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        """Of a clip."""
        return self.frames, self.image.height, self.image.width, self.image.channels

    def training(
        self,
        examples: Sequence[Probed],
        clips_per_batch: int,
        seed: int,
        epoch: int,
        batches: slice = slice(None),
    ) -> Iterator[Batch]:
        """An epoch: each class equally often, in random order, each clip changed at random.

        Args:
            batches: of the epoch; others are not decoded.
        """
        generator = np.random.default_rng([seed, epoch])
        order = balanced_order([probed.example.label for probed in examples], generator)
        seeds = [(seed, epoch, number) for number in range(len(order))]
        order += order[: -len(order) % clips_per_batch]
        seeds += seeds[: len(order) - len(seeds)]
        first, last, _ = batches.indices(len(order) // clips_per_batch)
        clips = slice(first * clips_per_batch, last * clips_per_batch)
        order, seeds = order[clips], seeds[clips]
        yield from self._batches(examples, order, seeds, clips_per_batch)

    def validation(self, examples: Sequence[Probed], clips_per_batch: int) -> list[Batch]:
        """Each example's beginning, as the runtime would show it."""
        order = list(range(len(examples)))
        # The last batch is as long as the others: what fills it up weighs nothing.
        order += [-1] * (-len(order) % clips_per_batch)
        return list(self._batches(examples, order, [None] * len(order), clips_per_batch))

    def _batches(
        self,
        examples: Sequence[Probed],
        order: Sequence[int],
        seeds: Sequence[tuple[int, ...] | None],
        clips_per_batch: int,
    ) -> Iterator[Batch]:
        def load(number: Any) -> tuple[Any, Any, Any]:
            index, seed = order[int(number)], seeds[int(number)]
            if index < 0:
                return self._nothing()
            return self._clip(examples[index], seed)

        shapes = self._shape, (self.frames,)
        yield from loaded_batches(load, len(order), clips_per_batch, shapes, np.int32)

    def _clip(self, probed: Probed, seed: tuple[int, ...] | None) -> tuple[Any, Any, Any]:
        try:
            images = np.array(list(self._images(probed, seed)))
        except VideoError as error:
            self.skipped[probed.example] = str(error)
            return self._nothing()
        missing = self.frames - len(images)
        weights = np.ones(self.frames, np.float32)
        if missing:
            weights[-missing:] = 0
            images = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
        label = self.labels.index(probed.example.label)
        return images, np.full(self.frames, label, np.int32), weights

    def _images(
        self, probed: Probed, seed: tuple[int, ...] | None
    ) -> Iterator[npt.NDArray[np.uint8]]:
        example, rate = probed.example, self.image.frames_per_second or 1.0
        start_s, change = example.start_s, None
        if seed is not None:
            generator = np.random.default_rng(seed)
            change = random_augmentation(generator, flips=self.flips)
            rate /= change.speed
            spare_s = probed.seconds - self.frames / rate
            start_s += generator.uniform(0, max(0.0, spare_s))
        preprocess = Preprocessor(self.image)
        with VideoFile(example.path) as video:
            frames = part_of_video(video, example, rate, start_s)
            for frame in itertools.islice(frames, self.frames):
                yield self._shown(frame, change, preprocess)

    def _shown(
        self,
        frame: VideoFrame,
        change: Augmentation | None,
        preprocess: Preprocessor,
    ) -> npt.NDArray[np.uint8]:
        shown = frame.shown
        if change is not None:
            shown = augment(frame.image, change, self.image.height)
        return seen_frame(preprocess, shown, self.image)

    def _nothing(self) -> tuple[Any, Any, Any]:
        return (
            np.zeros(self._shape, np.uint8),
            np.zeros(self.frames, np.int32),
            np.zeros(self.frames, np.float32),
        )


def loaded_batches(
    load: Callable[[Any], tuple[Any, Any, Any]],
    count: int,
    clips_per_batch: int,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    targets: type[np.int32] | type[np.float32],
) -> Iterator[Batch]:
    """Batches of clips that are loaded while the network learns from the ones before.

    Args:
        load: gives the images, targets and weights of the clip of a number.
        count: of clips; what is left of them after whole batches is not loaded.
        shapes: of a clip's images, and of its targets and weights.
        targets: their type.
    """

    def load_tensors(number: Any) -> tuple[Any, Any, Any]:
        images, truth, weights = tf.numpy_function(
            load, [number], (tf.uint8, tf.as_dtype(targets), tf.float32), stateful=True
        )
        return (
            tf.ensure_shape(images, shapes[0]),
            tf.ensure_shape(truth, shapes[1]),
            tf.ensure_shape(weights, shapes[1]),
        )

    data = (
        tf.data.Dataset.range(count)
        .map(load_tensors, num_parallel_calls=_DECODERS, deterministic=True)
        .batch(clips_per_batch, drop_remainder=True)
        .prefetch(_BATCHES_AHEAD)
    )
    # Decoding does not wait for the network, which takes one operator at a time.
    options = tf.data.Options()
    options.threading.private_threadpool_size = _DECODERS
    for arrays in data.with_options(options).as_numpy_iterator():
        yield Batch(*arrays)


def balanced_order(labels: Sequence[str], generator: np.random.Generator) -> list[int]:
    """Indices in random order, in which each class comes as often as the most frequent one."""
    by_class = {
        label: [index for index, own in enumerate(labels) if own == label]
        for label in sorted(set(labels))
    }
    most = max(map(len, by_class.values()))
    order: list[int] = []
    for indices in by_class.values():
        rounds = math.ceil(most / len(indices))
        order += list(
            np.concatenate([generator.permutation(indices) for _ in range(rounds)])[:most]
        )
    return [int(order[place]) for place in generator.permutation(len(order))]
