"""``movistream archive`` as a user meets it, and its processes."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from movistream.archive.carriers import Finished, Lost, Told, Watched
from movistream.archive.command import archive
from movistream.archive.finding import find_videos_of
from movistream.archive.folder import read_archive
from movistream.archive.plan import Shard, Video
from movistream.archive.progress import Tally, shown
from movistream.archive.store import LocalStore
from movistream.archive.work import Work
from movistream.cli import main
from movistream.errors import MissingExtraError, MovistreamError
from movistream.parquet.footer import Footer, Run, VideoOutcome
from movistream.parquet.schema import VERSION
from movistream.parquet.table_file import table_file
from movistream_benchmarks.archives.kills import DIES_OF_POISON
from tests.sdk.archives import (
    archive_work,
    bring_to_its_end,
    hired,
    rows_of,
    shard_paths,
    some_videos,
    watches_here,
)
from tests.sdk.test_run import run_lines
from tests.sdk.videos import write_timed_video

Capture = pytest.CaptureFixture[str]
__all__ = ["archive_work"]

ROOT = Path(__file__).parents[2]
STILLBORN = """
import os, sys
if any("spawn_main" in word for word in sys.orig_argv):
    os._exit(7)
"""
FOR_EVER = "import re; re.match('(a+)+b', 'a' * 60)"


@pytest.fixture(autouse=True)
def _extra(request: pytest.FixtureRequest) -> None:
    if "without" not in request.node.name:
        for package in ("pyarrow", "duckdb"):
            pytest.importorskip(package, reason=f"{package} (movistream[archive]) is not installed")


def run(*arguments: str | Path) -> int:
    """The exit code of a command."""
    try:
        main([*map(str, arguments)], command=archive, name="movistream archive")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def in_a_process(*arguments: str | Path) -> subprocess.Popen[str]:
    # Programs behind a shell's & hear no SIGINT, and hand that down.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    code += " from movistream.cli import main; from movistream.archive.command import"
    code += " archive; main(sys.argv[1:], command=archive, name='movistream archive')"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def test_an_archive_says_what_runs_say(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    """By two processes; then nothing is left to do, and a question finds it."""
    videos = [video.name for video in some_videos(clip, tmp_path / "videos")]
    folder = tmp_path / "archive"
    arguments = (model_path, *videos, "-o", folder, "--workers", "2", "--top", "2")
    assert run(*arguments, "--dry-run") == 0
    assert capsys.readouterr().out == "7 videos: 0 finished, 7 left\n"
    assert not folder.exists()
    assert run(*arguments) == 1
    told = capsys.readouterr().err
    assert "7 videos, 0.00 hours, " in told
    assert "4 videos failed:" in told
    assert "damaged after frame" in told
    assert "\x1b" not in told
    with pytest.raises(SystemExit):
        run_lines([model_path, *videos, "--top", "2"], capsys)
    found = lines_of(capsys.readouterr().out)
    rows = rows_of(folder)
    for kind, types in (("step", ["step"]), ("video", ["end", "error"])):
        said = [line for line in found if line["type"] in types]
        own = [row for row in rows if row["type"] == kind]
        assert len(own) == len(said)
        for row, line in zip(own, sorted(said, key=lambda line: line["source"]), strict=True):
            assert row["video"] == line["source"]
            assert row.get("error") == line.get("reason")
            assert [entry["label"] for entry in row["top"]] == [e["label"] for e in line["top"]]
            scores = [entry["score"] for entry in line["top"]]
            assert [entry["score"] for entry in row["top"]] == pytest.approx(scores, abs=1e-6)
            if kind == "step":
                assert (row["frame"], round(row["time_s"], 4)) == (line["frame"], line["time_s"])
            else:
                assert row["frames"] == line["steps"]
    before = {path: path.stat().st_mtime_ns for path in shard_paths(folder)}
    assert run(*arguments) == 1
    assert capsys.readouterr().err == (
        "7 videos finished before, of which 4 failed (--retry runs them once more)\n"
    )
    assert before == {path: path.stat().st_mtime_ns for path in shard_paths(folder)}
    question = "SELECT status, count(*) AS n FROM videos GROUP BY 1 ORDER BY 1"
    assert run("query", folder, question) == 0
    assert capsys.readouterr().out == "status,n\ndone,3\nerror,4\n"
    assert run("query", folder, "SELECT count(*) AS n FROM steps", "--json") == 0
    assert lines_of(capsys.readouterr().out) == [{"n": sum(r["type"] == "step" for r in rows)}]
    assert run("status", folder, "--json") == 0
    (status,) = lines_of(capsys.readouterr().out)
    assert (status["videos"], status["failed"], status["run"]) == (7, 4, rows[0]["run"])
    assert run("status", folder) == 0
    assert "7 videos (4 failed) in 1 shards" in capsys.readouterr().out
    # Other options are another run.
    assert run(*arguments, "--every", "3") == 1
    assert "holds another run (of another every); name another folder" in capsys.readouterr().err
    assert run(*arguments, "--every", "3", "--beside") == 1
    capsys.readouterr()
    assert run("status", folder, "--json") == 0
    assert [line["videos"] for line in lines_of(capsys.readouterr().out)] == [7, 7]
    # Those that have failed, once more, and with a changed file.
    (tmp_path / "videos/empty.avi").write_bytes(clip.read_bytes())
    assert run(*arguments, "--beside", "--dry-run", "--retry") == 0
    assert "7 videos: 3 finished, 4 left; 4 rows are to be" in capsys.readouterr().out
    assert run(*arguments, "--beside", "--retry") == 1
    run_id = rows[0]["run"]
    rows = [row for row in rows_of(folder) if row["run"] == run_id and row["type"] == "video"]
    assert [row["status"] for row in rows].count("error") == 3
    assert len(rows) == 7


def test_a_clip_that_kills_costs_two_deaths_and_a_row(
    clip: Path, tmp_path: Path, archive_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "start").mkdir()
    (tmp_path / "start/sitecustomize.py").write_text(DIES_OF_POISON)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "start"), *sys.path]))
    some_videos(clip, tmp_path / "videos")
    for name in ("b poison.avi", "z poison.avi"):
        (tmp_path / "videos" / name).write_bytes(clip.read_bytes())
    for number in range(8):
        (tmp_path / f"videos/more {number}.avi").write_bytes(clip.read_bytes())
    videos = find_videos_of([str(tmp_path / "videos")])
    news = bring_to_its_end(archive_work, videos, hired("processes", 2))
    lost = [each for each in news if isinstance(each, Lost)]
    assert len(lost) == 4
    assert {each.reason for each in lost} == {"it was killed (SIGKILL)"}
    assert sum(isinstance(each, Finished) for each in news) == 2
    rows = rows_of(Path(archive_work.place))
    told = {row["video"]: row for row in rows if row["type"] == "video"}
    assert len(told) == sum(row["type"] == "video" for row in rows) == len(videos)
    poisoned = [row for name, row in told.items() if "poison" in name]
    assert [(row["status"], row["attempts"]) for row in poisoned] == [("error", 2)] * 2
    assert all("has died 2 times at this video" in row["error"] for row in poisoned)
    assert {row["attempts"] for name, row in told.items() if "poison" not in name} == {1}
    assert list((Path(archive_work.place) / ".attempts").iterdir()) == []


def test_a_clip_that_hangs_costs_two_deaths_and_a_row(
    clip: Path, tmp_path: Path, archive_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs in a call that no signal and no other thread interrupts."""
    (tmp_path / "start").mkdir()
    (tmp_path / "start/sitecustomize.py").write_text(
        DIES_OF_POISON.replace(
            "os.kill(os.getpid(), signal.SIGKILL)", "import re; re.match(r'(a+)+b', 'a' * 60)"
        )
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "start"), *sys.path]))
    some_videos(clip, tmp_path / "videos")
    (tmp_path / "videos/b poison.avi").write_bytes(clip.read_bytes())
    videos = find_videos_of([str(tmp_path / "videos")])
    work = replace(archive_work, request=replace(archive_work.request, give_up_after=2.0))
    news = bring_to_its_end(work, videos, hired("processes", 1))
    assert [n.reason for n in news if isinstance(n, Lost)] == ["it ended with code 1"] * 2
    rows = [row for row in rows_of(Path(work.place)) if row["type"] == "video"]
    assert len(rows) == len(videos)
    (hung,) = (row for row in rows if "poison" in row["video"])
    assert (hung["status"], hung["attempts"]) == ("error", 2)
    assert "gives no picture for too long" in hung["error"]


def test_processes_and_one_process_write_the_same(
    clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    videos = some_videos(clip, tmp_path / "videos")
    bring_to_its_end(archive_work, videos, watches_here)
    rows = rows_of(Path(archive_work.place))
    for path in shard_paths(Path(archive_work.place)):
        path.unlink()
    news = bring_to_its_end(archive_work, videos, hired("processes", 2))
    assert rows_of(Path(archive_work.place)) == rows
    assert sum(isinstance(each, Watched) for each in news) == len(videos)


def test_workers_that_cannot_work_say_why(clip: Path, tmp_path: Path, archive_work: Work) -> None:
    videos = some_videos(clip, tmp_path / "videos")
    archive_work.models[0].rename(tmp_path / "elsewhere")
    try:
        with pytest.raises(MovistreamError, match=r"frames\.tflite"):
            bring_to_its_end(archive_work, videos, hired("processes", 2))
    finally:
        (tmp_path / "elsewhere").rename(archive_work.models[0])


def test_workers_that_die_at_their_start_are_not_hired_for_ever(
    clip: Path, tmp_path: Path, archive_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "start").mkdir()
    (tmp_path / "start/sitecustomize.py").write_text(STILLBORN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "start"), *sys.path]))
    videos = some_videos(clip, tmp_path / "videos")
    with pytest.raises(MovistreamError, match="before they begin a video: it ended with code 7"):
        bring_to_its_end(archive_work, videos, hired("processes", 2))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_same_command_goes_on(
    number: signal.Signals, model_path: Path, clip: Path, tmp_path: Path
) -> None:
    """After Ctrl+C, and after the death of who started the workers, who end too."""
    videos, folder = tmp_path / "videos", tmp_path / "archive"
    videos.mkdir()
    for count in range(10):
        (videos / f"{count}.avi").write_bytes(clip.read_bytes())
    write_timed_video(videos / "8.mp4", [40 * count for count in range(2500)])
    arguments = (model_path, videos, "-o", folder, "--workers", "2", "--fps", "25")
    with in_a_process(*arguments) as child:
        while not shard_paths(folder) if folder.exists() else True:
            time.sleep(0.02)
            if child.poll() is not None:
                pytest.fail(str(child.stderr and child.stderr.read()))
        child.send_signal(number)
        child.wait(timeout=60)
        assert child.stderr is not None
        told = child.stderr.read()
    if number != signal.SIGKILL:
        assert child.returncode == 130
        assert "left: the same command goes on" in told
        assert told.endswith("movistream: error: interrupted\n")
        assert {path.name for path in folder.iterdir()} - {".lock", ".attempts", ".call"} == {
            path.name for path in shard_paths(folder)
        }
    finished = sum(len(shard.footer.videos) for shard in read_archive(LocalStore(folder)).shards)
    assert 0 < finished < 11
    with in_a_process(*arguments) as child:
        _, told = child.communicate(timeout=120)
    assert child.returncode == 0, told
    assert f"{finished} videos finished before" in told
    rows = rows_of(folder)
    names = [row["video"] for row in rows if row["type"] == "video"]
    assert names == [video.name for video in find_videos_of([str(videos)])]
    assert {row["attempts"] for row in rows if row["type"] == "video"} == {1}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing option"),
        (["-o", "FOLDER"], 2, "name a model first, then a source"),
        (["CLIP", "-o", "FOLDER", "--enter", "0.3"], 2, "--enter goes with --events"),
        (["CLIP", "-o", "FOLDER", "--allow", "nothing"], 1, "nothing"),
        (["", "-o", "FOLDER"], 1, "the name of a source is empty"),
        (["CLIP", "-o", ""], 1, "'' is no folder"),
        (["CLIP", "-o", "CLIP"], 1, "is a file, and a folder is needed"),
        (["CLIP", "-o", "/proc/archive"], 1, "cannot write in /proc/archive"),
        (["rtsp://u:secret@camera/", "-o", "FOLDER"], 1, "an archive takes files and folders"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    arguments: Sequence[str],
    code: int,
    message: str,
    model_path: Path,
    clip: Path,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    places = {"CLIP": str(clip), "FOLDER": str(tmp_path / "folder")}
    assert run(model_path, *(places.get(word, word) for word in arguments)) == code
    told = capsys.readouterr().err
    assert message in told
    assert "secret" not in told
    assert "Traceback" not in told


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_that_is_called_as_a_shard_is_not_waited_for(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "shard-1.parquet")
    really_open = Path.open

    def opened(path: Path, *arguments: Any, **options: Any) -> Any:
        assert not path.is_fifo()
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    assert run("status", tmp_path) == 1
    assert "it is a pipe; remove it" in capsys.readouterr().err


def test_questions_that_have_no_answer(tmp_path: Path, capsys: Capture) -> None:
    assert run("query", tmp_path / "missing", "SELECT 1") == 1
    assert "there is no archive" in capsys.readouterr().err
    assert run("query", tmp_path, "SELECT 1") == 1
    assert "holds no shard" in capsys.readouterr().err
    (tmp_path / "shard-1.parquet").write_bytes(b"PAR1 nothing")
    assert run("query", tmp_path, "SELECT 1") == 1
    told = capsys.readouterr().err
    assert "the question cannot be answered" in told
    assert len(told.splitlines()) == 1
    assert run("status", tmp_path) == 0
    assert "is damaged; the same archive again mends it" in capsys.readouterr().err
    with table_file(tmp_path / "shard-1.parquet") as file:
        file.finish(Footer(VERSION, Run("1", {}), ()))
    for question in ("", " -- nothing"):
        assert run("query", tmp_path, question) == 1
        assert "the question is empty" in capsys.readouterr().err


def test_a_question_to_a_file_with_a_hostile_name(
    model_path: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Which is a pattern, and would end a text in SQL; so is what stands in the table."""
    folder = tmp_path / "a[1]*?' OR ''='"
    folder.mkdir()
    video = folder / "=1+1.avi"
    video.write_bytes(clip.read_bytes())
    monkeypatch.chdir(folder)
    main(["run", str(model_path), "./=1+1.avi", "--parquet", str(folder / "t'1.parquet"), "--json"])
    capsys.readouterr()
    assert run("query", folder / "t'1.parquet", "SELECT video FROM videos") == 0
    assert list(csv.reader(capsys.readouterr().out.splitlines())) == [["video"], ["./=1+1.avi"]]
    assert run("query", folder / "t'1.parquet", "SELECT '=1+1' AS a, NULL AS b") == 0
    assert capsys.readouterr().out == "a,b\n'=1+1,\n"
    assert run("query", folder / "t'1.parquet", "SELEKT\n1") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_the_extra(
    model_path: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    needs = "needs more packages: pip install 'movistream[archive]'"
    for arguments in ((model_path, clip, "-o", tmp_path), ("status", tmp_path)):
        assert run(*arguments) == 1
        assert capsys.readouterr().err == f"movistream: error: writing Parquet {needs}\n"
    assert run("query", tmp_path, "SELECT 1") == 1
    assert capsys.readouterr().err == f"movistream: error: asking archives {needs}\n"
    assert issubclass(MissingExtraError, MovistreamError)


def test_help_is_of_the_archive_and_of_what_is_beside_it_without_the_extra(
    capsys: Capture,
) -> None:
    assert run("--help") == 0
    told = capsys.readouterr().out
    for word in ("MODEL [MODEL]... SOURCE... -o FOLDER", "--dry-run", "status", "query"):
        assert word in told


def test_questions_to_runs_of_other_columns(tmp_path: Path, capsys: Capture) -> None:
    """Some have logits, and some do not, whichever comes first."""
    for number, run_id in enumerate(("a", "b", "c")):
        path = tmp_path / f"shard-{run_id}-1.parquet"
        with table_file(path, logits=2 if number == 1 else None) as file:
            row = {"type": "step", "run": run_id, "video": "v"}
            file.add({**row, "logits": [1.0, 2.0]} if number == 1 else row)
            file.finish(Footer(VERSION, Run(run_id, {}), ()))
    assert run("query", tmp_path, "SELECT run, logits FROM steps ORDER BY run", "--json") == 0
    found = [(row["run"], row["logits"]) for row in lines_of(capsys.readouterr().out)]
    assert found == [("a", None), ("b", [1.0, 2.0]), ("c", None)]


@pytest.mark.parametrize("wait_s", [0.0, 0.3, 0.8])
def test_an_early_interrupt_is_a_line(
    wait_s: float, model_path: Path, clip: Path, tmp_path: Path
) -> None:
    """Of Ctrl+C on a terminal all processes hear, workers that are starting too."""
    folder = tmp_path / "archive"
    with in_a_process(model_path, clip, "-o", folder, "--every", "1") as child:
        while not (folder / ".lock").exists():
            time.sleep(0.01)
        time.sleep(wait_s)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
        _, told = child.communicate(timeout=60)
    assert child.returncode in (0, 130)
    assert "Traceback" not in told
    if child.returncode:
        assert told.endswith("movistream: error: interrupted\n")


def test_warnings_of_workers_arrive(tmp_path: Path, archive_work: Work) -> None:
    """A video that has fewer frames than the network was trained with is one."""
    write_timed_video(tmp_path / "slow.mp4", [1000 * number for number in range(5)])
    news = bring_to_its_end(archive_work, find_videos_of([str(tmp_path)]), hired("processes", 1))
    (told,) = [each.text for each in news if isinstance(each, Told)]
    assert "frames per second, fewer than the 5 that are wanted" in told


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_told_meanwhile(terminal: bool, capsys: Capture) -> None:
    """A video whose shard was lost is not done."""
    videos = tuple(Video(name, "1-1") for name in "ab")
    shard, tally = Shard("s", videos), Tally()
    outcomes = tuple(
        VideoOutcome(name, "1-1", status, None, 1, 5, 1800.0, 1.0)  # type: ignore[arg-type]
        for name, status in (("a", "done"), ("b", "error"))
    )
    with shown(tally, 2, terminal=terminal) as show:
        show(Watched(shard, outcomes[0]))
        assert (tally.videos, tally.underway.total()) == (0, 1)
        show(Told("hush\x1b[31m"))
        show(Lost(shard, "it was killed (SIGKILL)"))
        assert (tally.videos, tally.underway.total()) == (0, 0)
        show(Watched(shard, outcomes[0]))
        show(Finished(shard, outcomes))
    assert (tally.videos, tally.underway.total(), tally.losses) == (2, 0, 1)
    assert (tally.hours, tally.frames, tally.failed) == (1.0, 10, 1)
    assert tally.failures == [outcomes[1]]
    told = capsys.readouterr().err
    assert "'hush\\x1b[31m'" in told
    assert "a worker has died (it was killed (SIGKILL)); its 2 videos go on" in told
