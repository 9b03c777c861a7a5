"""Runs contenders frame by frame inside the emulator, marking moments for the plugin.

    python3.11 -m movistream_benchmarks.arm.step_counted < REQUESTS

Each request is a record of :data:`REQUEST_BYTES` in a file, see :func:`record`. It is answered in
its order by a line of JSON on standard output: an :class:`Answer`, ``{"failed": REASON}``, or
``{"died": HOW}``. A mark is 10 · frame + moment; frame 0 is for telling what a mark itself costs,
and begins each request's marks.

Each request runs in a child that this process forks once it has imported everything. The child
reads its record itself, so that it finds nothing of other requests in its memory, and counts to the
instruction what it would count alone.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import IntEnum
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from movistream.errors import MovistreamError
from movistream_benchmarks.contender import (
    Contender,
    PublishedLoop,
    Runner,
    Runtime,
    moving_blocks,
    running,
)

REQUEST_BYTES = 2**15
"""Enough for the longest path, each of its characters escaped."""

_MARKER = 7777
_DIFFERENT_FRAMES = 8
_CALIBRATING_MARKS = 64
_ENGINE_MODULE = "ai_edge_litert.compiled_model"
"""Imported once for all requests; where it cannot be, each finds another engine."""


class Moment(IntEnum):
    """A step, and within it what the engine does alone."""

    BEGIN = 0
    RUN = 1
    RAN = 2
    END = 3


@dataclass(frozen=True)
class Request:
    """What to run.

    Attributes:
        warm_up: frames that are not counted.
        frames: that are.
    """

    path: str
    published_loop: bool
    engine: str
    arithmetic: str
    warm_up: int
    frames: int


@dataclass(frozen=True)
class Answer:
    """What ran, and the logits of its last frame."""

    engine: str
    arithmetic: str
    logits: list[float]


def record(request: Request) -> bytes:
    """What the emulated program reads a request from: JSON, with spaces behind."""
    return json.dumps(asdict(request)).encode("ascii").ljust(REQUEST_BYTES)


def answer(request: Request, on_moment: Callable[[int, Moment], None] | None) -> Answer:
    """Steps all frames; calls back with the number of the frame, from 1, and the moment in it."""
    contender = Contender(
        Path(request.path),
        engine=request.engine,
        arithmetic=request.arithmetic,
        published_loop=request.published_loop,
    )
    frames = moving_blocks(_DIFFERENT_FRAMES)
    with running(contender) as runner:
        frames = runner.fitted(frames)
        counted = 0
        if on_moment is not None:
            _watch(runner, lambda moment: on_moment(counted, moment) if counted else None)
        for index in range(request.warm_up + request.frames):
            counted = max(0, index - request.warm_up + 1)
            logits = runner.step(frames[index % len(frames)]).logits
            if counted and on_moment is not None:
                on_moment(counted, Moment.END)
        return Answer(runner.engine, runner.arithmetic, [float(value) for value in logits])


def _watch(runner: Runner, tell: Callable[[Moment], None]) -> None:
    """Has a step tell when its image is written, and when its engine begins and ends."""
    if isinstance(runner, PublishedLoop):
        call = runner.call

        def told_call(**tensors: Any) -> Any:
            tell(Moment.BEGIN)
            return call(**tensors)

        runner.call = told_call
        return
    assert isinstance(runner, Runtime)
    model = runner.model
    engine, image = model._engine, model._image
    write, run = engine.write, engine.run

    def told_write(buffer: Any, values: Any) -> None:
        write(buffer, values)
        if buffer is image:
            tell(Moment.BEGIN)

    def told_run(inputs: Any, outputs: Any) -> None:
        tell(Moment.RUN)
        run(inputs, outputs)
        tell(Moment.RAN)

    engine.write, engine.run = told_write, told_run  # type: ignore[method-assign]


def main() -> None:
    """Answers the requests on standard input."""
    stdin = sys.stdin.fileno()
    requests = os.fstat(stdin).st_size // REQUEST_BYTES
    # A collection would fall into one frame of many.
    gc.disable()
    with suppress(ImportError):
        import_module(_ENGINE_MODULE)
    getpriority = ctypes.CDLL(None).getpriority
    for index in range(requests):
        child = os.fork()
        if not child:
            _answer_alone(os.pread(stdin, REQUEST_BYTES, index * REQUEST_BYTES), getpriority)
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"died": _end_of(status)}), flush=True)


def _answer_alone(asked: bytes, getpriority: Callable[[int, int], None]) -> NoReturn:
    """Answers and ends the process.

    Args:
        asked: the record of a request.
        getpriority: of the C library, because ``os.getpriority`` raises an exception, which costs
            more than the call. The kernel knows no such kind of priority and refuses; the plugin
            has seen the call by then.
    """
    for _ in range(_CALIBRATING_MARKS):
        getpriority(_MARKER, 0)
    try:
        request = Request(**json.loads(asked))
        found = answer(request, lambda frame, moment: getpriority(_MARKER, 10 * frame + moment))
        print(json.dumps(asdict(found)), flush=True)
    except MovistreamError as error:
        print(json.dumps({"failed": str(error)}), flush=True)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # Native libraries log at the exit.
    os._exit(0)


def _end_of(status: int) -> str:
    """What ended a child, in words."""
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


if __name__ == "__main__":
    main()
