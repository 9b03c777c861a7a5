"""Tables as Parquet: what ``run --parquet`` writes, and what their files say of themselves."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import movistream
from movistream.cli import main
from movistream.errors import MissingExtraError, OutputError
from movistream.parquet import table_file as table_files
from movistream.parquet.footer import Footer, VideoOutcome, decoded, encoded, run_of
from movistream.parquet.recording import Recorder, fingerprint_of
from movistream.parquet.schema import COLUMNS, ROW_TYPES, VERSION, plain_text, video_text
from movistream.parquet.table_file import footer_size, read_footer, rewrite, table_file
from movistream.system.output import replaced_when_done

Capture = pytest.CaptureFixture[str]
RUN = run_of({"model": "a"})
LOW = ("--events", "--enter", "0.21", "--leave", "0.1", "--shortest", "0.1")


@pytest.fixture(autouse=True)
def _arrow(request: pytest.FixtureRequest) -> None:
    if request.node.name != "test_without_the_extra":
        pytest.importorskip("pyarrow", reason="pyarrow (movistream[archive]) is not installed")


def rows_of(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet

    with path.open("rb") as file:
        return pyarrow.parquet.read_table(file).to_pylist()


def footer_of(path: Path) -> Footer | None:
    """By no more of the file than is needed."""
    data = path.read_bytes()
    return read_footer(data[-max(8, footer_size(data[-8:])) :], str(path))


def outcome(video: str) -> VideoOutcome:
    return VideoOutcome(video, "1-2", "done", None, 1, 3, 1.5, 2.0)


def write(path: Path, videos: list[str], logits: int | None = None) -> Footer:
    footer = Footer(VERSION, RUN, tuple(map(outcome, videos)))
    with replaced_when_done(path) as part, table_file(part, logits) as file:
        for video in videos:
            for kind in ("step", "step", "event", "video"):
                file.add({"type": kind, "run": RUN.id, "video": video})
        file.finish(footer)
    return footer


def test_a_table_says_what_the_json_lines_say(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    table, missing = tmp_path / "table.parquet", str(tmp_path / "missing.mp4")
    with pytest.raises(SystemExit):
        main(["run", str(model_path), str(clip), missing, "--json", *LOW, "--parquet", str(table)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = rows_of(table)
    for kind, of_lines in (("step", "step"), ("event", "event")):
        told = [e for e in lines if e["type"] == of_lines and e.get("phase", "end") == "end"]
        found = [row for row in rows if row["type"] == kind]
        assert len(told) == len(found) > 0
        for line, row in zip(told, found, strict=True):
            assert row["video"] == line["source"]
            if kind == "step":
                assert row["frame"] == line["frame"]
                assert row["time_s"] == pytest.approx(line["time_s"], abs=1e-4)
                pairs = zip(line["top"], row["top"], strict=True)
            else:
                assert (row["start_s"], row["end_s"]) == pytest.approx(
                    (line["start_s"], line["end_s"]), abs=1e-4
                )
                pairs = [({"score": line["peak_score"], **line}, row)]  # type: ignore[assignment]
            for entry, other in pairs:
                assert other["label"] == entry["label"]
                assert other["score"] == pytest.approx(entry["score"], abs=1e-6)
    videos = {row["video"]: row for row in rows if row["type"] == "video"}
    assert len(videos) == len([row for row in rows if row["type"] == "video"]) == 2
    end = next(line for line in lines if line["type"] == "end")
    good, bad = videos[str(clip)], videos[missing]
    assert (good["status"], good["frames"], good["error"]) == ("done", end["steps"], None)
    assert (good["seconds"], good["frames_per_second"], good["attempts"]) == (3.0, 5.0, 1)
    assert good["label"] == end["top"][0]["label"]
    assert good["fingerprint"] == fingerprint_of(str(clip)) != ""
    assert (bad["status"], bad["frames"], bad["label"]) == ("error", 0, None)
    assert "does not exist" in bad["error"]
    footer = footer_of(table)
    assert footer is not None
    assert [o.video for o in footer.videos] == [r["video"] for r in rows if r["type"] == "video"]
    assert {row["run"] for row in rows} == {footer.run.id}
    assert footer.run.made_of["movistream"] == movistream.__version__


def test_columns_are_those_that_are_described(tmp_path: Path) -> None:
    """And a row has nothing in a column that says nothing of its type."""
    import pyarrow.parquet

    write(tmp_path / "a.parquet", ["a"], logits=4)
    names = pyarrow.parquet.read_schema(tmp_path / "a.parquet").names
    assert names == [column.name for column in COLUMNS]
    write(tmp_path / "a.parquet", ["a"])
    assert pyarrow.parquet.read_schema(tmp_path / "a.parquet").names == [
        name for name in names if name != "logits"
    ]


def test_rows_have_what_their_type_has(model_path: Path, clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    main(["run", str(model_path), str(clip), *LOW, "--parquet", str(table)])
    for row in rows_of(table):
        meant = {column.name for column in COLUMNS if row["type"] in column.rows}
        assert {name for name, value in row.items() if value is not None} <= meant


def test_logits_are_those_of_the_network(model_path: Path, clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    with movistream.load(model_path) as model:
        steps = list(model.watch(clip))
        with table_file(table, model.classes) as file:
            recorder = Recorder(file, RUN, logits=True)
            for step in steps:
                recorder.take(step)
            file.finish(recorder.footer())
    np.testing.assert_array_equal(
        [row["logits"] for row in rows_of(table)], [step.result.logits for step in steps]
    )


def test_more_rows_than_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is lost or doubled, and rows of one type are together."""
    monkeypatch.setattr(table_files, "_GROUP_ROWS", 3)
    names = [f"{number}.mp4" for number in range(10)]
    write(tmp_path / "a.parquet", names)
    rows = rows_of(tmp_path / "a.parquet")
    for kind, each in (("step", 2), ("event", 1), ("video", 1)):
        found = [row["video"] for row in rows if row["type"] == kind]
        assert found == [name for name in names for _ in range(each)]


@given(st.lists(st.binary(min_size=1).filter(lambda name: b"\0" not in name), unique=True))
def test_no_two_names_become_one(names: list[bytes]) -> None:
    texts = [video_text(os.fsdecode(name)) for name in names]
    assert len({*texts}) == len(texts)
    assert [text.encode().decode() for text in texts] == texts


def test_names_that_are_no_text() -> None:
    assert video_text(os.fsdecode(b"caf\xe9 1.mp4")) == "bytes:caf%E9%201.mp4"
    assert video_text("bytes:caf%E9") == "bytes:bytes%3Acaf%25E9"
    assert video_text("a/b é\n.mp4") == "a/b é\n.mp4"
    assert plain_text("no \udce9") == "no \\udce9"


def test_a_footer_comes_back() -> None:
    footer = Footer(VERSION, RUN, (outcome("a\n"), outcome("b")))
    assert decoded(encoded(footer)) == footer


@given(
    st.binary()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(
                st.sampled_from(["schema_version", "run", "videos", "id", "made_of"]), each
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_what_is_no_footer_is_none(text: bytes) -> None:
    assert decoded(text) is None


def test_a_footer_of_another_version_is_none() -> None:
    assert decoded(encoded(Footer(VERSION + 1, RUN, ()))) is None
    assert decoded(b"[" * 100_000) is None


def test_a_run_is_what_it_is_made_of() -> None:
    assert run_of({"a": 1, "b": 2}) == run_of({"b": 2, "a": 1})
    assert run_of({"a": 1}).id != run_of({"a": 2}).id


@pytest.mark.parametrize("kept", [0, 3, 4, 50, -1, -9])
def test_a_damaged_file_has_no_footer(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, ["a", "b"])
    assert footer_of(path) is not None
    path.write_bytes(path.read_bytes()[:kept])
    assert footer_of(path) is None


def test_other_files_have_no_footer(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(OutputError, match="no table of this version"):
        footer_of(tmp_path / "other.parquet")


def test_videos_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    footer = write(path, ["a", "b", "c"])
    rows = rows_of(path)
    less = dataclasses.replace(footer, videos=(footer.videos[0], footer.videos[2]))
    with path.open("rb") as file, replaced_when_done(path) as part:
        rewrite(file, part, less, lambda video: video != "b")
    assert footer_of(path) == less
    assert rows_of(path) == [row for row in rows if row["video"] != "b"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that was there stays as it was."""
    path = tmp_path / "a.parquet"
    footer = write(path, ["a"])
    monkeypatch.setattr(Path, "open", full_after(200, Path.open))
    with pytest.raises(OutputError, match=r"cannot write .*a\.parquet: No space left on device"):
        write(path, [f"{number}" * 50 for number in range(1000)])
    monkeypatch.undo()
    assert footer_of(path) == footer
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]


def full_after(room: int, really_open: Any) -> Any:
    """In place of ``Path.open``: what is written in binary meets the end of the disk."""

    def open_small(self: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        file = really_open(self, mode, *rest, **named)
        if mode == "wb":
            really_write = file.write

            class Full:
                closed = False

                def write(self, data: Any) -> int:
                    if file.tell() + len(data) > room:
                        raise OSError(errno.ENOSPC, "No space left on device")
                    return really_write(data)

                def __getattr__(self, name: str) -> Any:
                    return getattr(file, name)

                def __enter__(self) -> Any:
                    return self

                def __exit__(self, *_: Any) -> None:
                    file.close()

            return Full()
        return file

    return open_small


def test_without_the_extra(
    model_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError):
        table_files.pyarrow()
    with pytest.raises(SystemExit):
        main(["run", str(model_path), str(clip), "--parquet", "a.parquet"])
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "movistream: error: writing Parquet needs more packages: pip install 'movistream[archive]'"
    ]


def test_what_excludes_a_table(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    for arguments, message in (
        (["--output-dir", str(tmp_path / "o")], "'movistream archive' writes many videos"),
        (["--csv", str(tmp_path / "a")], "this file is written already"),
    ):
        with pytest.raises(SystemExit):
            main(["run", str(model_path), str(clip), *arguments, "--parquet", str(tmp_path / "a")])
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_page_has_all_columns_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs/results.md").read_text(encoding="utf-8")
    described: dict[str, set[str]] = {}
    for line in page.split("\n## Parquet")[1].split("|---|---|---|\n")[1].splitlines():
        if not line.startswith("|"):
            break
        names, rows, _ = line.strip("|").split("|", 2)
        for name in re.findall(r"`(\w+)`", names):
            described[name] = {*ROW_TYPES} if rows.strip() == "all" else {*rows.strip().split(", ")}
    assert described == {column.name: {*column.rows} for column in COLUMNS}


def test_nothing_of_it_is_imported_until_it_is_asked_for() -> None:
    """The runtime starts as it did; so does the help of what needs the extra."""
    modules = "movistream.public, movistream.cli.run_command, movistream.archive.command"
    unwanted = {"pyarrow", "duckdb", "fsspec", "ray", "distributed", "multiprocessing"}
    unwanted.add("movistream.archive.work")
    script = f"import sys, {modules}; print(sorted({unwanted} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_what_is_live_or_interrupted(tmp_path: Path) -> None:
    """The wall clock's time of an event; and a stream that somebody has ended."""
    began = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
    event = movistream.Event("a\udcff", 1, 1.0, 2.0, 0.75, "end", began, began)
    with table_file(tmp_path / "a.parquet") as file:
        recorder = Recorder(file, RUN)
        recorder.take(movistream.Started("rtsp://camera", True, 5.0, None))
        recorder.take(movistream.Seen("rtsp://camera", dataclasses.replace(event, phase="begin")))
        recorder.take(movistream.Seen("rtsp://camera", event))
        recorder.take(movistream.Ended("rtsp://camera", 3, 0, False, None, None))
        file.finish(recorder.footer())
    seen, video = rows_of(tmp_path / "a.parquet")
    assert (seen["type"], seen["captured_at"], seen["label"]) == ("event", began, "a\\udcff")
    assert (video["status"], video["error"], video["frames"]) == ("interrupted", None, 3)
    assert (video["seconds"], video["fingerprint"]) == (None, "")
    footer = footer_of(tmp_path / "a.parquet")
    assert footer is not None
    assert footer.videos[0].status == "interrupted"
