"""The programs in ``examples/``: each is short, and runs."""

from __future__ import annotations

import csv
import json
import os
import platform
import runpy
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import movistream
from movistream_converters.conversion import convert_source
from movistream_converters.tflite.precision import Precision
from tests.conftest import CLASSES, small_checkpoint

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MOST_LINES = 60


def run(name: str, *arguments: object, code: int = 0) -> list[str]:
    """Runs a program as its first lines say; returns the lines that it prints."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "sdk"), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_programs_are_short_and_tested(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES
    assert f'"{path.name}"' in Path(__file__).read_text(encoding="utf-8")


def test_one_clip(model_path: Path, clip: Path) -> None:
    first, *others = run("one_clip.py", model_path, clip)
    assert first.startswith("thing ")
    assert len([line for line in others if " s  thing " in line]) == 15
    assert others[-1].startswith("  thing 1 from 1.6 s")


def test_a_camera_loop(model_path: Path, clip: Path) -> None:
    lines = run("camera_loop.py", model_path, clip)
    assert lines
    labels = [line.split(" s  ")[1].rsplit(" ", 1)[0] for line in lines]
    assert all(one != other for one, other in pairwise(labels))
    assert run("camera_loop.py", model_path, "none.mp4", code=1) == []


def test_an_async_loop(model_path: Path, clip: Path, tmp_path: Path) -> None:
    other = shutil.copy(clip, tmp_path / "other.avi")
    lines = run("async_loop.py", model_path, clip, other, "none.mp4")
    assert any(line.startswith(f"{clip} at 0.0 s: thing") for line in lines)
    assert any(line.startswith(f"{other} at 0.0 s: thing") for line in lines)
    assert any(line.startswith("none.mp4 failed") for line in lines)


def test_callbacks(model_path: Path, clip: Path) -> None:
    lines = run("callbacks.py", model_path, clip)
    assert lines[0].startswith("0.0 s: [")
    assert lines[-1].startswith("thing 1: ")
    assert lines[-1].endswith(" s in all")


def test_two_streams(model_path: Path, clip: Path) -> None:
    lines = run("two_streams.py", model_path, clip, clip)
    assert len(lines) == 15
    for line in lines:
        one, other = line.split(" s  ")[1].split("thing ")[1:]
        assert one.strip() == other


def test_events_to_sqlite(model_path: Path, clip: Path, tmp_path: Path) -> None:
    database = tmp_path / "events.sqlite"
    assert run("events_to_sqlite.py", model_path, clip, database)[0].startswith("thing 1: 1 times")
    assert run("events_to_sqlite.py", model_path, clip, database)[0].startswith("thing 1: 2 times")
    with closing(sqlite3.connect(database)) as opened:
        rows = opened.execute("select source, label, start_s from events").fetchall()
    assert rows == [(str(clip), "thing 1", 1.6)] * 2


def test_batch_to_table(model_path: Path, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(clip, folder / "a.avi")
    (folder / "b.mp4").write_text("no video")
    table = tmp_path / "table.csv"
    assert run("batch_to_table.py", model_path, folder, table, code=1) == ["2 clips, 1 failed"]
    with table.open(encoding="utf-8", newline="") as file:
        good, bad = csv.DictReader(file)
    assert (good["clip"], good["label"][:6], good["events"], good["error"]) == (
        "a.avi",
        "thing ",
        "1",
        "",
    )
    assert (bad["clip"], bad["label"]) == ("b.mp4", "")
    assert "b.mp4 is no video, but text" in bad["error"]


def test_snapshot_and_resume(model_path: Path, frames: np.ndarray, tmp_path: Path) -> None:
    for name, part in (("all", frames), ("a", frames[:4]), ("b", frames[4:])):
        np.save(tmp_path / f"{name}.npy", part)
    name, state = "snapshot_and_resume.py", tmp_path / "state.npz"
    whole = run("snapshot_and_resume.py", model_path, tmp_path / "all.npy", tmp_path / "all.npz")
    first = run(name, model_path, tmp_path / "a.npy", state)
    told, *second = run(name, model_path, tmp_path / "b.npy", state)
    assert told == "going on after 4 frames"
    assert first + second == whole


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="numpy may round a product and a sum at once on other CPUs",
)
@pytest.mark.parametrize("size", [(243, 321), (61, 47), (48, 48)], ids=str)
@pytest.mark.parametrize("precision", Precision, ids=lambda precision: precision.value)
def test_a_loop_of_numpy(
    precision: Precision, size: tuple[int, int], clip: Path, frames: np.ndarray, tmp_path: Path
) -> None:
    """What docs/manifest.md says is enough for the same logits, to the bit."""
    path, labels = tmp_path / "m.tflite", [f"thing {index}" for index in range(CLASSES)]
    convert_source(
        small_checkpoint(),
        path,
        precision=precision,
        labels=labels if size[0] == 61 else (),
        horizon_s=1 if size[0] == 61 else None,
        calibration_videos=(clip,) if precision is Precision.INT8 else (),
        verified=False,
    )
    pictures = np.stack([cv2.resize(frame, size[::-1]) for frame in frames])
    np.save(tmp_path / "frames.npy", pictures)
    lines = run("numpy_loop.py", path, tmp_path / "frames.npy", tmp_path / "logits.npy")
    with movistream.load(path, engine="interpreter", threads=1) as model, model.stream() as stream:
        assert model.manifest.input.dtype == ("int8" if precision is Precision.INT8 else "float32")
        results = [stream.step(picture) for picture in pictures]
    np.testing.assert_array_equal(np.load(tmp_path / "logits.npy"), [r.logits for r in results])
    named = [r.label if size[0] == 61 else str(r.top()[0].index) for r in results]
    assert lines == [f"{index} {name}" for index, name in enumerate(named)]


def test_a_notebook(
    model_path: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib").use("agg")
    shutil.copy(model_path, tmp_path / "model.tflite")
    shutil.copy(clip, tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "timeline.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len("\n".join(code).splitlines()) < MOST_LINES
    names: dict[str, Any] = {}
    for cell in code:
        exec(cell, names)
    lines = names["axes"].get_lines()
    assert [line.get_label() for line in lines] == [b.label for b in names["answer"].top[:3]]
    assert len(lines[0].get_xdata()) == 15
    names["plt"].close(names["figure"])
    names["model"].close()


def test_an_endpoint(model_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client_of = pytest.importorskip("fastapi.testclient").TestClient
    monkeypatch.setenv("MODEL", str(model_path))
    names = runpy.run_path(str(EXAMPLES / "fastapi_endpoint.py"))
    names["classify"].__globals__["MOST_BYTES"] = clip.stat().st_size
    with client_of(names["app"]) as client:
        answer = client.post("/classify", content=clip.read_bytes())
        assert answer.status_code == 200
        assert answer.json() == {
            key: value
            for key, value in movistream.classify(clip, names["model"]).to_dict().items()
            if key != "source"
        }
        refused = client.post("/classify", content=b"no video")
        assert refused.status_code == 422
        assert refused.json()["detail"].startswith("the clip is no video, but text")
        assert client.post("/classify", content=clip.read_bytes() + b".").status_code == 413
    names["model"].close()


@pytest.mark.parametrize(
    "name", sorted(path.name for path in EXAMPLES.glob("*.py") if path.stem != "fastapi_endpoint")
)
def test_without_arguments_they_say_how_they_are_called(name: str) -> None:
    found = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "sdk")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert f"python examples/{name} " in found.stderr
    assert "Traceback" not in found.stderr
