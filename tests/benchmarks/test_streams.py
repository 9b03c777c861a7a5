"""Figures of several streams: none where a source fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from movistream.cli import main
from movistream_benchmarks import streams


def test_workers_count_the_steps_of_a_folder(
    model_path: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clip.avi").write_bytes(clip.read_bytes())
    arguments = ["workers", str(model_path), str(tmp_path), "--most", "2", "--rounds", "3"]
    main(arguments, streams.main, "streams")
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" steps")[0] for line in said] == ["1 workers: 15", "2 workers: 15"]


def test_a_source_that_fails_is_an_error(
    model_path: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "clip.avi"
    broken.write_text("no video")
    with pytest.raises(SystemExit) as ended:
        main(["workers", str(model_path), str(broken)], streams.main, "streams")
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert "clip.avi is no video, but text" in told.err
    assert "steps" not in told.out
