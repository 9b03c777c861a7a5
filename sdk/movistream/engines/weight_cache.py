"""Where packed weights are kept between processes.

Engines bring weights into the layout that the CPU wants, a copy of nearly the whole file in every
process. Kept in a file, the copy is mapped: it is made once, and processes share its pages.

An engine believes such a file, and answers wrongly from a damaged one. So its name ends in a
digest of its content, which is checked whenever it is opened. The engine writes it by itself, and
kills the process when the disk is full: that happens in a child process, in a folder of its own,
and only what is whole gets its name.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from movistream.engines.identity import engine_identity
from movistream.errors import EngineError
from movistream.system.child import ChildError, RefusalError
from movistream.system.leftovers import remove_leftovers, temporary_folder
from movistream.system.portable import READ_FLAGS, is_own

_OPEN_FILES = Path("/dev/fd")
_SUFFIX = ".xnnpack-weights"
_CHUNK_BYTES = 2**18
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_logger = logging.getLogger("movistream.engines.weight_cache")


def weight_cache_file(folder: str | os.PathLike[str], fingerprint: str) -> Path | None:
    """What the names of one model's files begin with, in a folder, which is made if it is missing.

    It holds all that the packed layout depends on: the model, the engine's version and the CPU's
    features. What it does not fit is never read. None, with a warning, if the disk has no room for
    the folder.

    Raises:
        EngineError: if the folder cannot be made or written, or the system has no paths for open
            files, by which engines get them.
    """
    if not _OPEN_FILES.is_dir():
        raise EngineError(f"weights cannot be kept here: this system has no {_OPEN_FILES}")
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise EngineError(f"cannot keep weights in {folder}: it is a file, and a folder is needed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in _NO_ROOM:
            _warn(folder, str(error.strerror))
            return None
        raise EngineError(f"cannot keep weights in {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise EngineError(f"cannot keep weights in {folder}: no permission to write there")
    remove_leftovers(folder)
    key = "\n".join([fingerprint, engine_identity()])
    return folder / hashlib.sha256(key.encode()).hexdigest()[:32]


@contextmanager
def packed_weights(cache: Path, pack: Callable[[Path], None]) -> Iterator[str | None]:
    """A path at which packed weights are found, whole and as they were written.

    It is valid in the block, whatever happens to the file's name. A file that is damaged is thrown
    away and written anew. So is one that others may write; one of another user's is not believed.

    Args:
        cache: what :func:`weight_cache_file` returns.
        pack: writes packed weights to a path, if there are any, in a child process; raises
            :class:`.ChildError`.

    Yields:
        The path; None if there are none, or, with a warning, if they cannot be written.
    """
    descriptor = _open_verified(cache)
    if descriptor is None:
        try:
            _write(cache, pack)
        except RefusalError as error:
            _warn(cache.parent, f"{error}. The disk may be full")
        except ChildError as error:
            _warn(cache.parent, f"the engine that writes them {error}. The disk may be full")
        except OSError as error:
            _warn(cache.parent, str(error.strerror))
        descriptor = _open_verified(cache)
    if descriptor is None:
        yield None
        return
    try:
        yield str(_OPEN_FILES / str(descriptor))
    finally:
        os.close(descriptor)


def _warn(folder: Path, reason: str) -> None:
    _logger.warning("packed weights are not kept in %s: %s", folder, reason)


def _write(cache: Path, pack: Callable[[Path], None]) -> None:
    with temporary_folder(cache.parent) as folder:
        part = folder / "part"
        pack(part)
        if not part.exists():
            return  # There was nothing to pack.
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            part.chmod(0o600)
            part.replace(_named(cache, descriptor))
        finally:
            os.close(descriptor)


def _open_verified(cache: Path) -> int | None:
    """A descriptor of packed weights that are as they were written; others are removed."""
    for path in cache.parent.glob(f"{cache.name}-*{_SUFFIX}"):
        with suppress(OSError):
            descriptor = os.open(path, READ_FLAGS)
            status = os.fstat(descriptor)
            is_ours = (is_own(status) or status.st_uid == 0) and stat.S_ISREG(status.st_mode)
            if is_ours and not status.st_mode & _OTHERS_MAY_WRITE:
                if _named(cache, descriptor) == path:
                    return descriptor
                _logger.warning("%s is damaged, and written anew", path)
            os.close(descriptor)
            if is_ours:
                path.unlink()
    return None


def _named(cache: Path, descriptor: int) -> Path:
    """The name of a file of such content.

    It is read, not mapped, so that pages of which nothing else is needed take no memory here.
    """
    digest = hashlib.sha256(cache.name.encode())
    buffer = bytearray(_CHUNK_BYTES)
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return cache.with_name(f"{cache.name}-{digest.hexdigest()}{_SUFFIX}")
