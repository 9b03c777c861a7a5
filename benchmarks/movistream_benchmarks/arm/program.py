"""Answers requests inside the emulator, marking moments for the plugin.

    python3.11 -m movistream_benchmarks.arm.program < REQUESTS

Each request is a record of :data:`REQUEST_BYTES` in a file, see :func:`record`. It is answered in
its order by a line of JSON on standard output: the fields of its answer, ``{"failed": REASON}``, or
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
from dataclasses import asdict
from importlib import import_module
from typing import Any, NoReturn

from movistream.errors import MovistreamError
from movistream_benchmarks.arm.pipeline_counted import PipelineRequest, answer_pipeline
from movistream_benchmarks.arm.step_counted import Moment, Request, answer

REQUEST_BYTES = 2**16
"""Enough for the two longest paths, each of their characters escaped."""

_MARKER = 7777
_CALIBRATING_MARKS = 64
_ENGINE_MODULE = "ai_edge_litert.compiled_model"
"""Imported once for all requests; where it cannot be, each finds another engine."""

_KINDS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    Request.__name__: (Request, answer),
    PipelineRequest.__name__: (PipelineRequest, answer_pipeline),
}


def record(request: Request | PipelineRequest) -> bytes:
    """What the emulated program reads a request from: JSON, with spaces behind."""
    asked = {"kind": type(request).__name__, **asdict(request)}
    return json.dumps(asked).encode("ascii").ljust(REQUEST_BYTES)


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

    def mark(frame: int, moment: Moment) -> None:
        getpriority(_MARKER, 10 * frame + moment)

    for _ in range(_CALIBRATING_MARKS):
        getpriority(_MARKER, 0)
    try:
        fields = json.loads(asked)
        kind, answering = _KINDS[fields.pop("kind")]
        found = answering(kind(**fields), mark)
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
