from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from movistream_benchmarks import soak


def test_soak_reports_memory_that_does_not_grow(model_path: Path) -> None:
    result = CliRunner().invoke(soak.main, [str(model_path), "--steps", "2000"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["100", "1000", "2000"]
    assert lines[-1].startswith("growth from step 1000 to step 2000:")
    for line in lines[:-1]:
        resident, peak = (
            float(line.split(f"{key} ")[1].split()[0]) for key in ("resident", "peak")
        )
        assert 20 < resident <= peak


def test_growth_fails(model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaking = lambda steps: soak.Memory(steps, steps * 2_000, steps * 2_000)  # noqa: E731
    monkeypatch.setattr(soak, "read_memory", leaking)
    result = CliRunner().invoke(soak.main, [str(model_path), "--steps", "2000"])
    assert result.exit_code == 1
    assert "memory grew by more than 1000 kB" in result.output
