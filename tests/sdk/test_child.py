"""Functions that are called in a child process, and what bounds that child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from movistream.system.child import ChildError, call

FOLDER = str(Path(__file__).parent)
MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)


def _call(function: str, *arguments: object, memory_limit_bytes: int | None = None) -> None:
    call(
        "child_functions",
        function,
        *arguments,
        time_limit_s=60,
        memory_limit_bytes=memory_limit_bytes,
    )


def test_memory_is_bounded() -> None:
    limit = 256 * MEBIBYTE
    _call("take", 64 * MEBIBYTE, memory_limit_bytes=limit)
    with pytest.raises(ChildError, match=r"^needs more memory than 268 MB$"):
        _call("take", 300 * MEBIBYTE, memory_limit_bytes=limit)
    _call("take", 300 * MEBIBYTE)


@pytest.mark.parametrize(
    "text",
    [
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "memory allocation of 4294967296 bytes failed",
        "OpenBLAS error: Memory allocation still failed after 10 retries, giving up.",
        "RuntimeError: mmap failed: Cannot allocate memory",
    ],
)
def test_native_code_without_memory(text: str) -> None:
    with pytest.raises(ChildError, match="needs more memory than 300 MB"):
        _call("say", text, 1, memory_limit_bytes=300_000_000)
    _call("say", text, 0, memory_limit_bytes=300_000_000)


def test_it_ends_with_a_killed_parent(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    program = (
        f"import sys; sys.path.insert(0, {FOLDER!r}); from movistream.system.child import call;"
        f" call('child_functions', 'tell_and_wait', {str(file)!r}, time_limit_s=60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as parent:
        while not file.exists():
            assert parent.poll() is None
            time.sleep(0.01)
        parent.kill()
    pid = int(file.read_text())
    for _ in range(1000):
        if _has_ended(pid):
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("the child lives on")


def _has_ended(pid: int) -> bool:
    """Or is dead and waits for whoever has adopted it."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"
