"""Frames of recordings, decoded once and kept on the disk while a network learns from them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from movistream.file.manifest import ImageInput
from movistream.sources import VideoFile
from movistream.system.output import replaced_when_done
from movistream_converters.quantise.videos import Part, part_frames
from movistream_training.recordings.looking import Looked

_LARGER = 4 / 3
"""Than the network's image: the smallest crop that a clip is changed by has the image's size."""

_MOST_OF_THE_DISK = 0.5
"""Of what is free."""


@dataclass(frozen=True)
class FrameCache:
    """Frames of each recording at a network's rate, a file each.

    Attributes:
        folder: of the files; nothing else is in it.
        frames_per_second: that are kept.
        shorter_side: of each frame, in pixels.
    """

    folder: Path
    frames_per_second: float
    shorter_side: int

    def images(self, index: int) -> npt.NDArray[np.uint8]:
        """The frames of a recording, uint8 RGB (frames, height, width, 3), on the disk."""
        kept: npt.NDArray[np.uint8] = np.load(self._images(index), mmap_mode="r")
        return kept

    def times_s(self, index: int) -> npt.NDArray[np.float64]:
        """When they were, in seconds of the video, (frames,)."""
        times: npt.NDArray[np.float64] = np.load(self._times(index))
        return times

    def fill(self, index: int, one: Looked) -> None:
        """Decodes a recording, unless that was done before.

        Raises:
            VideoError: if it cannot be decoded.
        """
        if self._times(index).is_file():
            return
        kept: npt.NDArray[np.uint8] | None = None
        times_s: list[float] = []
        most = round(one.seconds * self.frames_per_second) + 2
        part = Part(one.recording.path, one.recording.start_s, one.end_s)
        with replaced_when_done(self._images(index)) as path, VideoFile(part.path) as video:
            for frame in part_frames(video, part, self.frames_per_second):
                if kept is None:
                    shape = (most, *self._size(frame.image), 3)
                    kept = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
                if len(times_s) == most:
                    break
                # Sampled as the runtime samples: bilinear, without smoothing.
                height, width = kept.shape[1:3]
                kept[len(times_s)] = cv2.resize(
                    frame.image, (width, height), interpolation=cv2.INTER_LINEAR
                )
                times_s.append(frame.time_s)
            del kept
        with replaced_when_done(self._times(index)) as path, path.open("wb") as file:
            np.save(file, np.array(times_s))

    def remove(self) -> None:
        """Gives the disk back."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _size(self, image: npt.NDArray[np.uint8]) -> tuple[int, int]:
        """Height and width that a recording is kept in."""
        height, width = image.shape[:2]
        scale = min(1.0, self.shorter_side / min(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def _images(self, index: int) -> Path:
        return self.folder / f"{index}.npy"

    def _times(self, index: int) -> Path:
        return self.folder / f"{index}.times.npy"


def cache_for(
    folder: Path, looked: Sequence[Looked], image: ImageInput, frames_per_second: float
) -> FrameCache | None:
    """A cache in a folder, which is made; None where it would take more than half of the disk."""
    side = round(_LARGER * max(image.height, image.width))
    frames = sum(one.seconds for one in looked) * frames_per_second
    # Of films that are wider than most.
    needed = frames * 2.4 * side**2 * 3
    folder.parent.mkdir(parents=True, exist_ok=True)
    if needed > _MOST_OF_THE_DISK * shutil.disk_usage(folder.parent).free:
        return None
    folder.mkdir(exist_ok=True)
    return FrameCache(folder, frames_per_second, side)


def fill_all(
    cache: FrameCache, looked: Sequence[Looked], on_recording: Callable[[int, int], None]
) -> None:
    """Decodes all recordings.

    Raises:
        VideoError: if one cannot be decoded.
    """
    for index, one in enumerate(looked):
        cache.fill(index, one)
        on_recording(index + 1, len(looked))
