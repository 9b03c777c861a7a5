"""Calls one of our functions in a child process, where a crash or a hang harms nobody."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_REFUSED = 3
_KEEP_BYTES = "surrogateescape"
"""Paths that are no Unicode pass through."""
_CHILD = """
import importlib, json, sys
request = json.load(sys.stdin)
sys.path += [entry for entry in request["path"] if entry not in sys.path]
module, name = request["function"]
sys.exit(getattr(importlib.import_module(module), name)(*request["arguments"]))
"""


class ChildError(Exception):
    """A child that did not do its work; the text says what it does, ``crashes (SIGSEGV)`` say."""


class RefusalError(ChildError):
    """A child whose function has refused; the text says why."""


def nothing() -> None:
    """What there is to do meanwhile, by default."""


def call(
    module: str,
    function: str,
    *arguments: Any,
    time_limit_s: float,
    meanwhile: Callable[[], None] = nothing,
) -> None:
    """Calls a function, which returns 0 or what :func:`refuse` returns.

    Isolated mode keeps the working directory, which may hold anything, off the child's path; this
    process' path lets it find what this one found. The child does not outlive the call.

    Args:
        arguments: whatever JSON holds.
        time_limit_s: counts from the end of ``meanwhile``.
        meanwhile: called in this process while the child works.

    Raises:
        RefusalError: if the function refuses.
        ChildError: if the child crashes, fails, or takes too long.
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
            meanwhile()
            output, errors = child.communicate(timeout=time_limit_s)
        except subprocess.TimeoutExpired:
            raise ChildError(f"does not end within {time_limit_s} s") from None
        finally:
            child.kill()
    if child.returncode == _REFUSED:
        raise RefusalError(output.decode(errors=_KEEP_BYTES))
    if child.returncode < 0:
        raise ChildError(f"crashes ({signal.Signals(-child.returncode).name})")
    if child.returncode:
        last_line = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise ChildError(f"fails: {last_line}")


def refuse(error: Exception) -> int:
    """In the child: hands over why a function refuses."""
    sys.stdout.buffer.write(str(error).encode(errors=_KEEP_BYTES))
    return _REFUSED
