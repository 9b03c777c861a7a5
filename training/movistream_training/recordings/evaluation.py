"""Judges files on recordings, and tells what came of it to people and to programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

import movistream
from movistream.file.manifest import EventDefaults
from movistream.sources.decoding import QUALITIES, Quality
from movistream.watch.events import EventOptions, defaults_for, rules_of
from movistream_converters.quantise.videos import Part
from movistream_training.errors import TrainingError
from movistream_training.examples import of_split
from movistream_training.measures.average_precision import BestThreshold
from movistream_training.measures.events import THRESHOLDS, EventMeasures
from movistream_training.plots import plot_precision_recall, plot_recording
from movistream_training.recordings.judging import Judgement, judge_recordings
from movistream_training.recordings.looking import look_at
from movistream_training.recordings.moments import Recordings
from movistream_training.recordings.streaming import Streamed, events_of, stream_recordings
from movistream_training.recordings.table import find_recordings
from movistream_training.recordings.windows import calibration_parts

_CALIBRATION_SECONDS = 5.0

_MOST_PICTURES = 6
"""Of recordings, one each."""


@dataclass(frozen=True, eq=False)
class JudgedFile:
    """What one file said, decoded in one quality.

    Attributes:
        name: of the file.
        size_bytes: of the file.
        quality: how the recordings were decoded.
        labels: of its classes.
        rules: when something counted as seen.
        streamed: what it said.
        judgement: how right that is.
    """

    name: str
    size_bytes: int
    quality: Quality
    labels: tuple[str, ...]
    rules: EventDefaults
    streamed: tuple[Streamed, ...]
    judgement: Judgement


def judge_file(
    path: Path,
    data: Recordings,
    *,
    events: bool,
    shuffle_seed: int | None = None,
    quality: Quality = "exact",
    on_recording: Callable[[], None] = lambda: None,
) -> JudgedFile:
    """Streams recordings through a .tflite file.

    Args:
        events: whether events are judged too, by the file's own thresholds.

    Raises:
        TrainingError: if the file does not name its classes, or does not know one of the data's.
        MovistreamError: if the file or a video cannot be read.
    """
    with movistream.load(path) as model:
        labels = model.labels
        if not labels:
            raise TrainingError(
                f"{path} does not name its classes: convert it again with --labels, so that answers"
                " can be compared with the names of the data"
            )
        if unknown := sorted(set(data.labels) - set(labels)):
            raise TrainingError(f"{path} has no class {unknown[0]!r}; its classes are {labels}")
        streamed = stream_recordings(
            model,
            data.recordings,
            shuffle_seed=shuffle_seed,
            quality=quality,
            on_recording=on_recording,
        )
        rules = model.event_defaults or defaults_for(len(labels))
    judgement = judge_recordings(streamed, labels, rules if events else None)
    size = path.stat().st_size
    return JudgedFile(path.name, size, quality, labels, rules, tuple(streamed), judgement)


def recorded_calibration(split: Path) -> tuple[Part, ...]:
    """What the int8 file of a run takes its ranges from: windows of what was trained on."""
    data = find_recordings(split)
    trained = [one for one in data.recordings if one.split == "training"]
    looked, _ = look_at(trained, lambda _done, _total: None)
    return calibration_parts(looked, data.labels, _CALIBRATION_SECONDS, 1)


def unseen_recordings(split: Path, data: Recordings | None) -> tuple[Recordings, int]:
    """Recordings that a run was not trained on, and how many of the data were left out for that.

    Args:
        split: the run's table.
        data: None for what the run was validated on.

    Raises:
        TrainingError: if nothing is left.
    """
    own = find_recordings(split)
    if data is None:
        return replace(own, recordings=of_split(own.recordings, "validation")), 0
    trained = {one.path.resolve() for one in own.recordings if one.split == "training"}
    kept = tuple(one for one in data.recordings if one.path.resolve() not in trained)
    if not kept:
        raise TrainingError(
            "the run was trained on all of these data: there is nothing to judge on"
        )
    return Recordings(data.labels, kept), len(data.recordings) - len(kept)


def draw(one: JudgedFile, plot: Path) -> tuple[Path, ...]:
    """Precision over recall, and truth and answers over the first recordings; returns the files."""
    plot_precision_recall(one.judgement.curves, plot)
    rules = rules_of(EventOptions(), len(one.labels), one.rules)
    written = [plot]
    for number, streamed in enumerate(one.streamed[:_MOST_PICTURES], start=1):
        found = events_of(streamed, one.labels, rules, one.rules.smoothing_s)
        path = plot.with_name(f"{plot.stem}-{number}-{streamed.recording.path.stem}{plot.suffix}")
        plot_recording(streamed.watched(found), streamed.times_s, streamed.scores, one.labels, path)
        written.append(path)
    return tuple(written)


def files_table(files: Sequence[JudgedFile]) -> Table:
    """A row a file."""
    first = files[0]
    seconds = sum(one.end_s - one.recording.start_s for one in first.streamed)
    frames = sum(len(one.times_s) for one in first.streamed)
    with_events = first.judgement.events is not None
    table = Table(
        title=f"{len(first.streamed)} recordings of {seconds / 60:.1f} minutes, {frames} frames,"
        " streamed",
        caption="mAP: mean average precision of all frames, of Charades' 25 points a recording, of"
        " whole recordings" + ("; F1 of events by temporal overlap" if with_events else ""),
    )
    table.add_column("file")
    columns = ["MB", "mAP, frames", "points", "recordings"]
    if with_events:
        columns += [f"F1 at {tiou:g}" for tiou in THRESHOLDS]
        columns += ["delay, s", "90 %", "false, an hour"]
    for name in columns:
        table.add_column(name, justify="right")
    for one in files:
        told = one.judgement
        means = (told.frames.mean, told.points.mean, told.videos.mean)
        cells = [f"{one.size_bytes / 1e6:.2f}", *(_share(mean) for mean in means)]
        if told.events is not None:
            cells += [_number(told.events.f1(tiou)) for tiou in THRESHOLDS]
            cells += [_number(told.events.delay_s(share)) for share in (0.5, 0.9)]
            cells.append(_number(told.events.false_alarms_per_hour))
        table.add_row(Text(_name(one)), *cells)
    return table


def classes_table(one: JudgedFile) -> Table:
    """A row a class."""
    told = one.judgement
    table = Table(
        title=Text(f"{_name(one)}, by class"),
        caption="AP: average precision in frames; best: the threshold of the best F1 in frames",
    )
    table.add_column("class")
    columns = ["of time", "AP", "best", "F1 there"]
    if told.events is not None:
        columns += ["moments", "events", "precision", "recall", "F1 at 0.5", "delay, s", "false, h"]
    for name in columns:
        table.add_column(name, justify="right")
    for index, label in enumerate(one.labels):
        best = told.best[label]
        cells = [_share(_share_of_time(one, index)), _share(float(told.frames.of_classes[index]))]
        cells += ["–", "–"] if best is None else [_score(best), _number(best.f1)]
        if told.events is not None:
            events = told.events_of_classes[label]
            cells += [str(events.truths), str(events.found)]
            cells += [_share(events.precision(0.5)), _share(events.recall(0.5))]
            cells += [_number(events.f1(0.5)), _number(events.delay_s(0.5))]
            cells.append(_number(events.false_alarms_per_hour))
        table.add_row(Text(label), *cells)
    return table


def facts(one: JudgedFile) -> dict[str, Any]:
    """The same as plain JSON types; null where there is nothing to tell."""
    told = one.judgement
    found: dict[str, Any] = {
        "file": one.name,
        "size_bytes": one.size_bytes,
        "decode": one.quality,
        "recordings": len(one.streamed),
        "frames": sum(len(streamed.times_s) for streamed in one.streamed),
        "map_frames": _told(told.frames.mean),
        "map_points": _told(told.points.mean),
        "map_recordings": _told(told.videos.mean),
        "classes": {},
    }
    if told.events is not None:
        found["events"] = _event_facts(told.events)
    for index, label in enumerate(one.labels):
        best = told.best[label]
        own: dict[str, Any] = {
            "share_of_time": _share_of_time(one, index),
            "average_precision": _told(float(told.frames.of_classes[index])),
            "best_threshold": None if best is None else _probability(best),
            "best_f1": None if best is None else best.f1,
        }
        if told.events is not None:
            own["events"] = _event_facts(told.events_of_classes[label])
        found["classes"][label] = own
    return found


def _event_facts(events: EventMeasures) -> dict[str, Any]:
    return {
        "moments": events.truths,
        "found": events.found,
        "precision": {f"{tiou:g}": _told(events.precision(tiou)) for tiou in THRESHOLDS},
        "recall": {f"{tiou:g}": _told(events.recall(tiou)) for tiou in THRESHOLDS},
        "f1": {f"{tiou:g}": _told(events.f1(tiou)) for tiou in THRESHOLDS},
        "delay_s": {f"{share:g}": _told(events.delay_s(share)) for share in (0.5, 0.9)},
        "false_alarms_per_hour": _told(events.false_alarms_per_hour),
    }


def _name(one: JudgedFile) -> str:
    return one.name if one.quality == QUALITIES[0] else f"{one.name}, decoded {one.quality}"


def _share_of_time(one: JudgedFile, index: int) -> float:
    truth = np.concatenate([streamed.truth(one.labels)[:, index] for streamed in one.streamed])
    return float(truth.mean())


def _probability(best: BestThreshold) -> float:
    """Of the logit that is the threshold."""
    return 1 / (1 + math.exp(-max(best.threshold, -80.0)))


def _score(best: BestThreshold) -> str:
    return f"{_probability(best):.2f}"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _told(value: float) -> float | None:
    return None if math.isnan(value) else value
