"""What the model says to the demo's clip, beside the truth."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from movistream.demo.clip import FRAMES_PER_SECOND
from movistream.demo.motion import LABELS, CameraPath
from movistream.drawing.annotate import annotate
from movistream.drawing.plot_file import figure_class, save_plot
from movistream.drawing.video_writer import open_video_writer
from movistream.sources.picking import at_rate
from movistream.sources.video_file import VideoFile
from movistream.stream.model import Model
from movistream.stream.result import Prediction
from movistream.system.output import replaced_when_done

WARM_UP_S = 1.0
SYMBOLS = dict(zip(LABELS, "·←→↑↓+-↻↺", strict=True))
"""One character per class, for timelines."""

_CLASSES_DRAWN = 3


@dataclass(frozen=True)
class TimelineFrame:
    """One frame that the model was shown.

    Attributes:
        time_s: in the clip.
        truth: what the camera does.
        top: what the model says, best first.
    """

    time_s: float
    truth: str
    top: tuple[Prediction, ...]

    @property
    def answer(self) -> str:
        """The class that the model gives the highest score."""
        return self.top[0].label


def watch_clip(model: Model, clip: Path, path: CameraPath) -> tuple[TimelineFrame, ...]:
    """Streams the clip, at the rate of the model, and notes truth and answer."""
    timeline = []
    with model.stream() as stream, VideoFile(clip) as video:
        rate = model.frames_per_second or FRAMES_PER_SECOND
        for frame in video.picked(at_rate(rate)):
            top = tuple(stream.step(frame.shown).top(_CLASSES_DRAWN))
            timeline.append(TimelineFrame(frame.time_s, path.label(frame.time_s), top))
    return tuple(timeline)


def share_right(timeline: Sequence[TimelineFrame]) -> float:
    """Share of the frames after the warm-up that are right, changes of motion included."""
    judged = [frame for frame in timeline if frame.time_s >= WARM_UP_S]
    return sum(frame.truth == frame.answer for frame in judged) / len(judged)


def write_table(timeline: Sequence[TimelineFrame], output: Path) -> None:
    """Writes a line per frame, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time_s", "truth", "answer", "score"])
    writer.writerows(
        [f"{frame.time_s:.3f}", frame.truth, frame.answer, f"{frame.top[0].score:.3f}"]
        for frame in timeline
    )
    with replaced_when_done(output) as part:
        part.write_text(text.getvalue(), encoding="utf-8")


def plot(timeline: Sequence[TimelineFrame], output: Path) -> None:
    """Draws truth and answer over time, as a PNG.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    figure = figure_class()(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots()
    times = [frame.time_s for frame in timeline]
    truth = [LABELS.index(frame.truth) for frame in timeline]
    answers = [LABELS.index(frame.answer) for frame in timeline]
    axes.step(times, truth, where="post", color="tab:blue", linewidth=6, alpha=0.3, label="truth")
    axes.plot(times, answers, ".", color="tab:orange", label="model, frame by frame")
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.invert_yaxis()
    axes.set(xlabel="time, s", title=f"{share_right(timeline):.1%} of frames right after 1 s")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")
    save_plot(figure, output)


def write_annotated(
    clip: Path,
    timeline: Sequence[TimelineFrame],
    output: Path,
    progress: Callable[[float], None],
) -> None:
    """Writes the clip again, with truth and answer under each frame.

    Args:
        progress: is told the time in the clip, in seconds, after each frame.

    Raises:
        OutputError: if the video cannot be written.
    """
    times = np.array([frame.time_s for frame in timeline])
    with open_video_writer(output) as writer, VideoFile(clip) as video:
        for frame in video:
            index = int(np.searchsorted(times, frame.time_s + 1e-6)) - 1
            said = timeline[max(0, index)]
            right = "right" if said.answer == said.truth else "wrong"
            status = f"{frame.time_s:.1f} s: the camera's motion is {said.truth}; {right}"
            picture = annotate(frame.image, said.top, _CLASSES_DRAWN, status)
            writer.write(picture, frame.time_s)
            progress(frame.time_s)
