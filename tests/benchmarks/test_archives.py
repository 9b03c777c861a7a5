"""What archives cost, in small: that it is measured, and that a wrong table fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from movistream.cli import main
from movistream.errors import MovistreamError
from movistream_benchmarks.archives import carriers, clips, growth, planning
from movistream_benchmarks.archives.rows import differences, not_once, rows_of

pytest.importorskip("pyarrow", reason="pyarrow (movistream[archive]) is not installed")

Capture = pytest.CaptureFixture[str]


def make_clips(folder: Path) -> list[Path]:
    return clips.make_clips(folder, count=24, bad=8, seconds=0.5, size=(64, 48))


def test_clips_are_bad_in_each_way_and_always_the_same(tmp_path: Path) -> None:
    made = [make_clips(tmp_path / name) for name in ("one", "two")]
    assert len(made[0]) == len(clips.WAYS) == 8
    files = [sorted(path for path in tmp_path.glob(f"{n}/*/*")) for n in ("one", "two")]
    assert len(files[0]) == 24
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_processes_are_held_against_run(tmp_path: Path, capsys: Capture) -> None:
    make_clips(tmp_path / "clips")
    arguments = ["camera-motion", str(tmp_path / "clips"), "--on", "processes", "--workers", "2"]
    main(arguments, carriers.main, "carriers")
    said = capsys.readouterr()
    assert "rows of 24 videos as run's" in said.err
    assert "processes" in said.out


def test_a_table_that_differs_fails(tmp_path: Path) -> None:
    make_clips(tmp_path / "clips")
    table = tmp_path / "run.parquet"
    with pytest.raises(SystemExit):
        main(["run", "camera-motion", str(tmp_path / "clips"), "--parquet", str(table)])
    rows = rows_of(table)
    assert list(differences(rows, rows, 0.0)) == []
    step = next(number for number, row in enumerate(rows) if row["type"] == "step")
    other = [dict(row) for row in rows]
    other[step]["score"] += 1e-3
    (told,) = differences(rows, other, 1e-6)
    assert told.startswith(f"step of {rows[step]['video']}: score ")
    assert list(differences(rows, other, 1e-2)) == []
    with pytest.raises(MovistreamError, match="1 rows differ"):
        carriers._check("ray", rows, other)
    assert not_once([*rows, *rows[-1:]]) == [rows[-1]["video"]]
    with pytest.raises(MovistreamError, match="1 videos are not in it once"):
        carriers._check("ray", rows, [*rows, next(r for r in rows if r["type"] == "video")])


def test_growth_and_planning(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "_DIFFERENT", 4)
    main(["videos", "camera-motion", "--count", "6", "--workers", "1"], growth.main, "growth")
    main(["--videos", "70", "--steps", "3"], planning.main, "planning")
    said = capsys.readouterr().out
    assert "ms a video" in said
    assert "70 videos of 3 steps in 9 shards" in said
