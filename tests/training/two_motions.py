"""Recordings in which a camera and a thing before it move by themselves, each now and then."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from movistream.demo.motion import Segment, Shake, camera_path
from movistream_training.footage.scene import Backdrop, Optics, Scene, Thing, render
from movistream_training.footage.textures import cut_out, dead_leaves
from movistream_training.footage.video_file import write_video

LABELS = ("camera left", "camera right", "thing left", "thing right")
FRAMES_PER_SECOND = 10
_SIZE = 96
_STILL = "static"


def write_recordings(folder: Path, count: int, seconds: float, seed: int) -> Path:
    """Renders recordings of some length, and writes the table of what moves when."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "moments.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "start", "end"))
        for number in range(count):
            name = f"{number}.mp4"
            rows = _write_recording(folder / name, seconds, np.random.default_rng([seed, number]))
            writer.writerows((name, *row) for row in rows or [("", "", "")])
    return table


def _write_recording(
    path: Path, seconds: float, generator: np.random.Generator
) -> list[tuple[str, float, float]]:
    camera = _turns(seconds, generator)
    thing = _turns(seconds, generator)
    segments = [
        Segment({-1: "pan left", 0: _STILL, 1: "pan right"}[way], length, 0.25 * abs(way))
        for way, length in camera
    ]
    panned = camera_path(segments, Shake(), generator)
    backdrop = Backdrop((dead_leaves(generator),), 300.0, (500.0, 500.0))
    picture = cut_out(dead_leaves(generator), generator)
    places = _places(thing, seconds)

    def frames() -> Iterator[np.ndarray]:
        for index in range(round(seconds * FRAMES_PER_SECOND)):
            time_s = index / FRAMES_PER_SECOND
            # Fixed to the frame, so that what it does is told from what the camera does.
            seen = Thing(picture, 0.45, (places[index], 0.05), nearness=0.0)
            yield render(Scene(backdrop, (seen,), Optics(_SIZE)), panned, time_s, generator)

    write_video(path, frames(), FRAMES_PER_SECOND)
    return [*_rows(camera, "camera"), *_rows(thing, "thing")]


def _turns(seconds: float, generator: np.random.Generator) -> list[tuple[int, float]]:
    """Ways (-1, 0 or 1) and how long each takes, in seconds; half of the time nothing moves."""
    turns: list[tuple[int, float]] = []
    left_s = seconds
    while left_s > 0:
        length = min(left_s, float(generator.integers(10, 31)) / FRAMES_PER_SECOND)
        before = turns[-1][0] if turns else 0
        way = int(generator.choice([-1, 1])) if before == 0 else 0
        turns.append((way, length))
        left_s = round(left_s - length, 6)
    return turns


def _places(turns: list[tuple[int, float]], seconds: float) -> np.ndarray:
    """Where the thing is at each frame, in widths from the middle."""
    steps = np.concatenate(
        [np.full(round(length * FRAMES_PER_SECOND), way * 0.025) for way, length in turns]
    )
    places = np.cumsum(steps)[: round(seconds * FRAMES_PER_SECOND)]
    # What leaves on one side comes in at the other.
    return (places + 0.6) % 1.2 - 0.6


def _rows(turns: list[tuple[int, float]], what: str) -> list[tuple[str, float, float]]:
    rows, at_s = [], 0.0
    for way, length in turns:
        if way:
            rows.append((f"{what} {'left' if way < 0 else 'right'}", at_s, round(at_s + length, 6)))
        at_s = round(at_s + length, 6)
    return rows
