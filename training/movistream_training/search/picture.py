"""A picture of what a search has found: accuracy against cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from movistream.drawing.plot_file import save_plot
from movistream_training.search.budget import Budget, Measure
from movistream_training.search.outputs import Row
from movistream_training.search.plan import CONTROL, GUIDED, RANDOM

_COLORS = {CONTROL: "#555555", RANDOM: "#d98c00", GUIDED: "#0062b8"}
_MARKS = {CONTROL: "s", RANDOM: "^", GUIDED: "o"}


def front_figure(rows: Sequence[Row], budget: Budget) -> Figure:
    """Networks by kind, bars from the worst seed to the best, the front as a line. Hollow marks are
    those that fewer seeds vouch for.

    Args:
        budget: of the costs; a line stands at its limit.
    """
    scale = 1e6 if budget.measure in (Measure.INSTRUCTIONS, Measure.MULTIPLY_ADDS) else 1.0
    unit = f"million {budget.unit}" if scale > 1 else budget.unit
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    axes = figure.subplots()
    most = max(row.seeds for row in rows)
    for kind, color in _COLORS.items():
        own = [row for row in rows if row.kind == kind]
        full = [row for row in own if row.seeds == most]
        if full:
            axes.errorbar(
                [row.cost / scale for row in full],
                [row.accuracy for row in full],
                yerr=[
                    [row.accuracy - row.lowest for row in full],
                    [row.highest - row.accuracy for row in full],
                ],
                fmt=_MARKS[kind],
                color=color,
                capsize=3,
                label=kind,
            )
        fewer = [row for row in own if row.seeds < most]
        if fewer:
            axes.plot(
                [row.cost / scale for row in fewer],
                [row.accuracy for row in fewer],
                _MARKS[kind],
                color=color,
                markerfacecolor="white",
            )
    front = [row for row in rows if row.on_front]
    axes.plot(
        [row.cost / scale for row in front],
        [row.accuracy for row in front],
        color="#0062b8",
        linewidth=1,
        drawstyle="steps-post",
        label="front",
        zorder=0,
    )
    for row in rows:
        if row.kind == CONTROL:
            axes.annotate(
                row.name,
                (row.cost / scale, row.accuracy),
                textcoords="offset points",
                xytext=(6, -11),
                fontsize=8,
                color=_COLORS[CONTROL],
            )
    axes.axvline(budget.limit / scale, color="grey", linestyle=":", label="budget")
    axes.set(xlabel=unit, ylabel="share of validation frames right")
    axes.margins(x=0.12)
    axes.grid(alpha=0.3)
    if any(row.seeds < most for row in rows):
        axes.plot([], [], "o", color="black", markerfacecolor="white", label="fewer seeds")
    figure.legend(loc="outside upper center", ncols=6, fontsize=8)
    return figure


def draw_front(rows: Sequence[Row], budget: Budget, path: Path) -> None:
    """Writes the picture.

    Raises:
        OutputError: if it cannot be written.
    """
    save_plot(front_figure(rows, budget), path)
