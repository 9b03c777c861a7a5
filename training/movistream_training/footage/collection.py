"""All that scenes are made from, read at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from movistream_training.footage.scene import Picture
from movistream_training.footage.sources import Use, files, is_video, read_picture, read_video
from movistream_training.footage.textures import dead_leaves

_TEXTURES = 48


@dataclass(frozen=True)
class Footage:
    """What scenes are made from.

    Attributes:
        pictures: photographs and textures.
        videos: frames of cameras that stand still.
    """

    pictures: Sequence[Picture]
    videos: Sequence[Sequence[Picture]] = ()


def training_footage(folder: Path, seed: int) -> Footage:
    """What scenes of the training are made from: the sources, and as many textures.

    Raises:
        MovistreamError: if a source is missing or cannot be read.
    """
    paths = files(folder, Use.TRAINING)
    generator = np.random.default_rng([seed, 0])
    textures = [dead_leaves(generator) for _ in range(_TEXTURES)]
    return Footage(
        pictures=[read_picture(path) for path in paths if not is_video(path)] + textures,
        videos=[read_video(path) for path in paths if is_video(path)],
    )


def judged_footage(folder: Path) -> Footage:
    """The photographs and videos that nothing is learnt from.

    Raises:
        MovistreamError: if one is missing or cannot be read.
    """
    paths = files(folder, Use.JUDGING)
    return Footage(
        pictures=[read_picture(path) for path in paths if not is_video(path)],
        videos=[read_video(path) for path in paths if is_video(path)],
    )
