"""What killed processes leave is removed, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from movistream.system import leftovers, portable
from movistream.system.leftovers import remove_leftovers, temporary_file, temporary_folder
from movistream.system.output import replaced_when_done

_MAKER = """
import sys
from pathlib import Path
from movistream.system.leftovers import temporary_file, temporary_folder
folder = Path(sys.argv[1])
with temporary_file(folder, "a.json") as part, temporary_folder(folder) as inner:
    part.path.write_text("half")
    (inner / "deep").mkdir()
    (inner / "deep" / "upload").write_text("half")
    print("made", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not removed anything yet."""
    monkeypatch.setattr(leftovers, "_cleaned", set())


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has made a file and a folder, and waits."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _MAKER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        yield process
        process.kill()


def test_what_a_living_process_uses_stays(tmp_path: Path, maker: subprocess.Popen[str]) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert len(before) == 4
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert maker.communicate("")[0] == ""
    assert maker.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("next_start", ["file", "folder", "output"])
def test_the_next_start_removes_what_a_killed_one_left(
    tmp_path: Path, maker: subprocess.Popen[str], next_start: str
) -> None:
    maker.kill()
    maker.wait()
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "output.json").write_text("whole")
    if next_start == "file":
        with temporary_file(tmp_path, "b.json") as part:
            assert {path.name for path in tmp_path.iterdir()} == {part.path.name, "output.json"}
    elif next_start == "folder":
        with temporary_folder(tmp_path) as folder:
            assert {path.name for path in tmp_path.iterdir()} == {folder.name, "output.json"}
    else:
        with replaced_when_done(tmp_path / "output.json") as part:
            part.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["output.json"]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    for name in (
        "movie.mp4.part",
        ".movie.mp4.part",
        ".clip.avi.movistream-0123.part",
        "clip.avi.movistream-0123456789abcdef.part",
        ".movistream-0123456789abcdef.part",
        ".clip.avi.movistream-0123456789abcdef.part.txt",
        "movistream-abc",
    ):
        (tmp_path / name).touch()
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").touch()
    (tmp_path / "movistream-0123456789abcdef.part").symlink_to(target)
    os.mkfifo(tmp_path / ".pipe.movistream-0123456789abcdef.part")
    before = sorted(tmp_path.rglob("*"))
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    remove_leftovers(tmp_path / "missing")


def test_names_are_ours(tmp_path: Path) -> None:
    name = "ä\n" * 100 + ".json"
    with temporary_file(tmp_path, name) as part, temporary_folder(tmp_path) as folder:
        assert part.path.stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        for path in (part.path, folder):
            assert leftovers._NAME.fullmatch(path.name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_another_user_left_stays(tmp_path: Path) -> None:
    path = tmp_path / ".a.json.movistream-0123456789abcdef.part"
    path.touch()
    os.chown(path, 12345, -1)
    remove_leftovers(tmp_path)
    assert path.exists()
    os.chown(path, os.geteuid(), -1)
    remove_leftovers(tmp_path)
    assert not path.exists()


def test_one_that_is_removed_before_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = portable.fcntl.flock, list[int]()

    def flock(descriptor: int, operation: int) -> None:
        if not calls:
            (early,) = tmp_path.iterdir()
            early.unlink()
        calls.append(descriptor)
        real(descriptor, operation)

    monkeypatch.setattr(portable.fcntl, "flock", flock)
    with temporary_file(tmp_path, "a.json") as part:
        assert len(calls) == 2
        part.path.write_text("whole")
        assert part.path.exists()


def test_what_a_link_leads_to_is_not_even_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may wait for that lock."""
    target = tmp_path / "target"
    target.write_text("whole")
    (tmp_path / ".a.json.movistream-0123456789abcdef.part").symlink_to(target)
    locked = list[int]()
    monkeypatch.setattr(portable.fcntl, "flock", lambda *arguments: locked.append(arguments[0]))
    remove_leftovers(tmp_path)
    assert locked == []
    assert len(list(tmp_path.iterdir())) == 2
    assert target.read_text() == "whole"
