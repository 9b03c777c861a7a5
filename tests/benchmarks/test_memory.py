"""What a model takes of its own, measured in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from movistream_benchmarks.memory import Contender, main, measure


def test_a_model_takes_at_least_its_states(model_path: Path) -> None:
    dirty, resident = measure(Contender(str(model_path)))
    assert 100_000 < dirty < resident < 100_000_000


def test_the_table(model_path: Path, tmp_path: Path) -> None:
    options = [str(model_path), "--weight-cache", str(tmp_path / "cache")]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    assert "warm weight cache" in result.output
    assert "1.00" in result.output


def test_a_missing_model_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path / "missing.tflite")])
    assert result.exit_code == 1
    assert "missing.tflite" in result.output
    assert "Traceback" not in result.output
    assert CliRunner().invoke(main, []).exit_code == 2


@pytest.mark.parametrize("name", ["model_garden_a0_stream_int8.tflite"])
def test_published_files(name: str, reference: object) -> None:
    path = reference(f"peers/{name}")  # type: ignore[operator]
    dirty, _ = measure(Contender(str(path), published=True))
    assert dirty > 1_000_000
