"""The task of recordings in which several things happen, now and then."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

import movistream
from movistream.file.manifest import ImageInput
from movistream_converters.conversion import convert_source
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import Softmax
from movistream_training.batches import Batch
from movistream_training.errors import TrainingError
from movistream_training.plots import plot_precision_recall
from movistream_training.recipe import Loss, LossKind
from movistream_training.recordings.clips import WindowReader
from movistream_training.recordings.frame_cache import cache_for, fill_all
from movistream_training.recordings.judging import judge_recordings
from movistream_training.recordings.looking import Looked, look_at
from movistream_training.recordings.moments import Recording, Recordings
from movistream_training.recordings.streaming import stream_recordings
from movistream_training.recordings.table import divide_recordings, rows_of
from movistream_training.recordings.thresholds import choose_events
from movistream_training.recordings.windows import (
    all_windows,
    calibration_parts,
    draw_windows,
    positive_weights,
)
from movistream_training.run_folder import RunFolder
from movistream_training.task import Clips, Concluded, OnRead, Plan, Task

_LEAST_FRAMES = 4
_LEAST_HORIZON = 2
_WINDOWS_PER_CLASS = 16
"""In an epoch, where the recordings are shorter than so many."""

_MOST_VALIDATION_WINDOWS = 400


def recordings_task(
    kind: LossKind, data: Recordings, plan: Plan, image: ImageInput, on_read: OnRead
) -> Task:
    """Looks at all recordings, and divides them.

    Raises:
        TrainingError: if the data cannot be used, or the network lets only one class be right.
    """
    if any(isinstance(node.layer, Softmax) for node in plan.source.network.nodes):
        raise TrainingError(
            f"{plan.source.network.name} ends in a softmax, by which only one class can be right"
        )
    looked, skipped = look_at(data.recordings, on_read)
    readable = Recordings(data.labels, tuple(one.recording for one in looked))
    _check_classes(readable, skipped)
    sides = divide_recordings(readable, plan.validation_share, plan.seed)
    training, validation = (
        [one for one in looked if one.recording in side] for side in map(frozenset, sides)
    )
    rate = image.frames_per_second or 1.0
    usual_s = float(np.median([one.seconds for one in training]))
    frames = plan.frames_per_clip or min(
        plan.most_frames, max(_LEAST_FRAMES, math.floor(usual_s * rate))
    )
    seconds = frames / rate
    total_s = sum(one.seconds for one in training)
    count = max(_WINDOWS_PER_CLASS * len(data.labels), round(total_s / seconds))
    steps = math.ceil(count / plan.clips_per_batch)

    def read(run: RunFolder) -> Clips:
        cache = cache_for(run.frames, training, image, rate)
        if cache is not None:
            fill_all(cache, training, on_read)

        def batches(epoch: int) -> Iterator[Batch]:
            generator = np.random.default_rng([plan.seed, epoch])
            windows = draw_windows(
                training, data.labels, seconds, steps * plan.clips_per_batch, generator
            )
            return reader.training(windows, plan.clips_per_batch, (plan.seed, epoch))

        reader = WindowReader(training, data.labels, image, frames, plan.flips, cache, skipped)
        judged = replace(reader, looked=validation, cache=None)
        windows = all_windows(validation, seconds, _MOST_VALIDATION_WINDOWS)
        clips = Clips(batches, judged.validation(windows, plan.clips_per_batch))
        return clips if cache is None else replace(clips, close=cache.remove)

    def conclude(run: RunFolder, kept: Source, _: Sequence[Batch]) -> Concluded:
        path = run.path / "float32.tflite"
        convert_source(kept, path)
        with movistream.load(path) as model:
            streamed = stream_recordings(model, sides[1])
        events = choose_events(streamed, data.labels)
        chosen = replace(kept, events=events)
        safetensors_file.write(chosen, run.weights)
        convert_source(chosen, path)
        judgement = judge_recordings(streamed, data.labels, events)
        plot_precision_recall(judgement.curves, run.precision_recall)
        assert judgement.events is not None
        return Concluded(
            f"mean average precision {judgement.frames.mean:.1%} in the frames of"
            f" {len(streamed)} validation recordings, streamed; F1 of events"
            f" {judgement.events.f1(0.5):.2f} at half an overlap",
            (run.precision_recall,),
        )

    return Task(
        labels=data.labels,
        loss=Loss(kind, positive_weights(training, data.labels)),
        frames=frames,
        # What happens now would be lost in the mean of all that was before.
        horizon_frames=max(_LEAST_HORIZON, frames // 3),
        steps_per_epoch=steps,
        sides={
            "training": rows_of(sides[0], "training"),
            "validation": rows_of(sides[1], "validation"),
        },
        counts=(
            f"{len(training)} recordings of {_length(training)}",
            f"{len(validation)} of {_length(validation)}",
        ),
        read=read,
        calibration=calibration_parts(training, data.labels, seconds, plan.seed),
        conclude=conclude,
        skipped=lambda: tuple(skipped.values()),
    )


def _check_classes(data: Recordings, skipped: dict[Recording, str]) -> None:
    found = {moment.label for one in data.recordings for moment in one.moments}
    for label in data.labels:
        if label not in found:
            first = next(
                text
                for recording, text in skipped.items()
                if any(moment.label == label for moment in recording.moments)
            )
            raise TrainingError(f"the class {label!r} is in no video that can be decoded: {first}")


def _length(looked: Sequence[Looked]) -> str:
    """How long recordings are together, for people."""
    seconds = sum(one.seconds for one in looked)
    return f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.0f} s"
