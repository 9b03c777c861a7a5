"""A camera and a thing before it move at once: learnt, made int8, and seen as events."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from movistream_training.assets import weights_file
from tests.training.two_motions import LABELS, write_recordings

PROGRAM = Path(sys.executable).parent / "movistream"


def run(*arguments: object) -> str:
    command = [PROGRAM, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def told(model: Path, table: Path) -> dict[str, Any]:
    (facts,) = json.loads(run("evaluate", model, table, "--events", "--json"))
    return dict(facts)


def test_two_things_at_once(tmp_path: Path) -> None:
    training = write_recordings(tmp_path / "training", count=24, seconds=40.0, seed=11)
    unseen = write_recordings(tmp_path / "unseen", count=6, seconds=40.0, seed=12)
    start = weights_file("camera-motion")
    gentle = ("--epochs", 10, "--frozen-epochs", 1, "--learning-rate", 0.003)
    clips = ("--clip-frames", 20, "--batch", 8, "--from", start)
    output = tmp_path / "run"
    said = run("train", training, "-o", output, "--multi-label", *gentle, *clips)
    assert "mean average precision" in said
    calibration = ("--precision", "int8", "--calibrate", tmp_path / "training")
    run("convert", output / "weights.safetensors", *calibration, "-o", tmp_path / "int8.tflite")
    whole, int8 = told(output / "float32.tflite", unseen), told(tmp_path / "int8.tflite", unseen)
    assert whole["map_frames"] > 0.9
    assert abs(whole["map_frames"] - int8["map_frames"]) < 0.01
    assert int8["events"]["f1"]["0.5"] > 0.8
    assert int8["classes"].keys() == set(LABELS)
