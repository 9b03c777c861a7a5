"""What systems have in different ways."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from movistream.system import leftovers, portable
from movistream.system.leftovers import temporary_file
from movistream.system.portable import (
    NEW_FILE_FLAGS,
    READ_FLAGS,
    has_locks,
    is_own,
    is_private,
    lock,
    open_folder,
)


def test_links_and_pipes_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="symbolic links"):
        os.open(tmp_path / "link", READ_FLAGS)
    # One that waited for a writer would never come back.
    os.close(os.open(tmp_path / "pipe", READ_FLAGS))
    descriptor = os.open(tmp_path / "file", READ_FLAGS)
    assert os.read(descriptor, 9) == b"content"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_new_files_are_new(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "file", NEW_FILE_FLAGS, 0o600)
    os.write(descriptor, b"content")
    os.lseek(descriptor, 0, os.SEEK_SET)
    assert os.read(descriptor, 9) == b"content"
    os.close(descriptor)
    with pytest.raises(FileExistsError):
        os.open(tmp_path / "file", NEW_FILE_FLAGS, 0o600)


def test_a_lock_is_of_one(tmp_path: Path) -> None:
    assert has_locks()
    (tmp_path / "file").write_text("")
    one, other = (os.open(tmp_path / "file", READ_FLAGS) for _ in range(2))
    lock(one, wait=True)
    with pytest.raises(BlockingIOError):
        lock(other, wait=False)
    os.close(one)
    lock(other, wait=False)
    os.close(other)


@pytest.mark.parametrize(
    ("mode", "ours", "private"),
    [
        (0o600, True, True),
        (0o400, True, True),
        (0o640, True, False),
        (0o606, True, False),
        (0o600, False, False),
    ],
)
def test_whose_a_file_is(
    mode: int, ours: bool, private: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("")
    path.chmod(mode)
    status = path.stat()
    if not ours:
        monkeypatch.setattr(os, "geteuid", lambda: status.st_uid + 1)
    assert (is_own(status), is_private(status)) == (ours, private)
    # Where there are no user numbers, the folder keeps others away.
    monkeypatch.delattr(os, "geteuid")
    assert is_own(status)
    assert is_private(status)


def test_a_folder_has_a_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = open_folder(tmp_path)
    assert descriptor is not None
    assert os.path.samestat(os.fstat(descriptor), tmp_path.stat())
    os.close(descriptor)
    with pytest.raises(FileNotFoundError):
        open_folder(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        open_folder(tmp_path / "file")
    monkeypatch.delattr(os, "O_DIRECTORY")
    assert open_folder(tmp_path) is None


def test_open_files_are_renamed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locked until they have their names; elsewhere they are closed before."""
    assert portable.RENAMES_OPEN_FILES
    with temporary_file(tmp_path, "one") as part:
        part.become(tmp_path / "one")
        os.fstat(part.descriptor)
    monkeypatch.setattr(leftovers, "RENAMES_OPEN_FILES", False)
    with temporary_file(tmp_path, "two") as part:
        part.become(tmp_path / "two")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(part.descriptor)
    with temporary_file(tmp_path, "three"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
