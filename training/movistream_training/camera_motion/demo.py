"""The demo: a clip with a known motion script, and what the model says to it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from movistream.sources import VideoFile
from movistream.sources.picking import pick_at_rate
from movistream.stream.model import Model
from movistream.system.output import replaced_when_done
from movistream_training.camera_motion.assets import PHOTOGRAPH
from movistream_training.camera_motion.motion import (
    LABELS,
    STATIC,
    CameraPath,
    Segment,
    Shake,
    camera_path,
)
from movistream_training.camera_motion.scene import Backdrop, Optics, Picture, Scene, render
from movistream_training.camera_motion.sources import read_picture
from movistream_training.camera_motion.video_file import write_video

FRAMES_PER_SECOND = 30
WARM_UP_S = 1.0
SYMBOLS = dict(zip(LABELS, "·←→↑↓+-↻↺", strict=True))
"""One character per class, for timelines."""

SCRIPT = (
    Segment(STATIC, 3.0),
    Segment("pan right", 3.0, 0.16),
    Segment("tilt up", 2.5, 0.15),
    Segment("zoom in", 3.0, 0.10),
    Segment("roll clockwise", 3.0, 0.13),
    Segment("pan left", 3.5, 0.18),
    Segment(STATIC, 2.5),
    Segment("tilt down", 3.0, 0.16),
    Segment("roll counter-clockwise", 3.0, 0.13),
    Segment("zoom out", 3.0, 0.10),
)
"""What the demo's camera does."""

_SIZE = 320
_VIEW = 0.5
_SEED = 3


@dataclass(frozen=True)
class TimelineFrame:
    """One frame that the model was shown.

    Attributes:
        time_s: in the clip.
        truth: what the camera does.
        answer: what the model says.
        score: of that answer, 0 to 1.
    """

    time_s: float
    truth: str
    answer: str
    score: float


def demo_path() -> CameraPath:
    """The camera's path, with a little shake of the hand."""
    return camera_path(SCRIPT, Shake(0.012), np.random.default_rng(_SEED), ease_s=0.2)


def render_clip(path: CameraPath, output: Path) -> None:
    """Moves a camera over the photograph and writes what it takes.

    Raises:
        TrainingError: if the video cannot be written.
    """
    write_video(output, _frames(path), FRAMES_PER_SECOND)


def _frames(path: CameraPath) -> Iterator[Picture]:
    picture = read_picture(PHOTOGRAPH)
    height, width = picture.shape[:2]
    # The photograph's middle is where the path's is.
    middle = (path.poses.min(axis=0) + path.poses.max(axis=0))[:2] / 2
    pixels = _VIEW * min(height, width)
    center = (width / 2 - middle[0] * pixels, height / 2 - middle[1] * pixels)
    scene = Scene(Backdrop((picture,), pixels, center), optics=Optics(_SIZE, 0.012, 3, noise=3.0))
    generator = np.random.default_rng(_SEED)
    for index in range(round(path.ends_s[-1] * FRAMES_PER_SECOND)):
        yield render(scene, path, index / FRAMES_PER_SECOND, generator)


def run_demo(model: Model, clip: Path, path: CameraPath) -> tuple[TimelineFrame, ...]:
    """Streams the clip, at the rate of the model, and notes truth and answer."""
    timeline = []
    with model.stream() as stream, VideoFile(clip) as video:
        rate = model.frames_per_second or FRAMES_PER_SECOND
        for frame in pick_at_rate(video, rate):
            (best,) = stream.step(frame.image).top(1)
            truth = path.label(frame.time_s)
            timeline.append(TimelineFrame(frame.time_s, truth, best.label, best.score))
    return tuple(timeline)


def share_right(timeline: Sequence[TimelineFrame]) -> float:
    """Share of the frames after the warm-up that are right, changes of motion included."""
    judged = [frame for frame in timeline if frame.time_s >= WARM_UP_S]
    return sum(frame.truth == frame.answer for frame in judged) / len(judged)


def write_timeline(timeline: Sequence[TimelineFrame], output: Path) -> None:
    """Writes a line per frame, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time_s", "truth", "answer", "score"])
    writer.writerows(
        [f"{frame.time_s:.3f}", frame.truth, frame.answer, f"{frame.score:.3f}"]
        for frame in timeline
    )
    with replaced_when_done(output) as part:
        part.write_text(text.getvalue(), encoding="utf-8")


def plot_timeline(timeline: Sequence[TimelineFrame], output: Path) -> None:
    """Draws truth and answer over time, as a PNG."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
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
    with replaced_when_done(output) as part:
        figure.savefig(part, format="png", dpi=120)


def annotate_clip(clip: Path, timeline: Sequence[TimelineFrame], output: Path) -> None:
    """Writes the clip again, with the answer and the truth in each frame.

    Raises:
        TrainingError: if the video cannot be written.
    """
    write_video(output, _annotated(clip, timeline), FRAMES_PER_SECOND)


def _annotated(clip: Path, timeline: Sequence[TimelineFrame]) -> Iterator[Picture]:
    times = np.array([frame.time_s for frame in timeline])
    with VideoFile(clip) as video:
        for frame in video:
            index = int(np.searchsorted(times, frame.time_s + 1e-6)) - 1
            yield _with_banner(frame.image, timeline[max(0, index)])


def _with_banner(picture: Picture, said: TimelineFrame) -> Picture:
    banner: npt.NDArray[np.uint8] = np.full((56, picture.shape[1], 3), 32, np.uint8)
    color = (96, 220, 96) if said.answer == said.truth else (240, 96, 80)
    font, line = cv2.FONT_HERSHEY_SIMPLEX, cv2.LINE_AA
    cv2.putText(banner, f"{said.answer} {said.score:.2f}", (8, 24), font, 0.6, color, 1, line)
    cv2.putText(banner, f"truth: {said.truth}", (8, 46), font, 0.5, (200, 200, 200), 1, line)
    return np.vstack([picture, banner])
