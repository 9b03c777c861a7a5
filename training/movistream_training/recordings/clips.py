"""Clips of recordings with what is happening in each frame, as a network learns from them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.errors import VideoError
from movistream.file.manifest import ImageInput
from movistream.sources import VideoFile
from movistream.stream.preprocess import Preprocessor
from movistream_converters.quantise.videos import Part, part_frames, seen_frame
from movistream_training.augmentation import Augmentation, augment, random_augmentation
from movistream_training.batches import Batch
from movistream_training.decoding import loaded_batches
from movistream_training.recordings.frame_cache import FrameCache
from movistream_training.recordings.looking import Looked
from movistream_training.recordings.moments import Recording, targets_at
from movistream_training.recordings.windows import Window

_Clip = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class WindowReader:
    """Reads windows of recordings as clips of one length and size.

    Attributes:
        looked: the recordings that windows are of.
        labels: of the classes, in their order.
        image: the network's input.
        frames: per clip.
        flips: whether clips may be mirrored.
        cache: of their frames; None: they are decoded each time.
        skipped: is told what was wrong with each recording that could not be decoded.
    """

    looked: Sequence[Looked]
    labels: Sequence[str]
    image: ImageInput
    frames: int
    flips: bool
    cache: FrameCache | None
    skipped: dict[Recording, str]

    @property
    def frames_per_second(self) -> float:
        """That the network sees."""
        return self.image.frames_per_second or 1.0

    def training(
        self, windows: Sequence[Window], clips_per_batch: int, seed: Sequence[int]
    ) -> Iterator[Batch]:
        """Batches of windows, in their order, each changed at random."""

        def load(number: Any) -> _Clip:
            generator = np.random.default_rng([*seed, int(number)])
            change = random_augmentation(generator, flips=self.flips)
            return self._clip(windows[int(number)], change)

        yield from self._batches(load, len(windows), clips_per_batch)

    def validation(self, windows: Sequence[Window], clips_per_batch: int) -> list[Batch]:
        """Batches of windows as the runtime would show them; the last is filled up with nothing."""

        def load(number: Any) -> _Clip:
            if number >= len(windows):
                return self._nothing()
            return self._clip(windows[int(number)], None)

        count = len(windows) + -len(windows) % clips_per_batch
        return list(self._batches(load, count, clips_per_batch))

    def _batches(self, load: Any, count: int, clips_per_batch: int) -> Iterator[Batch]:
        size = self.image.height, self.image.width, self.image.channels
        shapes = (self.frames, *size), (self.frames, len(self.labels))
        yield from loaded_batches(load, count, clips_per_batch, shapes, np.float32)

    def _clip(self, window: Window, change: Augmentation | None) -> _Clip:
        one = self.looked[window.recording]
        try:
            shown = list(self._shown(window, one, change))
        except VideoError as error:
            self.skipped[one.recording] = str(error)
            return self._nothing()
        images = np.array([image for image, _ in shown])
        times_s = np.array([time_s for _, time_s in shown])
        targets = targets_at(one.recording.moments, self.labels, times_s).astype(np.float32)
        uncertain = targets_at(one.recording.uncertain, self.labels, times_s)
        weights = np.where(uncertain, np.float32(0), np.float32(1))
        if missing := self.frames - len(images):
            images = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
            rest = np.zeros((missing, len(self.labels)), np.float32)
            targets, weights = np.concatenate([targets, rest]), np.concatenate([weights, rest])
        return images, targets, weights

    def _shown(
        self, window: Window, one: Looked, change: Augmentation | None
    ) -> Iterator[tuple[npt.NDArray[np.uint8], float]]:
        """Frames of a window as the network sees them, and their times in seconds."""
        preprocess = Preprocessor(self.image)
        if change is not None and self.cache is not None:
            kept, times_s = (
                self.cache.images(window.recording),
                self.cache.times_s(window.recording),
            )
            first = int(np.searchsorted(times_s, window.start_s - 1e-6))
            first = min(first, len(times_s) - 1)
            places = first + np.round(np.arange(self.frames) * change.speed).astype(int)
            for place in places[places < len(times_s)]:
                image = augment(kept[place], change, self.image.height)
                yield seen_frame(preprocess, image, self.image), float(times_s[place])
            return
        rate = self.frames_per_second / (1.0 if change is None else change.speed)
        part = Part(one.recording.path, window.start_s, one.end_s)
        with VideoFile(part.path) as video:
            for frame in itertools.islice(part_frames(video, part, rate), self.frames):
                shown = frame.shown
                if change is not None:
                    shown = augment(frame.image, change, self.image.height)
                yield seen_frame(preprocess, shown, self.image), frame.time_s

    def _nothing(self) -> _Clip:
        size = self.image.height, self.image.width, self.image.channels
        none = np.zeros((self.frames, len(self.labels)), np.float32)
        return np.zeros((self.frames, *size), np.uint8), none, none
