"""How right a model is on recordings: classes in frames, at points, in whole videos, as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from movistream.file.manifest import EventDefaults
from movistream.watch.events import EventOptions, rules_of
from movistream_training.measures import charades
from movistream_training.measures.average_precision import (
    BestThreshold,
    Curve,
    MeanAveragePrecision,
    best_threshold,
    mean_of,
    precision_recall,
)
from movistream_training.measures.events import EventMeasures, measure_events
from movistream_training.recordings.moments import Moment
from movistream_training.recordings.streaming import Streamed, events_of


@dataclass(frozen=True, eq=False)
class Judgement:
    """How right a model is.

    Attributes:
        frames: average precision of all frames of all recordings together.
        points: Charades' localisation: of 25 points of each recording.
        videos: Charades' classification: of whole recordings, by the highest score of each class.
        curves: precision and recall in frames, by class.
        best: the threshold of the best F1 in frames, by class; None where a class never happens.
        events: of all classes together; None if it was not asked for.
        events_of_classes: by label; empty if it was not asked for.
    """

    frames: MeanAveragePrecision
    points: MeanAveragePrecision
    videos: MeanAveragePrecision
    curves: Mapping[str, Curve]
    best: Mapping[str, BestThreshold | None]
    events: EventMeasures | None
    events_of_classes: Mapping[str, EventMeasures]


def judge_recordings(
    streamed: Sequence[Streamed], labels: Sequence[str], rules: EventDefaults | None = None
) -> Judgement:
    """Compares what was said to recordings with what happens in them.

    Args:
        labels: of the classes, in the order of the logits.
        rules: when something counts as seen; None to look for no events.

    Raises:
        TrainingError: if a logit is no number.
    """
    frames = _curves(
        np.concatenate([one.logits for one in streamed]),
        np.concatenate([one.truth(labels) for one in streamed]),
        np.concatenate([one.certain(labels) for one in streamed]),
    )
    at_points = [_at_points(one, labels) for one in streamed]
    points = _curves(*(np.concatenate(parts) for parts in zip(*at_points, strict=True)))
    curves = dict(zip(labels, frames, strict=True))
    events: EventMeasures | None = None
    of_classes: Mapping[str, EventMeasures] = {}
    if rules is not None:
        chosen = rules_of(EventOptions(), len(labels), rules)
        watched = [
            one.watched(events_of(one, labels, chosen, rules.smoothing_s)) for one in streamed
        ]
        events, of_classes = measure_events(watched, labels)
    return Judgement(
        frames=mean_of(frames),
        points=mean_of(points),
        videos=_of_videos(streamed, labels),
        curves=curves,
        best={label: best_threshold(curve) for label, curve in curves.items()},
        events=events,
        events_of_classes=of_classes,
    )


def _curves(
    scores: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_], certain: npt.NDArray[np.bool_]
) -> list[Curve]:
    """Of each class, by what is certain; all (answers, classes)."""
    return [
        precision_recall(column[told], true[told])
        for column, true, told in zip(scores.T, truth.T, certain.T, strict=True)
    ]


def _at_points(
    one: Streamed, labels: Sequence[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Scores, truth and what is certain at the points of the part that was looked through."""
    start_s = one.recording.start_s
    length_s = one.end_s - start_s
    scores = charades.scores_at(charades.point_times(length_s) + start_s, one.times_s, one.logits)
    truth, uncertain = (
        charades.truth_at_points(
            [replace(m, start_s=m.start_s - start_s, end_s=m.end_s - start_s) for m in moments],
            labels,
            length_s,
        )
        for moments in (one.recording.moments, one.recording.uncertain)
    )
    return scores, truth, ~uncertain


def _of_videos(streamed: Sequence[Streamed], labels: Sequence[str]) -> MeanAveragePrecision:
    """Of recordings as a whole, by those of their frames in which a class is certain."""
    certain = [one.certain(labels) for one in streamed]
    scores = np.stack(
        [
            np.where(told, one.logits, -np.inf).max(axis=0)
            for one, told in zip(streamed, certain, strict=True)
        ]
    )
    truth = _told([one.recording.moments for one in streamed], labels)
    counted = truth.any(axis=1, keepdims=True) & np.stack([told.any(axis=0) for told in certain])
    return mean_of(_curves(scores, truth, counted))


def _told(recordings: Sequence[Sequence[Moment]], labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which classes there are in each recording, (recordings, classes)."""
    names = [{moment.label for moment in moments} for moments in recordings]
    return np.array([[label in own for label in labels] for own in names])
