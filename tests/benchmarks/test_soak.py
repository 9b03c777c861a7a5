from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner

from movistream_benchmarks import soak


def test_soak_reports_memory_that_does_not_grow(model_path: Path) -> None:
    result = CliRunner().invoke(soak.main, [str(model_path), "--steps", "2000"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["100", "1000", "1500", "2000"]
    assert lines[-1].startswith("growth from step 1000 to step 2000:")
    for line in lines[:-1]:
        resident, peak = (
            float(line.split(f"{key} ")[1].split()[0]) for key in ("resident", "peak")
        )
        assert 20 < resident <= peak


def test_growth_fails(model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaked = itertools.count(1_000_000, 2_000_000)
    monkeypatch.setattr(soak, "read_resident_bytes", lambda: (next(leaked), 0))
    result = CliRunner().invoke(soak.main, [str(model_path), "--steps", "2000"])
    assert result.exit_code == 1
    assert "memory grew by more than 1000 kB" in result.output


def test_a_class_is_watched_on_a_looped_clip(model_path: Path, clip: Path) -> None:
    """Thirty frames, every fourth: a period of fifteen."""
    assert len(soak.looped_frames(clip, 4)) == 15
    options = ["--steps", "2000", "--video", str(clip), "--every", "4", "--label", "thing 1"]
    result = CliRunner().invoke(soak.main, [str(model_path), *options])
    assert result.exit_code == 0, result.output
    last = result.output.splitlines()[-2]
    score, lowest = (float(word.rstrip(",")) for word in last.split("thing 1 ")[1].split()[::2])
    assert 0 < lowest <= score < 1


def test_refusals_are_one_line(model_path: Path, tmp_path: Path) -> None:
    for options in (
        [str(tmp_path / "missing.tflite")],
        [str(model_path), "--label", "no such thing"],
        [str(model_path), "--video", str(tmp_path / "missing.mp4")],
    ):
        result = CliRunner().invoke(soak.main, options)
        assert result.exit_code in (1, 2)
        assert "Traceback" not in result.output
        assert "Error" in result.output
