"""The task of a data set in which every video, or part of one, is of one class."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from movistream.errors import VideoError
from movistream.file.manifest import ImageInput
from movistream_converters.formats.source import Source
from movistream_converters.ir.network import Network, image_of
from movistream_converters.ir.weights import Weights
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_training.answers import Answer, confusion, frame_accuracy
from movistream_training.batches import Batch
from movistream_training.decoding import ClipReader
from movistream_training.errors import TrainingError
from movistream_training.examples import DataSet, Example, divide
from movistream_training.plots import plot_confusion
from movistream_training.recipe import CROSS_ENTROPY
from movistream_training.run_folder import RunFolder
from movistream_training.task import Clips, Concluded, OnRead, Plan, Task
from movistream_training.videos import Probed, parts_of, probe

LEAST_FRAMES = 4


def examples_task(data: DataSet, plan: Plan, image: ImageInput, on_read: OnRead) -> Task:
    """Looks at all videos of a data set, and divides them.

    Raises:
        TrainingError: if the data cannot be used.
    """
    probed, skipped = _probe_all(data.examples, on_read)
    _check_classes(data, probed, skipped)
    readable = tuple(one.example for one in probed)
    sides = divide(DataSet(data.labels, readable), plan.validation_share, plan.seed)
    training, validation = (
        tuple(one for one in probed if one.example in side) for side in map(frozenset, sides)
    )
    rate = image.frames_per_second or 1.0
    frames = plan.frames_per_clip or _usual_frames(training, rate, plan.most_frames)
    reader = ClipReader(data.labels, image, frames, plan.flips, skipped)
    per_class = [sum(one.example.label == label for one in training) for label in data.labels]

    def read(_: RunFolder) -> Clips:
        return Clips(
            lambda epoch: reader.training(training, plan.clips_per_batch, plan.seed, epoch),
            reader.validation(validation, plan.clips_per_batch),
        )

    def conclude(run: RunFolder, kept: Source, batches: Sequence[Batch]) -> Concluded:
        answers = tuple(_clip_answers(kept.network, kept.weights, batches))
        matrix = confusion(answers, len(data.labels))
        plot_confusion(matrix, data.labels, run.confusion)
        return Concluded(
            f"right in {frame_accuracy(answers):.1%} of the validation frames, and at the end of"
            f" {matrix.trace()} of {matrix.sum()} validation clips",
            (run.confusion,),
        )

    return Task(
        labels=data.labels,
        loss=CROSS_ENTROPY,
        frames=frames,
        horizon_frames=None,
        steps_per_epoch=math.ceil(len(data.labels) * max(per_class) / plan.clips_per_batch),
        sides={"training": sides[0], "validation": sides[1]},
        counts=(f"{len(training)} examples", str(len(validation))),
        read=read,
        calibration=parts_of(one.example for one in training),
        conclude=conclude,
        skipped=lambda: tuple(skipped.values()),
    )


def _probe_all(
    examples: Sequence[Example], on_read: OnRead
) -> tuple[tuple[Probed, ...], dict[Example, str]]:
    probed, skipped = [], {}
    for number, example in enumerate(examples, start=1):
        try:
            probed.append(probe(example))
        except VideoError as error:
            skipped[example] = str(error)
        on_read(number, len(examples))
    return tuple(probed), skipped


def _check_classes(data: DataSet, probed: Sequence[Probed], skipped: dict[Example, str]) -> None:
    found = {one.example.label for one in probed}
    for label in data.labels:
        if label not in found:
            first = next(text for example, text in skipped.items() if example.label == label)
            raise TrainingError(f"the class {label!r} has no video that can be decoded: {first}")


def _usual_frames(training: Sequence[Probed], rate: float, most_frames: int) -> int:
    """As many as half of the examples have, within what is sensible."""
    usual_s = float(np.quantile([one.seconds for one in training], 0.5))
    return min(most_frames, max(LEAST_FRAMES, round(usual_s * rate)))


def _clip_answers(network: Network, weights: Weights, batches: Sequence[Batch]) -> Iterator[Answer]:
    """What weights say to the clips of batches, without what only fills them up."""
    for batch in batches:
        logits, _ = run_clip(network, weights, seen(batch.images, image_of(network)))
        for truth, counts, scores in zip(batch.targets, batch.weights, logits.numpy(), strict=True):
            if counts.any():
                frames = int(np.flatnonzero(counts)[-1]) + 1
                yield Answer(int(truth[0]), scores[:frames])
