"""Worker processes that try one case after another, and who watches over them.

A worker says which case it begins before it begins it, so that what kills it or keeps it is known;
the next worker goes on behind. Workers are forked from a process that has imported everything.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIME_LIMIT_S = 20.0
_PATIENCE = 6
"""A case that computes for longer than the limit hangs, and one that takes so many times as long
without computing: where other programs keep the processors busy, the clock alone tells little."""
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CASES_PER_WORKER = 4000
_SPARE_ADDRESS_SPACE = 2**31

Case = Callable[[int], dict[str, Any]]
"""Tries the case of a number; what it returns is handed on as JSON."""


@dataclass(frozen=True)
class Ending:
    """What became of one case.

    Attributes:
        index: of the case.
        report: what the case returned; None if it did not end by itself.
        failure: ``crash SIGSEGV``, ``hang``; empty if it ended.
        seconds: that it took.
    """

    index: int
    report: dict[str, Any] | None
    failure: str
    seconds: float


@dataclass
class _Worker:
    pid: int
    pipe: int
    place: int
    rest: bytes = b""
    current: int | None = None
    since: float = 0.0
    computed_s: float = 0.0
    killed: bool = False


def supervise(
    case: Case,
    *,
    start: int,
    workers: int,
    wanted: Callable[[int], bool],
    time_limit_s: float = TIME_LIMIT_S,
) -> Iterator[Ending]:
    """Tries cases from a number on, each worker every so-manieth, until no more are wanted.

    Args:
        wanted: whether a case shall still be tried; once one is not, no later one is.
    """
    selector = selectors.DefaultSelector()
    running: dict[int, _Worker] = {}

    def begin(first: int, place: int) -> None:
        if wanted(first):
            worker = _fork(case, first, workers, wanted, place)
            running[worker.pipe] = worker
            selector.register(worker.pipe, selectors.EVENT_READ)

    for place in range(workers):
        begin(start + place, place)
    following = {place: start + place for place in range(workers)}
    try:
        while running:
            for key, _ in selector.select(timeout=0.5):
                worker = running[key.fd]
                for ending in _read(worker):
                    following[worker.place] = ending.index + workers
                    yield ending
                if worker.pid < 0:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    del running[key.fd]
                    begin(following[worker.place], worker.place)
            now = time.monotonic()
            for worker in running.values():
                if worker.current is not None and _hangs(worker, now, time_limit_s):
                    worker.killed = True
                    os.kill(worker.pid, signal.SIGKILL)
    finally:
        for worker in running.values():
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
            os.close(worker.pipe)


def _read(worker: _Worker) -> Iterator[Ending]:
    """What a worker has said, or how it has ended; its ``pid`` is negative then."""
    data = os.read(worker.pipe, 1 << 16)
    now = time.monotonic()
    if not data:
        _, status = os.waitpid(worker.pid, 0)
        worker.pid = -1
        if worker.current is not None:
            failure = "hang" if worker.killed else _death(status)
            yield Ending(worker.current, None, failure, now - worker.since)
        return
    *lines, worker.rest = (worker.rest + data).split(b"\n")
    for line in lines:
        message = json.loads(line)
        if isinstance(message, list):
            worker.current, worker.computed_s = message
            worker.since = now
        else:
            assert worker.current is not None
            yield Ending(worker.current, message, "", message.pop("seconds"))
            worker.current = None


def _hangs(worker: _Worker, now: float, time_limit_s: float) -> bool:
    taken = now - worker.since
    if taken <= time_limit_s:
        return False
    # The name before these fields may hold anything but a closing bracket.
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    computed_s = sum(map(int, fields[11:13])) / _TICKS_PER_S - worker.computed_s
    return computed_s > time_limit_s or taken > _PATIENCE * time_limit_s


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"crash {signal.Signals(os.WTERMSIG(status)).name}"
    return f"crash exit {os.WEXITSTATUS(status)}"


def _fork(
    case: Case, first: int, stride: int, wanted: Callable[[int], bool], place: int
) -> _Worker:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return _Worker(pid, reading, place)
    try:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        _limit_memory()
        for index in range(first, first + stride * _CASES_PER_WORKER, stride):
            if not wanted(index):
                break
            os.write(writing, b"[%d, %.2f]\n" % (index, time.process_time()))
            begun = time.monotonic()
            report = {**case(index), "seconds": round(time.monotonic() - begun, 4)}
            os.write(writing, json.dumps(report).encode() + b"\n")
        os._exit(0)
    except BaseException:
        os._exit(99)


def _limit_memory() -> None:
    """Keeps the machine alive; what counts is the peak that is measured."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _SPARE_ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
