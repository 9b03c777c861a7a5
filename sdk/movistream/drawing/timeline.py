"""A plot of scores over time, with events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from movistream.drawing.plot_file import figure_class, save_plot
from movistream.watch.events import Event
from movistream.watch.watcher import Step

_MOST_CURVES = 10
_ENOUGH_CURVES = 6
_MOST_STEPS = 8192
_MOST_LABEL_LETTERS = 28


@dataclass
class Timeline:
    """What was said to a stream, kept for a plot; of long streams, one step in two, in four …

    Attributes:
        times_s: of the steps.
        scores: of each step, (classes,).
        events: that were seen.
        resets_s: when the stream forgot all.
    """

    times_s: list[float] = field(default_factory=list)
    scores: list[npt.NDArray[np.float32]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    resets_s: list[float] = field(default_factory=list)

    _steps: int = 0
    _stride: int = 1

    def add(self, step: Step) -> None:
        """Takes a step's scores, unless they mean nothing yet."""
        if step.result.warming_up:
            return
        if self._steps % self._stride == 0:
            self.times_s.append(step.time_s)
            self.scores.append(step.scores)
        self._steps += 1
        if len(self.times_s) > _MOST_STEPS:
            del self.times_s[1::2], self.scores[1::2]
            self._stride *= 2


def plot_timeline(
    timeline: Timeline,
    labels: Sequence[str],
    reported: npt.NDArray[np.bool_],
    title: str,
    output: Path,
) -> None:
    """Draws a plot: the scores of the classes that ever came highest, events shaded.

    Args:
        labels: of all classes.
        reported: which may be shown, bool (classes,).

    Raises:
        OutputError: if it cannot be written.
        MissingExtraError: if matplotlib is not installed.
    """
    figure = figure_class()(figsize=(11, 4.5), layout="constrained")
    axes = figure.subplots()
    scores = np.array(timeline.scores)
    shown = _shown_classes(scores, reported, timeline.events)
    colors = {index: f"C{place}" for place, index in enumerate(shown)}
    for event in timeline.events:
        color = colors.get(event.index, "0.5")
        axes.axvspan(event.start_s, event.end_s, color=color, alpha=0.15, linewidth=0)
    for index in shown:
        axes.plot(
            timeline.times_s,
            scores[:, index],
            color=colors[index],
            marker="." if len(scores) < 100 else None,
            label=_shortened(labels[index]),
        )
    for time_s in timeline.resets_s:
        axes.axvline(time_s, color="0.4", linestyle=":", linewidth=1)
    axes.set(xlabel="time, s", ylabel="score", ylim=(-0.02, 1.05))
    axes.set_title(title, parse_math=False)
    axes.grid(alpha=0.3)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
    save_plot(figure, output)


def _shown_classes(
    scores: npt.NDArray[np.float32], reported: npt.NDArray[np.bool_], events: Sequence[Event]
) -> list[int]:
    """Those of events first, then those that came highest."""
    peaks = np.where(reported, scores.max(axis=0), -1)
    of_events = list(dict.fromkeys(event.index for event in events))
    others = [int(index) for index in np.argsort(-peaks, kind="stable") if peaks[index] >= 0]
    most = min(_MOST_CURVES, max(_ENOUGH_CURVES, len(of_events)))
    return list(dict.fromkeys([*of_events, *others]))[:most]


def _shortened(label: str) -> str:
    return label if len(label) <= _MOST_LABEL_LETTERS else f"{label[: _MOST_LABEL_LETTERS - 1]}…"
