"""Calls one of our functions in a child process, where a crash or a hang harms nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

_MOMENT_S = 1.0
_REFUSED = 3
_OUT_OF_MEMORY = 4
_FIRST_WINDOWS_FAULT = 0xC000_0000
_KEEP_BYTES = "surrogateescape"
"""Paths that are no Unicode pass through."""
_CHILD = """
import ctypes, importlib, json, os, signal, sys
try:
    import resource
except ImportError:
    resource = None
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
request = json.load(sys.stdin)
if os.getppid() != request["parent"]:
    sys.exit("its parent has ended")
limit = request["memory_limit_bytes"]
if resource is not None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if resource is not None and limit is not None:
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
sys.path += [entry for entry in request["path"] if entry not in sys.path]
module, name = request["function"]
try:
    sys.exit(getattr(importlib.import_module(module), name)(*request["arguments"]))
except MemoryError:
    sys.exit(request["out_of_memory"])
"""
_OUT_OF_MEMORY_TEXTS = ("bad_alloc", "emory allocation", "annot allocate memory")
"""What C++, Rust, OpenBLAS and C say before they give up."""


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
    memory_limit_bytes: int | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    meanwhile: Callable[[], None] = nothing,
) -> None:
    """Calls a function, which returns 0 or what :func:`refuse` returns.

    Isolated mode keeps the working directory, which may hold anything, off the child's path; this
    process' path lets it find what this one found. The child does not outlive the call, nor, on
    Linux, this process when that is killed; it leaves no core file.

    Args:
        arguments: whatever JSON holds.
        time_limit_s: counts from the end of ``meanwhile``.
        memory_limit_bytes: of private memory that the child may ask for, its imports included
            (``RLIMIT_DATA``: ``RLIMIT_AS`` would count a gigabyte that tensorflow only maps). Where
            the system has no such limits, there is none.
        environment: variables in place of this process', or besides.
        meanwhile: called in this process while the child works, unless that has failed at once.

    Raises:
        RefusalError: if the function refuses.
        ChildError: if the child crashes, fails, takes too long, or needs too much memory.
    """
    request = {
        "parent": os.getpid(),
        "memory_limit_bytes": memory_limit_bytes,
        "out_of_memory": _OUT_OF_MEMORY,
        "path": [entry for entry in sys.path if entry and Path(entry).is_absolute()],
        "function": [module, function],
        "arguments": arguments,
    }
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    ) as child:
        try:
            assert child.stdin is not None
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps(request).encode())
            child.stdin = None
            if _is_still_well(child):
                meanwhile()
            output, errors = child.communicate(timeout=time_limit_s)
        except subprocess.TimeoutExpired:
            raise ChildError(f"does not end within {time_limit_s} s") from None
        finally:
            child.kill()
    if child.returncode == _REFUSED:
        raise RefusalError(output.decode(errors=_KEEP_BYTES))
    said = errors.decode(errors="replace").strip()
    if child.returncode and _is_out_of_memory(child.returncode, said):
        limit = memory_limit_bytes
        more = "is there" if limit is None else f"{limit / 1e6:.0f} MB"
        raise ChildError(f"needs more memory than {more}")
    if child.returncode < 0:
        raise ChildError(f"crashes ({signal.Signals(-child.returncode).name})")
    if child.returncode >= _FIRST_WINDOWS_FAULT:
        raise ChildError(f"crashes ({child.returncode:#010x})")
    if child.returncode:
        last_line = said.rpartition("\n")[2]
        raise ChildError(f"fails: {last_line}")


def _is_still_well(child: subprocess.Popen[bytes]) -> bool:
    """Whether a child has not failed within a moment, so that what comes next is worth its time."""
    try:
        return child.wait(_MOMENT_S) == 0
    except subprocess.TimeoutExpired:
        return True


def _is_out_of_memory(returncode: int, said: str) -> bool:
    return returncode == _OUT_OF_MEMORY or any(text in said for text in _OUT_OF_MEMORY_TEXTS)


def refuse(error: Exception) -> int:
    """In the child: hands over why a function refuses."""
    sys.stdout.buffer.write(str(error).encode(errors=_KEEP_BYTES))
    return _REFUSED
