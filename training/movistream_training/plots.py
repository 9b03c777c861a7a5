"""Pictures of how a training went, of how right a model is, and of what it says to a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from movistream.drawing.plot_file import save_plot
from movistream_training.history import Epoch
from movistream_training.measures.average_precision import Curve, best_threshold
from movistream_training.measures.events import Watched

_MOST_CURVES = 10
_MOST_ROWS = 16
_MOST_POINTS = 4096
_MOST_LETTERS = 28


def plot_curves(
    history: Sequence[Epoch], kept: Epoch, path: Path, *, of_several: bool = False
) -> None:
    """Loss and accuracy by epoch, with the epoch whose weights were kept.

    Args:
        of_several: several classes may be right at once.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in history]
    loss.plot(numbers, [epoch.loss for epoch in history], label="training")
    loss.plot(numbers, [epoch.validation_loss for epoch in history], label="validation")
    loss.set(xlabel="epoch", ylabel="cross-entropy, nats")
    if not of_several:
        accuracy.plot(numbers, [epoch.accuracy for epoch in history], label="training")
    accuracy.plot(numbers, [epoch.validation_accuracy for epoch in history], label="validation")
    accuracy.plot(kept.number, kept.validation_accuracy, "o", label=f"kept: epoch {kept.number}")
    measure = "mean average precision of frames" if of_several else "share of frames right"
    accuracy.set(xlabel="epoch", ylabel=measure, ylim=(0, 1))
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)
        axes.legend()
    save_plot(figure, path)


def plot_confusion(matrix: npt.NDArray[np.int64], labels: Sequence[str], path: Path) -> None:
    """Which class was taken for which: a row per class, in shares of it."""
    size = min(24.0, 3 + 0.45 * len(labels))
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels, rotation=45, ha="right")
    axes.set_yticks(ticks, labels)
    axes.set(xlabel="answer", ylabel="truth")
    for row, column in zip(*np.nonzero(matrix), strict=True):
        color = "white" if shares[row, column] > 0.5 else "black"
        text = str(matrix[row, column])
        axes.text(column, row, text, ha="center", va="center", color=color)
    save_plot(figure, path)


def plot_accuracy_after(
    curves: Mapping[str, Mapping[int, float]], chance: float, path: Path
) -> None:
    """How soon a model is right: accuracy after so many frames, a line per file."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        axes.plot(list(curve), list(curve.values()), "o-", label=name, alpha=0.8)
    axes.axhline(chance, color="grey", linestyle=":", label="chance")
    axes.set(xscale="log", xlabel="frames seen", ylabel="share of videos right", ylim=(0, 1.02))
    ticks = sorted({count for curve in curves.values() for count in curve})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="center right")
    save_plot(figure, path)


def plot_precision_recall(curves: Mapping[str, Curve], path: Path) -> None:
    """Precision over recall, a line per class of which something is true.

    A dot stands where both are best together. Of many classes, those with the highest and the
    lowest average precision are named; the others are grey.
    """
    figure = Figure(figsize=(8.4, 5), layout="constrained")
    axes = figure.subplots()
    told = {label: curve for label, curve in curves.items() if len(curve.thresholds)}
    areas = {label: curve.average_precision() for label, curve in told.items()}
    ordered = sorted(told, key=lambda label: -areas[label])
    half = _MOST_CURVES // 2
    named = ordered if len(ordered) <= _MOST_CURVES else [*ordered[:half], *ordered[-half:]]
    for label in (*(label for label in ordered if label not in named), *named):
        curve, is_named = told[label], label in named
        # Each precision holds from the recall before it on: the area below is the average.
        (line,) = axes.plot(
            [0, *curve.recall],
            [curve.precision[0], *curve.precision],
            drawstyle="steps-pre",
            color=None if is_named else "0.8",
            linewidth=1.5 if is_named else 0.7,
            label=f"{_shortened(label)}: {areas[label]:.3f}" if is_named else None,
        )
        best = best_threshold(curve)
        if is_named and best is not None:
            axes.plot(best.recall, best.precision, "o", color=line.get_color())
    mean = f"{np.mean(list(areas.values())):.3f} over {len(areas)} classes" if areas else "none"
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    axes.set_title(f"mean average precision: {mean}")
    axes.grid(alpha=0.3)
    if named:
        _add_legend(axes, "average precision")
    save_plot(figure, path)


def plot_recording(
    watched: Watched,
    times_s: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float32],
    labels: Sequence[str],
    path: Path,
) -> None:
    """Truth and answers over a recording, a row per class that is there or was found.

    Truth is a green band, the score a line, and each event a bar above it. Where there are more
    classes than rows, those that are there longest have one. Of a long recording, the highest score
    of each short while is drawn.

    Args:
        watched: the recording, what happens in it and what was found.
        times_s: of the frames, rising, (frames,).
        scores: after each frame, 0 to 1, (frames, classes).
        labels: of the classes.
    """
    lengths_s = dict.fromkeys(labels, 0.0)
    told = [(one, one.start_s, min(one.end_s, watched.end_s)) for one in watched.moments]
    for moment, start_s, end_s in told:
        lengths_s[moment.label] += max(0.0, end_s - start_s)
    found = {event.label for event in watched.events}
    rows = [label for label in labels if lengths_s[label] or label in found] or list(labels)
    if len(rows) > _MOST_ROWS:
        longest = sorted(rows, key=lambda label: -lengths_s[label])[:_MOST_ROWS]
        rows = [label for label in rows if label in longest]
    figure = Figure(figsize=(11, 1.2 + 0.7 * len(rows)), layout="constrained")
    every = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    stride = max(1, len(times_s) // _MOST_POINTS)
    starts = np.arange(0, len(times_s), stride)
    for axes, label in zip(every, rows, strict=True):
        for moment, start_s, end_s in told:
            if moment.label == label:
                axes.axvspan(start_s, end_s, color="tab:green", alpha=0.25, linewidth=0)
        highest = np.maximum.reduceat(scores[:, labels.index(label)], starts)
        axes.plot(times_s[starts], highest, color="tab:blue", linewidth=1)
        bars = [(e.start_s, e.end_s - e.start_s) for e in watched.events if e.label == label]
        axes.broken_barh(bars, (1.08, 0.16), color="tab:orange")
        axes.set(ylim=(-0.02, 1.3), yticks=(0, 1))
        axes.set_ylabel(_shortened(label), rotation=0, ha="right", va="center", parse_math=False)
        axes.grid(alpha=0.3)
    every[-1].set(xlabel="time, s", xlim=(watched.start_s, watched.end_s))
    handles = [
        Patch(color="tab:green", alpha=0.25, label="truth"),
        Line2D([], [], color="tab:blue", label="score"),
        Patch(color="tab:orange", label="event"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=3, frameon=False)
    save_plot(figure, path)


def _add_legend(axes: Axes, title: str) -> None:
    legend = axes.legend(title=title, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _shortened(label: str) -> str:
    return label if len(label) <= _MOST_LETTERS else f"{label[: _MOST_LETTERS - 1]}…"
