"""Compares what the command-line twin printed with Python's answers to the same frames.

check_twin.py FOLDER MODEL
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from expectations import rgb, upright

import movistream
from movistream_benchmarks.contender import Contender
from movistream_benchmarks.results import as_dictionary, run_benchmark

WIDTH, HEIGHT, FRAMES = 64, 48, 10


def check_run(folder: Path, path: Path) -> None:
    """The twin's best labels and scores, frame by frame."""
    lines = [json.loads(line) for line in (folder / "twin.jsonl").read_text().splitlines()]
    assert int((folder / "twin-lines.txt").read_text()) == len(lines)
    assert [lines[0]["type"], lines[-1]["type"]] == ["start", "end"], lines
    steps = [line for line in lines if line["type"] == "step"]
    assert len(steps) == lines[-1]["steps"] == FRAMES, steps
    raw = np.fromfile(folder / "noise.yuv", np.uint8).reshape(FRAMES, -1)
    pixels, half = WIDTH * HEIGHT, (HEIGHT // 2, WIDTH // 2)
    with (
        movistream.load(path, threads=1, arithmetic="float32") as model,
        model.stream() as stream,
    ):
        for frame, line in zip(raw, steps, strict=True):
            y = frame[:pixels].reshape(HEIGHT, WIDTH)
            u, v = frame[pixels:].reshape(2, *half)
            best = stream.step(upright(rgb(y, u, v), 90)).top(3)
            assert [entry["label"] for entry in line["top"]] == [each.label for each in best]
            scores = [entry["score"] for entry in line["top"]]
            np.testing.assert_allclose(scores, [each.score for each in best], atol=1e-6)


def shape_of(value: Any, path: str = "") -> set[str]:
    """The names in a JSON value; those that tell of one machine or file are left out."""
    names: set[str] = set()
    if isinstance(value, dict) and path not in (".machine.versions", ".results.work"):
        for name, entry in value.items():
            names |= {f"{path}.{name}"} | shape_of(entry, f"{path}.{name}")
    elif isinstance(value, list) and path != ".peak_rates":
        for entry in value:
            names |= shape_of(entry, path)
    return names


def check_bench(folder: Path, path: Path) -> None:
    """The twin's benchmark has the names that movistream's has."""
    own = as_dictionary(run_benchmark([Contender(path)], 1, 2))
    found = json.loads((folder / "twin-bench.json").read_text())
    # Null on the JVM: see docs/android.md.
    unknown = {name for name in shape_of(own) if name.startswith(".results.activations.")}
    differing = shape_of(found) ^ (shape_of(own) - unknown)
    assert not differing, differing
    for name in ("network", "precision", "file_bytes", "weight_bytes", "state_bytes"):
        one, other = found["results"][0][name], own["results"][0][name]
        assert one == other, f"{name}: {one} on the JVM, {other} in Python"


if __name__ == "__main__":
    check_run(Path(sys.argv[1]), Path(sys.argv[2]))
    check_bench(Path(sys.argv[1]), Path(sys.argv[2]))
    print("the twin's scores and its benchmark's names are those of Python")
