from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from movistream_benchmarks.soak import main


def test_soak_reports_memory(model_path: Path) -> None:
    result = CliRunner().invoke(main, [str(model_path), "--steps", "2000"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["100", "1000", "2000"]
    assert lines[-1].startswith("growth from step 1000 to step 2000:")
    resident = [float(line.split("resident ")[1].split()[0]) for line in lines[:-1]]
    assert all(megabytes > 20 for megabytes in resident)
