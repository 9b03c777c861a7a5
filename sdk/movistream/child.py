"""Runs one of our functions in a child process, where a crash or a hang harms nobody."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REFUSED = 3
"""The exit code of a function that said why it refuses: see :func:`refuse`."""
_PATHS_TOO = "surrogateescape"
_CHILD = """
import importlib, json, sys
request = json.load(sys.stdin)
sys.path += [entry for entry in request["path"] if entry not in sys.path]
module, name = request["function"]
sys.exit(getattr(importlib.import_module(module), name)(*request["arguments"]))
"""


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes:
        code: its exit code; None if it did not end in time.
        signal: the name of what killed it, or None.
        output: on stdout.
        last_line: on stderr.
    """

    code: int | None
    signal: str | None
    output: str
    last_line: str


@contextmanager
def started(module: str, function: str, *arguments: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child that calls a function with arguments of JSON; it does not outlive the block.

    Isolated mode keeps the working directory, which may hold anything, off the child's path; this
    process' path lets it find what this one found.
    """
    request = {
        "path": [entry for entry in sys.path if entry and Path(entry).is_absolute()],
        "function": [module, function],
        "arguments": arguments,
    }
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        try:
            assert child.stdin is not None
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps(request).encode())
            child.stdin = None
            yield child
        finally:
            child.kill()


def outcome(child: subprocess.Popen[bytes], time_limit_s: float) -> Outcome:
    """Waits for a child."""
    try:
        output, errors = child.communicate(timeout=time_limit_s)
    except subprocess.TimeoutExpired:
        return Outcome(None, None, "", "")
    code = child.returncode
    return Outcome(
        code=code,
        signal=signal.Signals(-code).name if code < 0 else None,
        output=output.decode(errors=_PATHS_TOO),
        last_line=errors.decode(errors="replace").strip().rpartition("\n")[2],
    )


def refuse(error: Exception) -> int:
    """In the child: hands over why a function refuses; the function returns what this returns."""
    sys.stdout.buffer.write(str(error).encode(errors=_PATHS_TOO))
    return REFUSED
