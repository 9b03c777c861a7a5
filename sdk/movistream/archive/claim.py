"""Which call of the command a folder is worked on by.

A worker may outlive the command that it works for, as on a cluster. What it finishes then would
come beside what another call has done meanwhile; so it drops it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from movistream.archive.store import Store
from movistream.errors import OutputError

_FOLDER = ".call"


@contextmanager
def claimed(store: Store, call: str) -> Iterator[None]:
    """A folder that belongs to a call, and to no other, until the block ends or another claims it.

    Args:
        call: see :class:`.Ledger`.

    Raises:
        OutputError: if that cannot be noted there.
    """
    before = store.names(_FOLDER)
    store.touch(f"{_FOLDER}/{call}")
    for name in before:
        if name != call:
            store.remove(f"{_FOLDER}/{name}")
    try:
        yield
    finally:
        store.remove(f"{_FOLDER}/{call}")


def check_claim(store: Store, call: str) -> None:
    """Sees whether a folder is still a call's.

    Raises:
        OutputError: if not.
    """
    if not store.has(f"{_FOLDER}/{call}"):
        raise OutputError(f"another call of the command has taken over {store.title}")
