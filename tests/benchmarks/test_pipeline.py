"""What watching a video costs, part by part and as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from movistream_benchmarks.bench_command import bench
from movistream_benchmarks.run_cost import answers, run_once
from movistream_benchmarks.video_passes import STAGES, differences


def test_a_video_part_by_part(model_path: Path, clip: Path) -> None:
    arguments = [model_path, "--pipeline", clip, "--pipeline", clip, "--rounds", 3, "--json"]
    done = CliRunner().invoke(bench, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [row["quality"] for row in rows] == ["exact", "fast"] * 2
    for row in rows:
        assert row["source"] == clip.name
        assert list(row["stages_ms"]) == list(STAGES)
        assert row["total_ms"] == pytest.approx(sum(row["stages_ms"].values()))
        assert row["streams_per_core"] == pytest.approx(1e3 / row["total_ms"])
        assert row["stages_ms"]["decode"] > 0
        assert row["plain_ms"] > 0
    assert rows[0]["cosine"] == pytest.approx(1.0)
    assert "per core" in done.stderr
    assert clip.name in done.stderr


def test_what_a_part_adds_is_never_less_than_nothing() -> None:
    added = differences([2.0, 7.0, 6.5, 8.0, 8.0, 9.0])
    assert added == dict(zip(STAGES, [2.0, 5.0, 0.0, 1.0, 0.0, 1.0], strict=True))
    assert differences([2.0, 7.0]) == {"demux": 2.0, "decode": 5.0}


def test_a_pipeline_has_one_model(model_path: Path, clip: Path) -> None:
    arguments = [model_path, model_path, "--pipeline", clip]
    done = CliRunner().invoke(bench, list(map(str, arguments)))
    assert done.exit_code == 2
    assert "--pipeline takes one model" in done.stderr


def test_a_run_as_a_whole(model_path: Path, clip: Path) -> None:
    options = (str(model_path), str(clip), "--threads", "1", "--json")
    plain = run_once(["-m", "movistream_benchmarks.plain_run", *options])
    exact = run_once(["-m", "movistream", "run", *options])
    assert answers(plain.lines) == answers(exact.lines)
    assert any("top" in answer for answer in answers(exact.lines))
    for cost in (plain, exact):
        assert cost.cpu_s > 0
        assert cost.first_line_s > 0
        assert cost.peak_bytes > 2**20


def test_the_plain_way_decodes_every_frame(clip: Path) -> None:
    program = f"""
from movistream_benchmarks.plain_run import without_thought
from movistream.sources import VideoFile
from movistream.sources.picking import one_in
decoded = []
take = VideoFile.picked
without_thought()
with VideoFile(__import__("pathlib").Path({str(clip)!r})) as video:
    assert VideoFile.picked is not take
    frame = next(iter(video.picked(one_in(3))))
    assert frame.shown.shape == frame.image.shape and type(frame.shown).__name__ == "ndarray"
"""
    subprocess.run([sys.executable, "-c", program], check=True)
