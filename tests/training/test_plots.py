"""Pictures of measures: they show what they are told."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from movistream_training import plots
from movistream_training.measures.average_precision import Curve, precision_recall
from movistream_training.measures.events import FoundEvent, Watched
from movistream_training.plots import plot_precision_recall, plot_recording
from movistream_training.recordings.moments import Moment

LABELS = ("open the door", "$wave$", "_nothing", "a" * 60)


def drawn(path: Path) -> None:
    with Image.open(path) as image:
        assert image.size[0] > 800
        image.load()


def curves(classes: int) -> dict[str, Curve]:
    generator = np.random.default_rng(1)
    found = {}
    for index in range(classes):
        truth = generator.random(300) < 0.2
        scores = truth * index / classes + generator.random(300)
        found[f"$class$ {index}"] = precision_recall(scores, truth)
    return found


@pytest.mark.parametrize("classes", [0, 1, 4, 30])
def test_precision_over_recall(tmp_path: Path, classes: int) -> None:
    shown = curves(classes) | {"never": precision_recall(np.zeros(3), np.zeros(3, bool))}
    figures: list[Figure] = []
    with patch.object(plots, "save_plot", lambda figure, path: figures.append(figure)):
        plot_precision_recall(shown, tmp_path / "a.png")
    (axes,) = figures[0].axes
    lines = [line for line in axes.lines if line.get_marker() != "o"]
    assert len(lines) == classes
    # What is drawn is the area that is told.
    for line in lines:
        recall, precision = map(np.asarray, line.get_data())
        named = str(line.get_label())
        area = float((np.diff(recall) * precision[1:]).sum())
        assert named.startswith("_") or named.endswith(f": {area:.3f}")
    legend = axes.get_legend()
    assert len(legend.get_texts() if legend else ()) == min(classes, 10)
    assert (f"over {classes} classes" if classes else "none") in axes.get_title()
    plot_precision_recall(shown, tmp_path / "a.png")
    drawn(tmp_path / "a.png")


def recording(frames: int) -> tuple[Watched, np.ndarray, np.ndarray]:
    """Ten minutes: the last class is never there, and found once."""
    generator = np.random.default_rng(2)
    times_s = np.linspace(0, 600, frames)
    moments = [Moment(LABELS[0], 50, 90), Moment(LABELS[0], 400), Moment(LABELS[1], 80, 200)]
    events = [
        FoundEvent(LABELS[0], 55, 93, 56, 0.9),
        FoundEvent(LABELS[1], 90, 210, 91, 0.8),
        FoundEvent(LABELS[3], 300, 310, 301, 0.6),
    ]
    scores = generator.random((frames, len(LABELS))).astype(np.float32) * 0.3
    for event in events:
        inside = (times_s >= event.start_s) & (times_s < event.end_s)
        scores[inside, LABELS.index(event.label)] += 0.6
    return Watched(moments, events, 600.0), times_s, scores


@pytest.mark.parametrize("frames", [3, 3000, 50_000])
def test_a_recording(tmp_path: Path, frames: int) -> None:
    watched, times_s, scores = recording(frames)
    figures: list[Figure] = []
    with patch.object(plots, "save_plot", lambda figure, path: figures.append(figure)):
        plot_recording(watched, times_s, scores, LABELS, tmp_path / "a.png")
    rows = figures[0].axes
    # A row for each class that is there or was found.
    assert [row.get_ylabel() for row in rows] == [LABELS[0], LABELS[1], "a" * 27 + "…"]
    assert [len(row.patches) for row in rows] == [2, 1, 0]
    assert [len(row.collections[0].get_paths()) for row in rows] == [1, 1, 1]
    for row, index in zip(rows, (0, 1, 3), strict=True):
        shown = np.asarray(row.lines[0].get_ydata())
        assert len(shown) <= 8192
        assert shown.max() == scores[:, index].max()
    assert rows[0].get_xlim() == (0, 600)
    plot_recording(watched, times_s, scores, LABELS, tmp_path / "a.png")
    drawn(tmp_path / "a.png")


def test_a_recording_of_many_classes(tmp_path: Path) -> None:
    """Those that are there longest have a row, in the order of the classes."""
    labels = tuple(f"class {index}" for index in range(40))
    moments = [Moment(label, 0, 1 + index) for index, label in enumerate(labels)]
    figures: list[Figure] = []
    with patch.object(plots, "save_plot", lambda figure, path: figures.append(figure)):
        scores = np.zeros((9, 40), np.float32)
        plot_recording(Watched(moments, [], 60.0), np.arange(9.0), scores, labels, tmp_path / "a")
    assert [row.get_ylabel() for row in figures[0].axes] == list(labels[24:])


def test_a_recording_in_which_nothing_happens(tmp_path: Path) -> None:
    scores = np.zeros((9, len(LABELS)), np.float32)
    plot_recording(Watched([], [], 9.0), np.arange(9.0), scores, LABELS, tmp_path / "a.png")
    drawn(tmp_path / "a.png")
