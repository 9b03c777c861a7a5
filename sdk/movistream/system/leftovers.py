"""Temporary files and folders that a killed process leaves, and how the next one removes them.

Each has a name that nothing else has, and is locked (``flock``) by the process that made it for as
long as it needs it. The system takes the lock away when that process ends, however it ends: what
has such a name, belongs to this user and is not locked is left over.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from movistream.system.portable import (
    NEW_FILE_FLAGS,
    READ_FLAGS,
    RENAMES_OPEN_FILES,
    has_locks,
    is_own,
    lock,
    open_folder,
)

_NAME = re.compile(r"(?:\..*\.)?movistream-[0-9a-f]{16}\.part", re.DOTALL)
_KEPT_LETTERS = 50
"""Of a long name, so that the temporary file's is not too long."""
_cleaned: set[str] = set()


class TemporaryFile:
    """A file on its way to what it may become.

    Attributes:
        path: of the file.
        descriptor: of the file, open for reading and writing.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self._open = True

    def become(self, target: Path) -> None:
        """Takes a name, in place of what has it; the last thing that is done with the file.

        It stays locked until then, unless the system renames no open files.

        Raises:
            OSError: if it cannot.
        """
        if not RENAMES_OPEN_FILES:
            self._close()
        self.path.replace(target)

    def discard(self) -> None:
        """Lets go of the file, and removes it unless it has another name by now."""
        if not RENAMES_OPEN_FILES:
            self._close()
        self.path.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self.descriptor)


@contextmanager
def temporary_file(folder: Path, name: str) -> Iterator[TemporaryFile]:
    """An empty file of mode 600 beside what it may become, gone at the end unless renamed.

    What others left over in the folder is removed first, once in a process.

    Args:
        name: of what it may become, a part of its own name.

    Raises:
        OSError: if it cannot be made.
    """
    _remove_leftovers_once(folder)
    prefix = f".{name[:_KEPT_LETTERS]}."
    path, descriptor = _made(folder, prefix, _new_file)
    assert descriptor is not None
    file = TemporaryFile(path, descriptor)
    try:
        yield file
    finally:
        file.discard()


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """An empty folder of mode 700, gone with its content at the end.

    What others left over beside it is removed first, once in a process.

    Args:
        parent: where to make it; by default where the system keeps temporary files.

    Raises:
        OSError: if it cannot be made.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    _remove_leftovers_once(parent)
    path, descriptor = _made(parent, "", _new_folder)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Removes what killed processes of this user left over in a folder, but not below it.

    What a living process uses stays, and so does all that has another name. What cannot be removed
    stays too. Without locks nobody knows what is left over, and all stays.
    """
    if not has_locks():
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if _NAME.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_if_left(folder / name)


def _remove_leftovers_once(folder: Path) -> None:
    key = os.path.realpath(folder)
    if key not in _cleaned:
        _cleaned.add(key)
        remove_leftovers(folder)


def _remove_if_left(path: Path) -> None:
    descriptor = os.open(path, READ_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not is_own(status):
            return
        lock(descriptor, wait=False)
        if not _is_at(path, descriptor):
            return
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path)
        elif stat.S_ISREG(status.st_mode):
            path.unlink()
    finally:
        os.close(descriptor)


def _made(folder: Path, prefix: str, make: Callable[[Path], int | None]) -> tuple[Path, int | None]:
    """A new locked file or folder, and its descriptor; a folder has none on some systems."""
    while True:
        path = folder / f"{prefix}movistream-{secrets.token_hex(8)}.part"
        descriptor = make(path)
        if descriptor is None:
            return path, None
        # On file systems without locks, nothing is ever taken for left over.
        with suppress(OSError):
            lock(descriptor, wait=True)
        if _is_at(path, descriptor):
            return path, descriptor
        # Before it was locked, another process took it for left over: once more.
        os.close(descriptor)


def _new_file(path: Path) -> int:
    return os.open(path, NEW_FILE_FLAGS, 0o600)


def _new_folder(path: Path) -> int | None:
    while True:
        path.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            return open_folder(path)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
