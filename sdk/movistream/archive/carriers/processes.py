"""A carrier on one machine: processes, each with models of its own."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from movistream.archive.carriers import Crew, Finished, Lost, News, Told, Watched
from movistream.archive.plan import Shard
from movistream.archive.work import StoppedError, Work, ready, watch_shard
from movistream.errors import MovistreamError
from movistream.parquet.footer import VideoOutcome
from movistream.sources.frame import logger
from movistream.system.cpu import usable_cores

_STOP_S = 5.0
_MOST_STILLBORN = 3
"""Processes in a row that die at their start, where no video is to blame."""
# A fork would copy an engine's threads half.
_CONTEXT = multiprocessing.get_context("spawn")


class _Hand:
    """A process, and the shard that it watches, if any."""

    def __init__(self, work: Work) -> None:
        self.connection, theirs = _CONTEXT.Pipe()
        self.process: SpawnProcess = _CONTEXT.Process(
            target=_work, args=(theirs, work), daemon=True, name="archive worker"
        )
        with _without_interrupts():
            self.process.start()
        theirs.close()
        self.shard: Shard | None = None
        self.is_ready = False

    def give(self, shard: Shard) -> None:
        self.shard = shard
        # One that has died since is found when it is listened to.
        with suppress(OSError):
            self.connection.send(shard)

    def buried(self) -> str:
        """Why it has died, when that is known to have happened."""
        self.close()
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"it was killed ({signal.Signals(-code).name})"
        return f"it ended with code {code}"

    def close(self) -> None:
        """Ends it, if need be by force: it stops when nobody listens."""
        self.connection.close()
        self.process.join(_STOP_S)
        for end in (self.process.terminate, self.process.kill):
            if self.process.exitcode is None:
                end()
                self.process.join(_STOP_S)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process that is started meanwhile never sees a Ctrl+C, not even while it starts.

    That is for this process, which then closes the connection; it comes when the block is left.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Its first start, which comes with that of a process, would let the signal through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def processes(workers: int | None, address: str | None = None) -> Iterator[Crew]:
    """Processes on this machine.

    Args:
        workers: 1 or more; by default one for each core that this process may use.
        address: None.

    Raises:
        MovistreamError: if there is an address.
    """
    if address is not None:
        raise MovistreamError("processes have no address; a cluster has: --on ray, or --on dask")
    count = workers or usable_cores()

    def carry(work: Work, take: Callable[[], Shard | None]) -> Generator[News, None, None]:
        hands: list[_Hand] = []
        stillborn = 0
        try:
            while True:
                _employ(hands, count, work, take)
                busy = {hand.connection: hand for hand in hands if hand.shard is not None}
                if not busy:
                    return
                for connection in wait(list(busy)):
                    hand = busy[connection]  # type: ignore[index]
                    news = _news_of(hand)
                    if isinstance(news, Lost):
                        hands.remove(hand)
                        stillborn = 0 if hand.is_ready else stillborn + 1
                        if stillborn == _MOST_STILLBORN:
                            raise MovistreamError(
                                f"workers die before they begin a video: {news.reason}"
                            )
                    if news is not None:
                        yield news
        finally:
            for hand in hands:
                # All at once, so that each has its time to stop.
                hand.connection.close()
            for hand in hands:
                hand.close()

    yield Crew(carry, count)


def _employ(hands: list[_Hand], workers: int, work: Work, take: Callable[[], Shard | None]) -> None:
    """Gives each hand a shard that has none, and hires while there are shards."""
    while True:
        free = next((hand for hand in hands if hand.shard is None), None)
        if free is None and len(hands) == workers:
            return
        shard = take()
        if shard is None:
            return
        if free is None:
            hands.append(free := _Hand(work))
        free.give(shard)


def _news_of(hand: _Hand) -> News | None:
    """What a hand says, or that it has died; None when it says that it is ready.

    Raises:
        MovistreamError: if it cannot work.
    """
    shard = hand.shard
    assert shard is not None
    try:
        kind, said = hand.connection.recv()
    except (EOFError, OSError):
        return Lost(shard, hand.buried())
    if kind == "ready":
        hand.is_ready = True
        return None
    if kind == "told":
        return Told(said)
    if kind == "watched":
        return Watched(shard, said)
    if kind == "finished":
        hand.shard = None
        return Finished(shard, said)
    raise MovistreamError(said)


def _work(connection: Connection, work: Work) -> None:
    """In the process: watches shards until nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logger.addHandler(_Teller(connection))
    logger.propagate = False

    def tell(outcome: VideoOutcome) -> None:
        _send(connection, "watched", outcome)

    try:
        with ready(work) as worker:
            _send(connection, "ready", None)
            while True:
                shard = connection.recv()
                # Nothing is sent meanwhile: what there is to read is the end.
                outcomes = watch_shard(
                    worker, shard, goes_on=lambda: not connection.poll(), on_video=tell
                )
                _send(connection, "finished", outcomes)
    except (StoppedError, EOFError):
        return
    except MovistreamError as error:
        _send_last(connection, str(error))
    except Exception as error:
        _send_last(connection, f"a worker fails with {type(error).__name__}: {error}")


def _send(connection: Connection, kind: str, said: Any) -> None:
    try:
        connection.send((kind, said))
    except OSError:
        raise StoppedError from None


def _send_last(connection: Connection, text: str) -> None:
    with suppress(StoppedError):
        _send(connection, "failed", text)


class _Teller(logging.Handler):
    """Sends warnings of sources to who started this."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        # Whoever listened is missed at the next frame; here, the video would seem to have failed.
        with suppress(StoppedError):
            _send(self._connection, "told", record.getMessage())
