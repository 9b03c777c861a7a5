"""What runs where macOS and Windows stand, as far as Linux can tell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import movistream

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """Temporary files are apart: processes with locks would take those without for left over."""
    rooms = [ROOT / room for room in ("sdk", "converters", "training", "benchmarks", ".")]
    path = os.pathsep.join(map(str, rooms))
    return {**os.environ, "PYTHONPATH": path, "TMPDIR": os.environ["APART"]}


@pytest.fixture(autouse=True)
def apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APART", str(tmp_path_factory.mktemp("apart")))


def elsewhere(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """What is printed where other systems' lack is hidden."""
    command = [sys.executable, "-m", "tests.sdk.other_system", *map(str, arguments)]
    found = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False, timeout=240
    )
    assert found.returncode == code, found.stderr
    assert "Traceback" not in found.stderr
    return found


@pytest.fixture
def own_model(model_path: Path, tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(model_path.read_bytes())
    return path


def test_steps_are_the_same(own_model: Path) -> None:
    """A load that tries the file in a child, steps, a state that is saved and read."""
    with movistream.load(own_model) as model, model.stream() as stream:
        for value in (0, 255):
            result = stream.step(np.full((48, 64, 3), value, np.uint8))
    assert elsewhere("steps", own_model).stdout == f"{result.label} {result.score:.6f}\n"


def test_a_video_is_run(own_model: Path, clip: Path, tmp_path: Path) -> None:
    outputs = {name: tmp_path / name for name in ("a.csv", "a.mp4", "a.npz", "a.png")}
    options = ["--csv", outputs["a.csv"], "-o", outputs["a.mp4"], "--save-state", outputs["a.npz"]]
    said = elsewhere("run", own_model, clip, *options, "--plot", outputs["a.png"]).stdout
    assert said.count("frame ") == 15
    assert all(path.stat().st_size > 100 for path in outputs.values())
    # Once more, in place of what is there.
    elsewhere("run", own_model, clip, *options, "--force")
    results = tmp_path / "results"
    elsewhere("run", own_model, clip, "--output-dir", results)
    assert "finished before" in elsewhere("run", own_model, clip, "--output-dir", results).stderr
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"results", "model.tflite", *outputs}


def test_a_network_is_converted(model_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "converted.tflite"
    output.write_text("an older one")
    assert "verified" in elsewhere("convert", model_path, "-o", output, "--force").stdout
    with movistream.load(output) as model:
        assert model.classes == 5
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(model_path.read_bytes()[:5000])
    assert "broken.tflite" in elsewhere("run", broken, "x.mp4", code=1).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "broken.tflite",
        "converted.tflite",
    ]


def test_what_is_not_there_is_said(own_model: Path, clip: Path, tmp_path: Path) -> None:
    refused = elsewhere("run", own_model, clip, "--weight-cache", tmp_path / "w", code=1)
    assert "weights cannot be kept here: this system has no /dev/fd" in refused.stderr


def test_raw_frames_are_read_without_waiting_for_descriptors(own_model: Path) -> None:
    command = [sys.executable, "-m", "tests.sdk.other_system", "run", str(own_model), "-"]
    found = subprocess.run(
        [*command, "--source-size", "64x48", "--source-fps", "5"],
        input=bytes(64 * 48 * 3 * 4),
        env=environment(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert found.stdout.count(b"frame ") == 4
