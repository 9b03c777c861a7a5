"""Where files of an archive are: in a folder of this machine, or in an object store.

All that knows fsspec, which reads and writes ``s3://``, ``gs://``, ``az://`` and others, each by a
package of its own. Whoever may read or write there is told by that package's environment variables
and files, never by an address: addresses stand in tables and messages.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol, TypeVar

from movistream.errors import MissingExtraError, OutputError
from movistream.sources import is_address
from movistream.sources.address import is_like_an_address, public_name
from movistream.system.leftovers import remove_leftovers, temporary_folder
from movistream.system.output import make_output_folder, replaced_when_done
from movistream.system.portable import lock
from movistream.system.text import one_line

Value = TypeVar("Value")

PATIENCE_S = 120.0
"""Of workers, with an object store that does not answer."""

_LOCK = ".lock"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 15.0
_SECRET = re.compile(r"[^/]*(@|:(?!\d+(/|$))|:.*@)|.*\?", re.DOTALL)
"""What follows a scheme where a user, a password or a query may be in it."""


class Store(Protocol):
    """A folder that an archive is kept in.

    All raise :class:`.OutputError` where the folder or a file cannot be used as is said.

    Attributes:
        title: what the folder is called.
    """

    title: str

    def exists(self) -> bool:
        """Whether there is such a folder."""

    def names(self, folder: str = "") -> list[str]:
        """Names of the files in it or in a folder in it, in order; of a missing folder, none."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def tails(self, names: Sequence[str], size: int) -> list[bytes]:
        """The last bytes of files, or all of those that are shorter."""

    def opened(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file for reading, which can seek."""

    def replaced(self, name: str) -> AbstractContextManager[Path]:
        """A path of this machine, whose file takes the name, whole, if the block ends well."""

    def touch(self, name: str) -> None:
        """Makes an empty file."""

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""

    def kept(self) -> AbstractContextManager[None]:
        """Makes the folder where there is none, and as far as it can, keeps it to this process."""


class LocalStore:
    """A folder of this machine, or one that the system shows like such, see :class:`Store`."""

    def __init__(self, folder: Path) -> None:
        self.title = str(folder)
        self.folder = folder

    def exists(self) -> bool:
        return self.folder.is_dir()

    def names(self, folder: str = "") -> list[str]:
        try:
            return sorted(path.name for path in (self.folder / folder).iterdir())
        except FileNotFoundError:
            if folder:
                return []
            raise OutputError(f"there is no archive {self.title}") from None
        except OSError as error:
            raise OutputError(f"cannot read the archive {self.title}: {error.strerror}") from None

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def tails(self, names: Sequence[str], size: int) -> list[bytes]:
        return [self._tail(name, size) for name in names]

    def _tail(self, name: str, size: int) -> bytes:
        with self.opened(name) as file:
            file.seek(-min(size, file.seek(0, 2)), 2)
            return file.read(size)

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        path = self.folder / name
        if path.is_fifo():
            raise OutputError(f"cannot read {path}: it is a pipe; remove it")
        try:
            file = path.open("rb")
        except OSError as error:
            raise OutputError(f"cannot read {path}: {error.strerror}") from None
        with file:
            yield file

    def replaced(self, name: str) -> AbstractContextManager[Path]:
        return replaced_when_done(self.folder / name)

    def touch(self, name: str) -> None:
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None

    def remove(self, name: str) -> None:
        path = self.folder / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove {path}: {error.strerror}") from None

    @contextmanager
    def kept(self) -> Iterator[None]:
        make_output_folder(self.folder)
        try:
            file: Any = (self.folder / _LOCK).open("ab")
        except OSError as error:
            raise OutputError(f"cannot write in {self.title}: {error.strerror}") from None
        with file:
            try:
                lock(file.fileno(), wait=False)
            except BlockingIOError:
                raise OutputError(
                    f"another process is at work on the archive {self.title}; wait for it, or end"
                    " it"
                ) from None
            except OSError:
                # A file system without locks: then nobody can tell.
                pass
            remove_leftovers(self.folder)
            yield


class RemoteStore:
    """A folder of an object store, see :class:`Store`; nothing keeps two processes apart there."""

    def __init__(self, address: str, patience_s: float) -> None:
        self.title = address.rstrip("/")
        self.system, self._root = file_system(address)
        self._patience_s = patience_s

    def exists(self) -> bool:
        return bool(self._try(lambda: self.system.exists(self._root)))

    def names(self, folder: str = "") -> list[str]:
        try:
            found = self._try(lambda: self.system.ls(self._at(folder), detail=False))
        except FileNotFoundError:
            # A folder without objects is none.
            if folder:
                return []
            raise OutputError(f"there is no archive {self.title}") from None
        return sorted(PurePosixPath(path).name for path in found)

    def has(self, name: str) -> bool:
        return bool(self._try(lambda: self.system.exists(self._at(name))))

    def tails(self, names: Sequence[str], size: int) -> list[bytes]:
        paths = [self._at(name) for name in names]
        found = self._try(
            lambda: self.system.cat_ranges(paths, [-size] * len(paths), [None] * len(paths))
        )
        return [bytes(tail) for tail in found]

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        try:
            file = self._try(lambda: self.system.open(self._at(name), "rb"))
        except FileNotFoundError:
            raise OutputError(f"{name} is gone from {self.title}") from None
        with file:
            yield file

    @contextmanager
    def replaced(self, name: str) -> Iterator[Path]:
        with temporary_folder() as folder:
            part = folder / name
            yield part
            self._write(lambda: self.system.put_file(str(part), self._at(name)))

    def touch(self, name: str) -> None:
        self._write(lambda: self.system.pipe_file(self._at(name), b""))

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._try(lambda: self.system.rm_file(self._at(name)))

    @contextmanager
    def kept(self) -> Iterator[None]:
        # What cannot be written shows now, and not after an hour.
        self.touch(_LOCK)
        yield

    def address_of(self, name: str) -> str:
        """Of a file in it."""
        return str(self.system.unstrip_protocol(self._at(name)))

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}".rstrip("/")

    def _write(self, act: Callable[[], object]) -> None:
        try:
            self._try(act)
        except FileNotFoundError as error:
            raise OutputError(f"cannot write in {self.title}: {one_line(error)}") from None

    def _try(self, act: Callable[[], Value]) -> Value:
        return patiently(act, self.title, self._patience_s)


def store_at(place: str, patience_s: float = 0.0) -> Store:
    """A folder by its path or address.

    Args:
        patience_s: how long to try again while an object store does not answer.

    Raises:
        OutputError: if it is empty, or an address that leads nowhere, or tells a secret.
        MissingExtraError: if fsspec is not installed, and it is an address.
    """
    if place in ("", "-"):
        raise OutputError(f"{place!r} is no folder; an archive needs one")
    if is_like_an_address(place):
        return RemoteStore(place, patience_s)
    return LocalStore(Path(place))


def file_system(address: str) -> tuple[Any, str]:
    """The object store of an address, and what the address is called in it.

    Raises:
        OutputError: if there is no such store, or the address tells a secret.
        MissingExtraError: if fsspec is not installed.
    """
    scheme, _, rest = address.partition("://")
    if not is_address(address) or _SECRET.match(rest):
        raise OutputError(
            f"{public_name(address)} is no address as s3://BUCKET/FOLDER is; what opens a store"
            " belongs in the environment, as its package says, and not in an address"
        )
    if scheme.lower() in ("file", "local", "memory"):
        raise OutputError(f"{scheme}:// is on this machine: give a path")
    try:
        import fsspec.core
    except ImportError:
        raise MissingExtraError(f"{scheme}://", "archive") from None
    try:
        return fsspec.core.url_to_fs(address, use_listings_cache=False)  # type: ignore[no-any-return]
    except ImportError as error:
        raise OutputError(f"{scheme}:// needs another package: {one_line(error)}") from None
    except Exception as error:
        raise OutputError(f"cannot open {public_name(address)}: {one_line(error)}") from None


def object_at(address: str) -> tuple[Any, str]:
    """The object store of an object that was found there, and what the object is called in it.

    Only the store is opened by the address: names of objects may have signs in them that mean
    something to fsspec, as ``::`` and ``?``, or that a secret may have.

    Raises:
        OutputError: if there is no such store.
        MissingExtraError: if fsspec is not installed.
    """
    scheme, _, rest = address.partition("://")
    system, _ = file_system(f"{scheme}://{rest.partition('/')[0]}")
    return system, system._strip_protocol(address)


def patiently(act: Callable[[], Value], title: str, patience_s: float) -> Value:
    """What an act with an object store gives; while the store does not answer, it is tried again.

    Raises:
        FileNotFoundError: if what it is about is not there.
        OutputError: if it is not allowed, or does not work all the time.
    """
    ends_s = time.monotonic() + patience_s
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            return act()
        except (FileNotFoundError, OutputError):
            raise
        except Exception as error:
            if _is_final(error) or time.monotonic() + wait_s > ends_s:
                raise OutputError(f"cannot use {title}: {one_line(error)}") from None
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _is_final(error: Exception) -> bool:
    """Whether the same act will never work."""
    full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    return full or isinstance(error, PermissionError) or "Credential" in type(error).__name__
