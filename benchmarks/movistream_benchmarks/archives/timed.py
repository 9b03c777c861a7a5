"""A command with all its processes: how long it takes, and what they keep in memory."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from movistream.errors import MovistreamError

_LOOK_S = 0.25


@dataclass(frozen=True)
class Timed:
    """A command that has ended.

    Attributes:
        seconds: from its start to its end.
        worker_bytes: the most that any single worker had resident; 0 if there was none.
        all_bytes: the most that the command's own processes had together.
        said: on stderr.
    """

    seconds: float
    worker_bytes: int
    all_bytes: int
    said: str


def timed(
    arguments: Sequence[str], workers: Callable[[psutil.Process], list[psutil.Process]]
) -> Timed:
    """Runs ``movistream`` with these arguments; videos may fail.

    Args:
        workers: finds them, by the command's process.

    Raises:
        MovistreamError: if it fails.
    """
    began_s = time.monotonic()
    command = (sys.executable, "-m", "movistream", *arguments)
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        most = [0, 0]
        ended = threading.Event()

        def look() -> None:
            process = psutil.Process(child.pid)
            while not ended.wait(_LOOK_S):
                with suppress(psutil.Error):
                    most[0] = max([most[0], *map(_resident_bytes, workers(process))])
                    own = (process, *process.children(recursive=True))
                    most[1] = max(most[1], sum(map(_resident_bytes, own)))

        watch = threading.Thread(target=look)
        watch.start()
        _, said = child.communicate()
        ended.set()
        watch.join()
    if child.returncode not in (0, 1):
        raise MovistreamError(f"{' '.join(command)} ends with code {child.returncode}: {said}")
    return Timed(time.monotonic() - began_s, most[0], most[1], said)


def children(process: psutil.Process) -> list[psutil.Process]:
    """Workers that are the command's own processes."""
    found: list[psutil.Process] = process.children(recursive=True)
    return found


def _resident_bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        resident: int = process.memory_info().rss
        return resident
    return 0
