"""Keeps the chatter of native libraries off the terminal."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

STDERR_DESCRIPTOR = 2
_CHATTER = re.compile(
    rb"""
      (?:INFO|WARNING|ERROR|VERBOSE):\ \[\S+:\d+\]         # LiteRT
    | \xe2\x94\x94                                        # its continuation lines
    | INFO:\ (?:Created|Initialized)\ TensorFlow\ Lite     # TFLite
    | ERROR:\ (?:\S+\.(?:cc|h):\d+|Node\ number\ \d+)
    | ERROR:\ (?:[Ff]ailed\ to|Can't|Input\ array|Encountered|Didn't|Following)
    | WARNING:\ All\ log\ messages\ before\ absl           # TensorFlow
    | [IWE]\d{4}\ \d\d:
    | \d{4}-\d\d-\d\d\ \S+\ [IWE]\ (?:tensorflow|external)/
    | To\ enable\ the\ following\ instructions:
    """,
    re.VERBOSE,
)
_lock = threading.RLock()


@contextmanager
def native_stderr_captured() -> Iterator[list[str]]:
    """Collects what native code writes to file descriptor 2 meanwhile.

    The list is filled at the end with lines in the form of the libraries' logs; what other threads
    wrote in between is passed on then. A process started meanwhile by another thread inherits the
    capture. Without a usable descriptor or temporary folder nothing is captured.
    """
    lines: list[str] = []
    with _lock, ExitStack() as resources:
        try:
            capture = resources.enter_context(tempfile.TemporaryFile())
            original = os.dup(STDERR_DESCRIPTOR)
        except OSError:
            yield lines
            return
        if sys.stderr is not None:
            sys.stderr.flush()
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
