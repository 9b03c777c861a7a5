"""What the tests of children call in a child."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def take(size_bytes: int) -> int:
    """Fills so much memory."""
    return 0 if len(bytearray(b"x") * size_bytes) == size_bytes else 1


def say(text: str, status: int) -> int:
    """Ends as native code does."""
    print(text, file=sys.stderr)
    return status


def tell_and_wait(file: str) -> int:
    """Says who it is, and outstays its welcome."""
    part = Path(file + ".part")
    part.write_text(str(os.getpid()))
    part.rename(file)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP])
    time.sleep(60)
    return 0
