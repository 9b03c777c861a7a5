from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from movistream_benchmarks import load_times


def test_every_file_has_its_times(
    model_path: Path, model_garden_path: Path, tmp_path: Path
) -> None:
    options = ["--rounds", "3", "--weight-cache", str(tmp_path)]
    files = [str(model_path), str(model_garden_path)]
    result = CliRunner().invoke(load_times.main, [*files, *options])
    assert result.exit_code == 0, result.output
    header, first, second = result.output.splitlines()
    assert "weight cache" in header
    assert first.split()[3] == "1.00"
    for line, path in ((first, model_path), (second, model_garden_path)):
        name, trial, known, _ratio, _cached = line.split()
        assert name == path.name
        # The trial starts an interpreter, which no load of a small known file comes near.
        assert float(trial) > float(known) > 0


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(load_times.main, [str(tmp_path / "none.tflite")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: cannot read")
