"""A process that has imported all there is, and forks one that runs a command and is killed.

Importing tensorflow takes longer than most commands. A forked process differs from a new one in
nothing else: no operation has been run before, nothing has been opened, no thread started.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

_CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Attributes:
        killed: or ended before its moment came.
        status: what it returned, if it ended.
        seconds: it ran.
        changes: of files that it made.
        output: what it printed.
    """

    killed: bool
    status: int
    seconds: float
    changes: int
    output: str


class WarmProcess:
    """The process; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Starts it.

        Args:
            folder: for temporary files, its own and those of the commands.
        """
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TMPDIR": str(self.temporary),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(
        self,
        arguments: Sequence[object],
        after_s: float | None = None,
        after_changes: int | None = None,
    ) -> Outcome:
        """Runs a command, and kills it after a time, or just before it changes files once more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "arguments": [str(argument) for argument in arguments],
            "after_s": after_s,
            "after_changes": after_changes,
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return Outcome(**json.loads(self._process.stdout.readline()))

    def __enter__(self) -> WarmProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()


def _serve() -> None:
    import tensorflow as tf

    from movistream.cli import main

    for module in ("movistream_converters.conversion", "movistream_training.train"):
        importlib.import_module(module)

    tf.get_logger().setLevel("ERROR")
    # Compiling a step takes a minute, running a few only moments.
    tf.config.run_functions_eagerly(True)
    for line in sys.stdin:
        request = json.loads(line)
        read, write = os.pipe()
        with os.fdopen(read, "rb") as counted, tempfile.TemporaryFile() as output:
            start = time.monotonic()
            if (pid := os.fork()) == 0:
                _run(main, request, write, output.fileno())
            os.close(write)
            status = _ended(pid, start, request["after_s"])
            seconds = time.monotonic() - start
            output.seek(0)
            answer = {
                "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
                "status": os.waitstatus_to_exitcode(status),
                "seconds": seconds,
                "changes": len(counted.read()),
                "output": output.read().decode(errors="replace"),
            }
        print(json.dumps(answer), flush=True)


def _ended(pid: int, start: float, after_s: float | None) -> int:
    """Waits for the end of a process, and sees to it that it comes in time."""
    while True:
        found, status = os.waitpid(pid, 0 if after_s is None else os.WNOHANG)
        if found:
            return status
        assert after_s is not None
        if time.monotonic() - start >= after_s:
            os.kill(pid, signal.SIGKILL)
            after_s = None
        else:
            time.sleep(0.001)


def _run(main: Any, request: dict[str, Any], changed: int, output: int) -> None:
    """The forked process."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    left = request["after_changes"]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event == "open" and isinstance(arguments[0], int):
            return
        if event in _CHANGES or (event == "open" and arguments[2] & _WRITING):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            if left is not None:
                left -= 1
            os.write(changed, b".")

    sys.addaudithook(watch)
    status = 1
    try:
        status = _command(main, request["arguments"])
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _command(main: Any, arguments: list[str]) -> int:
    if arguments[0] != "load":
        main(arguments)
        return 0
    import movistream

    with movistream.load(arguments[1], weight_cache=arguments[2]):
        return 0


if __name__ == "__main__":
    _serve()
