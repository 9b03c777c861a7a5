"""What the camera-health model says to the demo's clip, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from movistream.demo.health import LABELS, Fault, faults_at
from movistream.drawing.annotate import annotate
from movistream.sources.frame import Picture, VideoFrame
from movistream.stream.result import Prediction
from movistream.watch.events import Event, EventOptions
from movistream.watch.model import Model
from movistream.watch.watcher import WatchOptions


@dataclass(frozen=True, eq=False)
class HealthFrame:
    """One frame that the model was shown.

    Attributes:
        time_s: in the clip.
        scores: of the classes, float32 (9,).
        going_on: what had been seen for long enough by then to be told.
    """

    time_s: float
    scores: npt.NDArray[np.float32]
    going_on: tuple[Event, ...]


@dataclass(frozen=True, eq=False)
class HealthTimeline:
    """Truth and answers over the clip.

    Attributes:
        script: what is wrong when.
        frames: at least one.
        events: that the model's scores made, in the order of their ends.
    """

    script: tuple[Fault, ...]
    frames: tuple[HealthFrame, ...]
    events: tuple[Event, ...]


def watch_clip(model: Model, clip: Path, script: Sequence[Fault]) -> HealthTimeline:
    """Watches the clip, at the rate of the model, for events by the model's own defaults."""
    events: list[Event] = []

    def note(event: Event) -> None:
        if event.phase == "end":
            events.append(event)

    steps = model.watch(clip, WatchOptions(events=EventOptions()), on_event=note)
    frames = tuple(HealthFrame(step.time_s, step.scores, step.going_on) for step in steps)
    return HealthTimeline(tuple(script), frames, tuple(events))


def table_rows(timeline: HealthTimeline) -> Iterator[Sequence[str]]:
    """A row per frame, after the header: of each class whether it holds (0 or 1), and its score."""
    yield ["time_s", *(f"{label} {what}" for label in LABELS for what in ("truth", "score"))]
    for frame in timeline.frames:
        truth = faults_at(timeline.script, frame.time_s)
        row = [f"{frame.time_s:.3f}"]
        for label, score in zip(LABELS, frame.scores, strict=True):
            row += [str(int(label in truth)), f"{score:.3f}"]
        yield row


def captioned(timeline: HealthTimeline, frame: VideoFrame) -> Picture:
    """A frame of the clip with the truth, a bar per class and the events under it."""
    times = np.array([said.time_s for said in timeline.frames])
    said = timeline.frames[max(0, int(np.searchsorted(times, frame.time_s + 1e-6)) - 1)]
    truth = ", ".join(faults_at(timeline.script, frame.time_s)) or "nothing is wrong"
    scores = [
        Prediction(index, label, float(score))
        for index, (label, score) in enumerate(zip(LABELS, said.scores, strict=True))
    ]
    status = f"{frame.time_s:.1f} s, truth: {truth}"
    return annotate(frame.image, scores, len(LABELS), status, said.going_on)
