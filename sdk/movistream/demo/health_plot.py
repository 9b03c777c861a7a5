"""The camera-health model's timeline as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from movistream.demo.health import LABELS
from movistream.demo.health_findings import Finding, Verdict, findings_of
from movistream.demo.health_terminal import summary
from movistream.demo.health_timeline import HealthTimeline
from movistream.drawing.plot_file import figure_class, save_plot

_ROW = 0.84
"""Of a class, of the distance to the next."""

_BAR = 0.12
_TRUTH, _TRUTH_ALPHA, _SCORE = "tab:blue", 0.25, "0.25"
_EVENTS = {
    Verdict.SEEN: ("tab:green", "event"),
    Verdict.NOT_COUNTED: ("gold", "event that is not counted"),
    Verdict.FALSE: ("tab:red", "false event"),
}


def plot(timeline: HealthTimeline, output: Path) -> None:
    """Draws a row per class over time, as a PNG: truth as a band, the score as a line in it, and
    events as bars under it, whose colour says what they are worth.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    figure = figure_class()(figsize=(10, 6.2), layout="constrained")
    axes = figure.subplots()
    findings = findings_of(timeline.script, timeline.events)
    times = [frame.time_s for frame in timeline.frames]
    for row, label in enumerate(LABELS):
        bottom = row + _ROW
        spans = [(f.begin_s, f.end_s - f.begin_s) for f in timeline.script if f.label == label]
        axes.broken_barh(spans, (row, _ROW), color=_TRUTH, alpha=_TRUTH_ALPHA, linewidth=0)
        heights = [bottom - _ROW * float(frame.scores[row]) for frame in timeline.frames]
        axes.plot(times, heights, color=_SCORE, linewidth=1.2)
        _draw_events(axes, label, findings, bottom)
    axes.set_yticks([row + _ROW / 2 for row in range(len(LABELS))], LABELS)
    axes.set_yticks([row + _ROW for row in range(len(LABELS))], minor=True)
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(which="minor", axis="y", alpha=0.3)
    axes.grid(axis="x", alpha=0.3)
    axes.set(
        xlabel="time, s",
        xlim=(times[0], times[-1]),
        ylim=(len(LABELS) + 0.1, -0.1),
        title=summary(timeline.script, findings),
    )
    axes.fill_between([], [], color=_TRUTH, alpha=_TRUTH_ALPHA, linewidth=0, label="truth")
    axes.plot([], [], color=_SCORE, linewidth=1.2, label="score, 0 to 1")
    for color, name in _EVENTS.values():
        axes.fill_between([], [], color=color, linewidth=0, label=name)
    figure.legend(loc="outside lower center", ncols=5)
    save_plot(figure, output)


def _draw_events(axes: Any, label: str, findings: Sequence[Finding], bottom: float) -> None:
    for finding in findings:
        event = finding.event
        if event is not None and event.label == label:
            span = (event.start_s, event.end_s - event.start_s)
            color, _ = _EVENTS[finding.verdict]
            axes.broken_barh([span], (bottom, _BAR), color=color, linewidth=0)
