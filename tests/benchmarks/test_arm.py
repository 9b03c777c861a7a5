"""``movistream bench-arm``: the counting itself needs an emulator; all around it does not."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from movistream.errors import EngineError, EngineUnavailableError, ModelError, MovistreamError
from movistream_benchmarks.arm import command, emulator
from movistream_benchmarks.arm.command import bench_arm
from movistream_benchmarks.arm.emulator import Count, count, count_all, set_up
from movistream_benchmarks.arm.program import REQUEST_BYTES, record
from movistream_benchmarks.arm.step_counted import Answer, Moment, Request, answer
from movistream_benchmarks.contender import Contender, moving_blocks, running

ANSWER = Answer("compiled-model", "float32", [1.0, 2.0])


def request_of(path: Path, *, published_loop: bool = False) -> Request:
    return Request(str(path), published_loop, "auto", "auto", warm_up=2, frames=3)


def test_moments_of_a_step(model_path: Path, model_garden_path: Path) -> None:
    moments: list[tuple[int, Moment]] = []
    found = answer(request_of(model_path), lambda frame, moment: moments.append((frame, moment)))
    assert moments == [(frame, moment) for frame in (1, 2, 3) for moment in Moment]
    moments.clear()
    request = request_of(model_garden_path, published_loop=True)
    theirs = answer(request, lambda frame, moment: moments.append((frame, moment)))
    assert moments == [(frame, m) for frame in (1, 2, 3) for m in (Moment.BEGIN, Moment.END)]
    assert np.allclose(found.logits, theirs.logits, atol=1e-4)
    with running(Contender(model_path)) as runner:
        logits = [runner.step(frame).logits for frame in moving_blocks(5)][-1]
    assert found.logits == [float(value) for value in logits]


def test_what_marks_cost_is_taken_out() -> None:
    """A mark costs 7: of 107 + 7 + 50 + 7 … between begin and end, 100 + 50 + 30 remain."""
    marks = [(0, 10), (0, 17), (0, 30), (10, 100), (11, 207), (12, 264), (13, 301)]
    assert emulator.instructions(marks) == ((201 - 3 * 7,), (57 - 7,))
    loop = [(0, 10), (0, 17), (10, 100), (13, 307)]
    assert emulator.instructions(loop) == ((200,), ())
    ended = [(0, 10), (0, 17), (10, 100), (13, 307), (20, 400)]
    assert emulator.instructions(ended) == ((200,), ())


@pytest.mark.parametrize(
    ("machine", "release", "tools", "message"),
    [
        ("aarch64", "bookworm", True, "which this machine is not"),
        ("x86_64", "trixie", True, "run it in a container of debian:12"),
        ("x86_64", None, True, "run it in a container of debian:12"),
        ("x86_64", "bookworm", False, "needs apt-get, dpkg-deb, gcc, setarch"),
    ],
)
def test_where_it_cannot_run(
    machine: str,
    release: str | None,
    tools: bool,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(emulator, "_debian_release", lambda: release)
    monkeypatch.setattr(emulator.shutil, "which", lambda tool: tool if tools else None)
    with pytest.raises(EngineUnavailableError, match=message):
        set_up(tmp_path / "arm")
    assert not (tmp_path / "arm").exists()


def test_a_failed_set_up_says_why_and_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "_check_machine", lambda: None)
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    broken = tmp_path / "setup"
    broken.mkdir()
    (broken / "setup.sh").write_text("echo 'no network' >&2; exit 1\n")
    (broken / "count_instructions.c").write_text("")
    (broken / "wheels.txt").write_text("")
    monkeypatch.setattr(emulator, "files", lambda _package: broken)
    with pytest.raises(MovistreamError, match="no network"):
        set_up(tmp_path / "arm")
    (broken / "setup.sh").write_text("touch $1/made\n")
    set_up(tmp_path / "arm")
    (tmp_path / "arm" / "made").unlink()
    set_up(tmp_path / "arm")
    assert not (tmp_path / "arm" / "made").exists()


def test_an_emulator_that_fails(model_path: Path, tmp_path: Path) -> None:
    (tmp_path / "qemu-aarch64").write_text("#!/bin/sh\necho 'it broke' >&2\nexit 3\n")
    (tmp_path / "qemu-aarch64").chmod(0o755)
    with pytest.raises(MovistreamError, match="on an emulated cortex-a76: it broke"):
        count(tmp_path, "cortex-a76", request_of(model_path))


FAKE_EMULATOR = """
import json, sys
from movistream_benchmarks.arm.program import REQUEST_BYTES
marks = open(sys.argv[sys.argv.index("-plugin") + 1].partition("out=")[2], "w")
for number, asked in enumerate(iter(lambda: sys.stdin.buffer.read(REQUEST_BYTES), b""), 1):
    path = json.loads(asked)["path"]
    if "bad" in path:
        print(json.dumps({"failed": "no model"} if "refused" in path else {"died": "SIGSEGV"}))
        continue
    for mark, executed in ((0, 10), (0, 17), (10, 100), (13, 107 + number)):
        print(mark, executed, file=marks, flush=True)
    print("a native library says this")
    answer = {"engine": path, "arithmetic": "float32", "logits": [1.0]}
    print(json.dumps(answer), flush=True)
"""
"""Counts the number of the request in its one frame."""


@pytest.fixture
def fake_emulator(tmp_path: Path) -> Path:
    program = tmp_path / "fake.py"
    program.write_text(FAKE_EMULATOR)
    path = tmp_path / "qemu-aarch64"
    own = f"PYTHONPATH='{os.pathsep.join(sys.path)}'"
    start = f"exec env -u PYTHONHOME {own} '{sys.executable}' '{program}'"
    path.write_text(f'#!/bin/sh\n{start} "$@"\n')
    path.chmod(0o755)
    return tmp_path


def test_many_in_one_emulator(fake_emulator: Path) -> None:
    """Each has its own marks and its own answer."""
    requests = [request_of(Path(name)) for name in ("one", "two", "three")]
    counts = list(count_all(fake_emulator, "cortex-a76", requests))
    assert [each.frames for each in counts] == [(1,), (2,), (3,)]
    assert [each.answer.engine for each in counts] == ["one", "two", "three"]


@pytest.mark.parametrize(("name", "reason"), [("bad refused", "no model"), ("bad", "SIGSEGV")])
def test_one_of_many_fails(fake_emulator: Path, name: str, reason: str) -> None:
    """Those before it are there, and it is named."""
    requests = [request_of(Path(each)) for each in ("one", name, "three")]
    found = count_all(fake_emulator, "cortex-a76", requests)
    assert next(found).frames == (1,)
    with pytest.raises(MovistreamError, match=f"{name} on an emulated cortex-a76: {reason}"):
        next(found)


def answers_of_program(requests: bytes, folder: Path) -> tuple[list[dict[str, Any]], str]:
    """What the emulated program answers to records of requests, run here, and its stderr."""
    asked = folder / "requests"
    asked.write_bytes(requests)
    with asked.open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "movistream_benchmarks.arm.program"],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return lines, done.stderr


def test_the_emulated_program_answers_each_request_alone(model_path: Path, tmp_path: Path) -> None:
    """Here without an emulator; one that cannot be run, or dies, spares the others."""
    request = request_of(model_path)
    missing = request_of(tmp_path / "missing.tflite")
    asked = record(request) + record(missing) + b" " * REQUEST_BYTES + record(request)
    lines, said = answers_of_program(asked, tmp_path)
    expected = asdict(answer(request, None))
    assert [lines[0], lines[3]] == [expected, expected]
    assert "missing.tflite" in lines[1]["failed"]
    assert lines[2] == {"died": "exit code 1"}
    assert "JSONDecodeError" in said


def test_the_command(model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an emulator that answers as this machine does."""
    monkeypatch.setattr(command, "set_up", lambda _folder: None)

    def emulated(_folder: Path, cpu: str, requests: list[Request]) -> Iterator[Count]:
        for request in requests:
            frames = 16_000_000, 15_000_000, 17_000_000
            yield Count(frames, (9_000_000,) * 3, answer(request, None))

    monkeypatch.setattr(command, "count_all", emulated)
    arguments = [str(model_path), "--cpu", "cortex-a76", "--cpu", "cortex-a72"]
    result = CliRunner().invoke(bench_arm, arguments)
    assert result.exit_code == 0, result.output
    assert "16.00" in result.output
    assert "15.00–17.00" in result.output
    lines = CliRunner().invoke(bench_arm, [*arguments, "--json"]).stdout.splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["cpu"] for entry in entries] == ["cortex-a76", "cortex-a72"]
    assert entries[0]["cosine_to_host"] == pytest.approx(1)
    other = Count((1,), (1,), Answer("e", "float32", [1.0] + [0.0] * 4))
    monkeypatch.setattr(command, "count_all", lambda *_: iter([other]))
    with pytest.raises(EngineError, match="answers otherwise on cortex-a76"):
        CliRunner().invoke(bench_arm, [str(model_path)], catch_exceptions=False)
    assert CliRunner().invoke(bench_arm, []).exit_code == 2
    with pytest.raises(ModelError, match=r"missing\.tflite"):
        CliRunner().invoke(bench_arm, ["missing.tflite"], catch_exceptions=False)


def test_requests_and_answers_are_json(model_path: Path) -> None:
    request = request_of(model_path)
    assert Request(**json.loads(json.dumps(asdict(request)))) == request
    assert Answer(**json.loads(json.dumps(asdict(ANSWER)))) == ANSWER
