"""What there is to learn, and by what: what one data set differs in from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from movistream.file.manifest import ImageInput
from movistream_converters.formats.source import Source
from movistream_converters.quantise.videos import Part
from movistream_training.batches import Batch
from movistream_training.examples import Example
from movistream_training.fit import Batches
from movistream_training.recipe import Loss
from movistream_training.run_folder import RunFolder


@dataclass(frozen=True)
class Plan:
    """What to train, as a user says it.

    Attributes:
        source: the network, whose classes are taken from the data, and the weights to start from;
            none: from nothing.
        epochs: at most.
        int8_epochs: after them, with numbers rounded as the int8 file rounds them.
        frozen_epochs: first ones, in which only the classifier learns.
        learning_rate: the highest.
        clips_per_batch: in each step.
        frames_per_clip: of each; None: as long as most examples are.
        most_frames: of a clip, where that is not said.
        sub_clip_frames: see :class:`.recipe.Recipe`.
        patience_epochs: see :class:`.recipe.Recipe`.
        validation_share: of the videos, where the data do not say.
        flips: whether clips may be mirrored.
        horizon_s: about so many last seconds shall answers follow; None: as the task has it.
        seed: of everything random.
    """

    source: Source
    epochs: int
    int8_epochs: int
    frozen_epochs: int
    learning_rate: float
    clips_per_batch: int
    frames_per_clip: int | None
    most_frames: int
    sub_clip_frames: int | None
    patience_epochs: int | None
    validation_share: float
    flips: bool
    horizon_s: float | None
    seed: int


@dataclass(frozen=True)
class Clips:
    """What a network learns from, and is judged on while it learns.

    Attributes:
        close: gives back what the disk holds of them.
    """

    training: Batches
    validation: Sequence[Batch]
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Concluded:
    """What a finished training came to.

    Attributes:
        text: how right the network is, to stand behind "kept epoch 3: ".
        files: that were written.
    """

    text: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Task:
    """What there is to learn.

    Attributes:
        labels: of the classes, in their order.
        loss: what is made small.
        frames: of a clip.
        horizon_frames: about so many last frames shall answers follow, where the network does not
            forget by itself; None: all.
        steps_per_epoch: batches in one.
        sides: rows of a table by split, as they are kept with the run.
        counts: for people, how much there is to train on, and how much to judge on.
        read: opens the clips; what is kept on the disk meanwhile lies in the folder of the run.
        calibration: what the int8 file takes its ranges from.
        conclude: judges the weights that were kept, and draws pictures.
        skipped: what was wrong with each video that could not be decoded, so far.
    """

    labels: tuple[str, ...]
    loss: Loss
    frames: int
    horizon_frames: int | None
    steps_per_epoch: int
    sides: Mapping[str, Sequence[Example]]
    counts: tuple[str, str]
    read: Callable[[RunFolder], Clips]
    calibration: tuple[Part, ...]
    conclude: Callable[[RunFolder, Source, Sequence[Batch]], Concluded]
    skipped: Callable[[], Sequence[str]]


OnRead: TypeAlias = Callable[[int, int], None]
"""Is told how many videos have been looked at, and of how many."""

TaskMaker: TypeAlias = Callable[[Plan, ImageInput, OnRead], Task]
"""Makes a task of data for a network that takes such images at a rate."""
