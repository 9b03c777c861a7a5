"""What nobody has foreseen: told with a traceback once, without addresses, and never as a flood."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import Sequence

from movistream.sources.address import without_addresses

logger = logging.getLogger("movistream.serve")

_MOST_KINDS = 200
_OF_SERVERS = ("uvicorn.error", "asyncio", "websockets", "litestar", "movistream.serve")


class OncePerKind(logging.Filter):
    """Lets the first record of a kind pass: of what message, or of what error from what line."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[object] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is the first; of too many kinds, none."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError):
            # Requests that a shutdown has cut off are no errors.
            return False
        kind = (record.name, record.msg) if error is None else _kind(error)
        if kind in self._told or len(self._told) >= _MOST_KINDS:
            return False
        self._told.add(kind)
        return True


class PlainFormatter(logging.Formatter):
    """One line, then the traceback if there is one; addresses by their public names."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        """Formats.

        Args:
            addresses: that are not to be seen, in whatever form.
        """
        super().__init__("movistream: %(message)s")
        self._addresses = addresses

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        return without_addresses(super().format(record), self._addresses)


def tell_unexpected(error: BaseException, doing: str) -> None:
    """Logs an error that is a mistake of this program, with a traceback if its kind is new."""
    logger.error("unexpected error while %s", doing, exc_info=error)


def show_logs(addresses: Sequence[str]) -> None:
    """Sends what servers log to stderr, each kind once, and warnings of sources all.

    What ends a thread is told as well, in the same way.

    Args:
        addresses: of sources.
    """
    formatter = PlainFormatter(addresses)
    once = logging.StreamHandler()
    once.setFormatter(formatter)
    once.addFilter(OncePerKind())
    for name in _OF_SERVERS:
        log = logging.getLogger(name)
        log.handlers, log.propagate = [once], False
        log.setLevel(logging.WARNING)
    every = logging.StreamHandler()
    every.setFormatter(formatter)
    sources = logging.getLogger("movistream.sources")
    sources.handlers, sources.propagate = [every], False
    threading.excepthook = _tell_of_thread


def _tell_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        tell_unexpected(ended.exc_value, f"running {getattr(ended.thread, 'name', 'a thread')}")


def _kind(error: BaseException) -> object:
    frames = traceback.extract_tb(error.__traceback__)
    last = (frames[-1].filename, frames[-1].lineno) if frames else ("", 0)
    return type(error), last
