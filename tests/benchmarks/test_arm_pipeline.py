"""``movistream bench-arm --pipeline``: the counting itself needs an emulator; the rest does not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import movistream
from movistream.errors import EngineError, VideoError
from movistream.sources.decoding import QUALITIES
from movistream_benchmarks.arm import command, pipeline_counts
from movistream_benchmarks.arm.command import bench_arm
from movistream_benchmarks.arm.pipeline_counted import (
    COUNTED_STAGES,
    PipelineRequest,
    answer_pipeline,
)
from movistream_benchmarks.arm.pipeline_counts import count_pipelines
from movistream_benchmarks.arm.program import record
from movistream_benchmarks.arm.step_counted import Moment
from movistream_benchmarks.video_passes import looks
from tests.benchmarks.test_arm import answers_of_program

SECONDS = 2.0
MARK_COST = 7
OF_A_LOOK = {"demux": 1_000_000, "decode": 8_000_000, "convert": 9_000_000, "step": 14_000_000}
"""Instructions, in the emulator that these tests pretend to have."""


def request_of(model: Path, video: Path, seconds: float = SECONDS) -> PipelineRequest:
    return PipelineRequest(str(model), str(video), "auto", "auto", seconds)


def test_what_is_counted_of_a_video(model_path: Path, clip: Path) -> None:
    """Whole looks, in pairs of marks; the last logits are those of the last look."""
    moments: list[tuple[int, Moment]] = []
    found = answer_pipeline(
        request_of(model_path, clip), lambda number, moment: moments.append((number, moment))
    )
    assert [(each.quality, each.stage) for each in found.passes] == [
        (quality, stage) for quality in QUALITIES for stage in COUNTED_STAGES
    ]
    assert all(each.seconds == pytest.approx(SECONDS, abs=0.01) for each in found.passes)
    with movistream.load(model_path) as model:
        rate = model.frames_per_second or 10
        expected = [
            look.logits.copy()
            for look in islice(looks("step", model, clip, "exact"), round(SECONDS * rate) + 1)
            if look.logits is not None
        ]
    assert np.allclose(found.logits["exact"], expected[-1], atol=1e-6)
    assert {each.looks for each in found.passes} == {round(10 * SECONDS), len(expected) - 1}
    assert len(moments) == 2 * sum(each.looks for each in found.passes)
    begun, ended = moments[::2], moments[1::2]
    assert {moment for _, moment in begun} == {Moment.BEGIN}
    assert ended == [(number, Moment.END) for number, _ in begun]
    assert len(set(begun)) == len(begun)
    assert all(number > 0 for number, _ in begun)


def test_a_video_that_ends_before(model_path: Path, clip: Path) -> None:
    """What is there is counted; the mark that no look follows has no end."""
    moments: list[tuple[int, Moment]] = []
    found = answer_pipeline(
        request_of(model_path, clip, 60), lambda number, moment: moments.append((number, moment))
    )
    assert found.passes[-1].seconds < 3
    ends = [number for number, moment in moments if moment == Moment.END]
    assert len(ends) == sum(each.looks for each in found.passes)
    begins = {number for number, moment in moments if moment == Moment.BEGIN}
    assert len(begins - set(ends)) == len(found.passes)


def test_a_video_of_one_look(model_path: Path, tmp_path: Path, frames: np.ndarray) -> None:
    import cv2

    path = tmp_path / "short.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    writer.write(frames[0])
    writer.release()
    with pytest.raises(VideoError, match=r"short\.avi is too short to count anything"):
        answer_pipeline(request_of(model_path, path), lambda *_: None)


def test_the_emulated_program_answers_about_videos(
    model_path: Path, clip: Path, tmp_path: Path
) -> None:
    """Here without an emulator."""
    request = request_of(model_path, clip)
    missing = request_of(model_path, tmp_path / "missing.mp4")
    lines, _ = answers_of_program(record(request) + record(missing), tmp_path)
    assert lines[0] == asdict(answer_pipeline(request, lambda *_: None))
    assert "missing.mp4 does not exist" in lines[1]["failed"]


def emulated(
    _folder: Path, _cpu: str, asked: Sequence[tuple[str, bytes]]
) -> Iterator[tuple[list[tuple[int, int]], dict[str, Any]]]:
    """An emulator that answers as this machine does, and counts what is expected."""
    for _, each in asked:
        fields = json.loads(each)
        assert fields.pop("kind") == "PipelineRequest"
        marks = [(0, 10), (0, 10 + MARK_COST)]
        found = answer_pipeline(
            PipelineRequest(**fields),
            lambda number, moment, marks=marks: marks.append((10 * number + moment, 0)),
        )
        stages = [each.stage for each in found.passes for _ in range(each.looks)]
        ended = (index for index, (mark, _) in enumerate(marks) if mark % 10 == Moment.END)
        for index, stage in zip(ended, stages, strict=True):
            marks[index] = (marks[index][0], OF_A_LOOK[stage] + MARK_COST)
        yield marks, json.loads(json.dumps(asdict(found)))


def test_a_stage_takes_what_it_adds(
    model_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_counts, "run_all", emulated)
    request = request_of(model_path, clip)
    here = answer_pipeline(request, lambda *_: None)
    ((exact, fast),) = count_pipelines(Path(), "cortex-a76", [request], [here])
    assert (exact.quality, fast.quality) == QUALITIES
    per_second = exact.looks / exact.seconds
    packets = 10 * OF_A_LOOK["demux"]
    assert exact.stages == pytest.approx(
        {
            "demux": packets,
            "decode": max(0, OF_A_LOOK["decode"] * per_second - packets),
            "convert": OF_A_LOOK["convert"] * per_second
            - max(packets, OF_A_LOOK["decode"] * per_second),
            "step": 5_000_000 * per_second,
        },
        rel=1e-6,
    )
    assert exact.total == pytest.approx(14_000_000 * per_second)
    assert exact.cosine_to_host == pytest.approx(1)
    told = exact.to_dict()
    assert told["total"] == exact.total
    assert told["seconds"] == exact.seconds
    assert told["video_seconds"] == pytest.approx(3)
    assert (told["codec"], told["width"]) == ("mjpeg", 320)


def test_the_command(model_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "set_up", lambda _folder: None)
    monkeypatch.setattr(pipeline_counts, "run_all", emulated)
    cores = ["--cpu", "cortex-a76", "--cpu", "cortex-a72"]
    arguments = [str(model_path), "--pipeline", str(clip), "--seconds", "1", *cores]
    result = CliRunner().invoke(bench_arm, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "1.00 s" in result.output
    assert "mjpeg 320x240" in result.output
    lines = CliRunner().invoke(bench_arm, [*arguments, "--json"]).stdout.splitlines()
    entries = [json.loads(line) for line in lines]
    assert [(entry["cpu"], entry["quality"]) for entry in entries] == [
        (cpu, quality) for cpu in cores[1::2] for quality in QUALITIES
    ]
    assert list(entries[0]["stages"]) == list(COUNTED_STAGES)


def test_a_machine_that_answers_otherwise(
    model_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "set_up", lambda _folder: None)
    monkeypatch.setattr(pipeline_counts, "run_all", emulated)

    def other(request: PipelineRequest, on_moment: Any) -> Any:
        found = answer_pipeline(request, on_moment)
        return replace(found, logits={q: [-v for v in found.logits[q]] for q in QUALITIES})

    monkeypatch.setattr(command, "answer_pipeline", other)
    with pytest.raises(EngineError, match=r"clip\.avi is answered otherwise on cortex-a76"):
        CliRunner().invoke(
            bench_arm, [str(model_path), "--pipeline", str(clip)], catch_exceptions=False
        )


def test_what_is_refused(model_path: Path, clip: Path, tmp_path: Path) -> None:
    """Before anything is set up."""
    for models in ([], [str(model_path)] * 2, [str(model_path), "--published", str(model_path)]):
        result = CliRunner().invoke(bench_arm, [*models, "--pipeline", str(clip)])
        assert result.exit_code == 2
        assert "--pipeline takes one model" in result.output
    arguments = [str(model_path), "--pipeline", str(tmp_path / "missing.mp4")]
    with pytest.raises(VideoError, match=r"missing\.mp4 does not exist"):
        CliRunner().invoke(bench_arm, arguments, catch_exceptions=False)
