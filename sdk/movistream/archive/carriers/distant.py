"""A worker of a cluster: what it says goes back with its shard, as plain words and numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from movistream.archive.carriers import Finished, News, Told
from movistream.archive.plan import Shard
from movistream.archive.work import Ready, Work, ready, watch_shard
from movistream.errors import MovistreamError
from movistream.parquet.footer import VideoOutcome
from movistream.sources.frame import logger


@dataclass(frozen=True)
class Report:
    """What a worker says of a shard.

    Attributes:
        outcomes: see :class:`.Finished`.
        texts: for people.
        failure: why it cannot work; None if it can.
    """

    outcomes: tuple[VideoOutcome, ...] = ()
    texts: tuple[str, ...] = ()
    failure: str | None = None


class DistantWorker:
    """Loads the models once; what it raises is told in words, which can be sent."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._stack = ExitStack()
        self._listener = _Listener()
        self._ready: Ready | None = None

    def begin(self) -> Report:
        """Loads the models, unless that is done."""
        return self._reported(lambda _: ())

    def watch(self, shard: Shard) -> Report:
        """Watches a shard and writes its file."""
        return self._reported(lambda worker: watch_shard(worker, shard))

    def _reported(self, act: Callable[[Ready], tuple[VideoOutcome, ...]]) -> Report:
        try:
            if self._ready is None:
                self._ready = self._stack.enter_context(ready(self._work))
                logger.addHandler(self._listener)
                self._stack.callback(logger.removeHandler, self._listener)
            outcomes = act(self._ready)
        except MovistreamError as error:
            return Report(failure=str(error))
        except Exception as error:
            return Report(failure=f"a worker fails with {type(error).__name__}: {error}")
        return Report(outcomes, self._listener.taken())

    def close(self) -> None:
        """Lets go of the models."""
        self._stack.close()


class _Listener(logging.Handler):
    """Keeps warnings of sources."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._texts.append(record.getMessage())

    def taken(self) -> tuple[str, ...]:
        """What has been said since the last time."""
        texts, self._texts = self._texts, []
        return tuple(texts)


def news_of(report: Report, shard: Shard | None) -> Iterator[News]:
    """What a report tells.

    Args:
        shard: that it is of, if the worker had one.

    Raises:
        MovistreamError: if the worker cannot work.
    """
    if report.failure is not None:
        raise MovistreamError(report.failure)
    yield from map(Told, report.texts)
    if shard is not None:
        yield Finished(shard, report.outcomes)
