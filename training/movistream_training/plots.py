"""Pictures of how a training went and of how right a model is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from movistream.drawing.plot_file import save_plot
from movistream_training.history import Epoch


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
