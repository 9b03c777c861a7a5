"""Contenders measured side by side: each in a process of its own, all in turn in every round.

A machine drifts: other work, heat, clocks. Where every contender takes its turn in every round,
drift meets all alike, and what counts is the ratio to the first one within each round.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from movistream.errors import EngineError
from movistream_benchmarks.contender import Contender
from movistream_benchmarks.worker import FrameMemory, Round, Start, serve

Answer = TypeVar("Answer", Start, Round, FrameMemory)


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was seen of one contender.

    Attributes:
        rounds: all but the first, which warms up.
    """

    contender: Contender
    start: Start
    rounds: tuple[Round, ...]
    memory: FrameMemory


def measure(
    contenders: Sequence[Contender],
    rounds: int,
    frames: int,
    on_turn: Callable[[], None] = lambda: None,
) -> list[Measurement]:
    """Measures all contenders.

    Args:
        rounds: that count, after one that does not.
        frames: of each turn.
        on_turn: called after every turn, ``len(contenders) * (rounds + 3)`` times in all.

    Raises:
        MovistreamError: if one is refused, dies, or answers otherwise in one round than in another.
    """
    with ExitStack() as opened:
        workers: list[_Worker] = []
        starts: list[Start] = []
        for contender in contenders:
            if contender.weight_cache is not None:
                # An earlier process fills it.
                with _worker(contender) as earlier:
                    earlier.receive(Start)
            workers.append(opened.enter_context(_worker(contender)))
            starts.append(workers[-1].receive(Start))
            on_turn()
        turns: list[list[Round]] = [[] for _ in workers]
        for _ in range(rounds + 1):
            for worker, own in zip(workers, turns, strict=True):
                own.append(worker.ask("round", frames, Round))
                on_turn()
        memories = []
        for worker in workers:
            memories.append(worker.ask("memory", frames, FrameMemory))
            on_turn()
    found = []
    for contender, start, own, memory in zip(contenders, starts, turns, memories, strict=True):
        if len({turn.answers for turn in own}) > 1:
            raise EngineError(
                f"{contender.path} gives other answers to the same frames from round to round"
            )
        found.append(Measurement(contender, start, tuple(own[1:]), memory))
    return found


@dataclass(frozen=True)
class _Worker:
    """A child process, and the line to it."""

    contender: Contender
    process: Any
    connection: Connection

    def ask(self, task: str, count: int, kind: type[Answer]) -> Answer:
        self.connection.send((task, count))
        return self.receive(kind)

    def receive(self, kind: type[Answer]) -> Answer:
        try:
            wait([self.connection, self.process.sentinel])
            if not self.connection.poll():
                raise EOFError
            answer = self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            raise EngineError(
                f"{self.contender.path}: the process that runs it ended with"
                f" {self.process.exitcode}"
            ) from None
        if isinstance(answer, str):
            raise EngineError(answer)
        assert isinstance(answer, kind)
        return answer


@contextmanager
def _worker(contender: Contender) -> Iterator[_Worker]:
    # A forked process would share pages with this one and begin with what it has loaded.
    context = multiprocessing.get_context("spawn")
    own, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, contender), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _Worker(contender, process, own)
    finally:
        own.close()
        process.join(timeout=5)
        if process.is_alive():
            process.kill()
            process.join()
