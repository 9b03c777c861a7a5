"""Whatever dies, an archive on a cluster becomes the same table (``make test-cluster``)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.cluster import need

need("ray", "distributed")


@pytest.mark.parametrize(
    ("kind", "victims"),
    [("ray", ("worker", "node", "driver", "objects")), ("dask", ("worker", "driver"))],
)
def test_deaths_cost_time_alone(kind: str, victims: tuple[str, ...], tmp_path: Path) -> None:
    from movistream_benchmarks.archives.clips import WAYS, make_clips
    from movistream_benchmarks.archives.kills import (
        check,
        in_peace,
        poisoned,
        run_with_deaths,
        write_poison,
    )
    from movistream_benchmarks.archives.rows import rows_of

    bad = make_clips(tmp_path / "clips", count=160, bad=8, seconds=2.0, size=(160, 120))
    assert len(bad) == len(WAYS)
    with poisoned():
        poison = write_poison(tmp_path)
        sources = ("camera-motion", str(tmp_path / "clips"), str(poison), "--events")
        expected = in_peace(sources, tmp_path / "peace")
        assert sum(row["type"] == "video" for row in expected) == 161
        calls = run_with_deaths(
            sources, tmp_path / "killed", kind, victims, random.Random(0), latest_s=1.0
        )
    check(rows_of(tmp_path / "killed"), expected, calls)
    left = {path.name for path in (tmp_path / "killed").iterdir() if path.suffix != ".parquet"}
    assert left == {".lock", ".attempts", ".call"}
    assert not list((tmp_path / "killed/.attempts").iterdir())
