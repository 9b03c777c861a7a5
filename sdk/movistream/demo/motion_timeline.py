"""What the camera-motion model says to the demo's clip, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from movistream.demo.clip import FRAMES_PER_SECOND
from movistream.demo.motion import LABELS, CameraPath
from movistream.drawing.annotate import annotate
from movistream.drawing.plot_file import figure_class, save_plot
from movistream.sources.frame import Picture, VideoFrame
from movistream.sources.picking import at_rate
from movistream.sources.video_file import VideoFile
from movistream.stream.model import Model
from movistream.stream.result import Prediction

WARM_UP_S = 1.0
SYMBOLS = dict(zip(LABELS, "·←→↑↓+-↻↺", strict=True))
"""One character per class, for timelines."""

CLASSES_SHOWN = 3

_LINE_WIDTH = 100


@dataclass(frozen=True)
class MotionFrame:
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


def watch_clip(model: Model, clip: Path, path: CameraPath) -> tuple[MotionFrame, ...]:
    """Streams the clip, at the rate of the model, and notes truth and answer."""
    timeline = []
    with model.stream() as stream, VideoFile(clip) as video:
        rate = model.frames_per_second or FRAMES_PER_SECOND
        for frame in video.picked(at_rate(rate)):
            top = tuple(stream.step(frame.shown).top(CLASSES_SHOWN))
            timeline.append(MotionFrame(frame.time_s, path.label(frame.time_s), top))
    return tuple(timeline)


def share_right(timeline: Sequence[MotionFrame]) -> float:
    """Share of the frames after the warm-up that are right, changes of motion included."""
    judged = [frame for frame in timeline if frame.time_s >= WARM_UP_S]
    return sum(frame.truth == frame.answer for frame in judged) / len(judged)


def print_timeline(timeline: Sequence[MotionFrame], seconds: float) -> None:
    """Prints truth and answers as a character per frame, and how many are right.

    Args:
        seconds: that watching took.
    """
    console = Console(highlight=False, soft_wrap=True)
    console.print("  ".join(f"{symbol} {label}" for label, symbol in SYMBOLS.items()))
    for first in range(0, len(timeline), _LINE_WIDTH):
        part = timeline[first : first + _LINE_WIDTH]
        console.print(
            f"\n{part[0].time_s:5.1f} s  truth  {''.join(SYMBOLS[f.truth] for f in part)}"
        )
        line = Text("         model  ")
        for frame in part:
            line.append(SYMBOLS[frame.answer], "green" if frame.answer == frame.truth else "red")
        console.print(line)
    console.print(
        f"\n{share_right(timeline):.1%} of the frames after {WARM_UP_S:g} s are right;"
        f" {len(timeline)} frames in {seconds:.1f} s, decoding included"
    )


def table_rows(timeline: Sequence[MotionFrame]) -> Iterator[Sequence[str]]:
    """A row per frame, after the header."""
    yield ["time_s", "truth", "answer", "score"]
    for frame in timeline:
        yield [f"{frame.time_s:.3f}", frame.truth, frame.answer, f"{frame.top[0].score:.3f}"]


def plot(timeline: Sequence[MotionFrame], output: Path) -> None:
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


def captioned(timeline: Sequence[MotionFrame], frame: VideoFrame) -> Picture:
    """A frame of the clip with truth and answer under it."""
    times = np.array([said.time_s for said in timeline])
    said = timeline[max(0, int(np.searchsorted(times, frame.time_s + 1e-6)) - 1)]
    right = "right" if said.answer == said.truth else "wrong"
    status = f"{frame.time_s:.1f} s: the camera's motion is {said.truth}; {right}"
    return annotate(frame.image, said.top, CLASSES_SHOWN, status)
