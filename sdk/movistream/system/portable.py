"""What systems have in different ways: locks, owners, ways to open and to rename.

Everything here goes by what there is, not by the system's name.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

RENAMES_OPEN_FILES = os.name != "nt"
"""Windows neither renames nor removes a file that is open."""

READ_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    READ_FLAGS |= getattr(os, _name, 0)
"""To look at a file by its descriptor: no link is followed, no pipe waited for."""

NEW_FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def has_locks() -> bool:
    """Whether a lock ends with the process that has it, however that ends."""
    return fcntl is not None


def lock(descriptor: int, *, wait: bool) -> None:
    """Locks a file or a folder until its descriptor is closed, where the system has such locks.

    Raises:
        OSError: if another process has locked it, and it is not waited for.
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_own(status: os.stat_result) -> bool:
    """Whether a file is this user's; where there are no user numbers, folders keep users apart."""
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def is_private(status: os.stat_result) -> bool:
    """Whether a file is this user's, and nobody else may read or write it.

    Where modes say nothing about other users, the folder that it is in does.
    """
    return not hasattr(os, "geteuid") or (
        is_own(status) and not stat.S_IMODE(status.st_mode) & 0o077
    )


def open_folder(path: Path) -> int | None:
    """A descriptor of a folder; None where folders are not opened.

    Raises:
        FileNotFoundError: if it is not there.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return None
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
