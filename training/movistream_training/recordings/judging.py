"""How right a model is on recordings: classes in frames, at points, in whole videos, as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from movistream.file.manifest import EventDefaults
from movistream.watch.events import EventOptions, rules_of
from movistream_training.measures import charades
from movistream_training.measures.average_precision import (
    BestThreshold,
    Curve,
    MeanAveragePrecision,
    average_precisions,
    best_threshold,
    precision_recall,
)
from movistream_training.measures.events import EventMeasures, measure_events
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
    scores = np.concatenate([one.logits for one in streamed])
    truth = np.concatenate([one.truth(labels) for one in streamed])
    points, points_truth = [], []
    for one in streamed:
        start_s = one.recording.start_s
        times_s = charades.point_times(one.end_s - start_s) + start_s
        points.append(charades.scores_at(times_s, one.times_s, one.logits))
        points_truth.append(_at_points(one, labels))
    in_videos = np.stack([part.any(axis=0) for part in points_truth])
    in_videos |= np.stack([one.truth(labels).any(axis=0) for one in streamed])
    curves = {
        label: precision_recall(scores[:, index], truth[:, index])
        for index, label in enumerate(labels)
    }
    events: EventMeasures | None = None
    of_classes: Mapping[str, EventMeasures] = {}
    if rules is not None:
        chosen = rules_of(EventOptions(), len(labels), rules)
        watched = [
            one.watched(events_of(one, labels, chosen, rules.smoothing_s)) for one in streamed
        ]
        events, of_classes = measure_events(watched, labels)
    return Judgement(
        frames=average_precisions(scores, truth),
        points=charades.localisation(np.concatenate(points), np.concatenate(points_truth)),
        videos=charades.classification(
            np.stack([one.logits.max(axis=0) for one in streamed]), in_videos
        ),
        curves=curves,
        best={label: best_threshold(curve) for label, curve in curves.items()},
        events=events,
        events_of_classes=of_classes,
    )


def _at_points(one: Streamed, labels: Sequence[str]) -> np.ndarray:
    """What happens at the points of the part that was looked through."""
    start_s = one.recording.start_s
    moved = [
        type(moment)(moment.label, moment.start_s - start_s, moment.end_s - start_s)
        for moment in one.recording.moments
    ]
    return charades.truth_at_points(moved, labels, one.end_s - start_s)
