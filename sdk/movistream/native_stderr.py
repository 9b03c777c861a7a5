"""Keeps the chatter of native libraries off the terminal."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR_DESCRIPTOR = 2
_CHATTER = re.compile(rb"^(?:INFO|WARNING|ERROR|VERBOSE|[IWE]\d{4} |\xe2\x94\x94)")
_lock = threading.RLock()


@contextmanager
def native_stderr_captured() -> Iterator[list[str]]:
    """Collects what native code writes to file descriptor 2 meanwhile.

    The list is filled at the end with the engine's log lines; what other threads wrote in between
    is passed on. Without a usable descriptor it does nothing.
    """
    lines: list[str] = []
    with _lock:
        try:
            original = os.dup(STDERR_DESCRIPTOR)
        except OSError:
            yield lines
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        with tempfile.TemporaryFile() as capture:
            os.dup2(capture.fileno(), STDERR_DESCRIPTOR)
            try:
                yield lines
            finally:
                os.dup2(original, STDERR_DESCRIPTOR)
                os.close(original)
                capture.seek(0)
                for line in capture:
                    if _CHATTER.match(line):
                        lines.append(line.decode(errors="replace").rstrip())
                    else:
                        os.write(STDERR_DESCRIPTOR, line)


def first_line(message: str) -> str:
    """What matters of a native library's many-line message."""
    return message.strip().partition("\n")[0]
