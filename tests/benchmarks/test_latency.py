from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from movistream_benchmarks.latency import Latency, main


def test_models_side_by_side(model_path: Path, model_garden_path: Path) -> None:
    arguments = [str(model_path), "--published", str(model_garden_path)]
    result = CliRunner().invoke(main, [*arguments, "--rounds", "3", "--steps", "5"])
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines() if ".tflite" in line]
    assert rows[0][:3] == [model_garden_path.name, "(published", "loop)"]
    assert rows[0][-3:] == ["1.000", "1.000", "1.000"]
    assert rows[1][0] == model_path.name
    low, middle, high = map(float, rows[1][1:4])
    assert 0 < low <= middle <= high


def test_nothing_to_time() -> None:
    assert CliRunner().invoke(main, []).exit_code == 2


def test_ratio_by_hand() -> None:
    """2/4, 3/4 and 6/6: the median is 0.75, whatever the machine did between rounds."""
    own = Latency("own", (2.0, 3.0, 6.0), ())
    assert own.ratio(Latency("measure", (4.0, 4.0, 6.0), ())) == pytest.approx((0.75, 0.5, 1.0))


def test_refusals_are_one_line(model_path: Path, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.tflite")
    for options in ([missing], [str(model_path), "--published", missing]):
        result = CliRunner().invoke(main, options)
        assert result.exit_code == 1
        assert "missing.tflite" in result.output
        assert "Traceback" not in result.output
