"""What a peer in another environment and the comparison say to each other.

A peer's first line is a JSON object: its ``name``, and ``private_dirty_bytes`` that it added to its
process. Then it reads numbers of frames, one a line, and answers each with the milliseconds of so
many steps, a JSON list.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from movistream_benchmarks.process_memory import read_memory

FIRST_FRAMES = 20
"""Stepped before memory is read, as for this project's own models."""


def serve(
    name: str, load: Callable[[], Callable[[], None]], first_frames: int = FIRST_FRAMES
) -> None:
    """Loads a model and steps it as told.

    Args:
        load: gives the step, which does all that a new frame costs, preparing it aside.
        first_frames: that the step needs until it is in its stride.
    """
    before = read_memory().private_dirty_bytes
    step = load()
    for _ in range(first_frames):
        step()
    added = read_memory().private_dirty_bytes - before
    print(json.dumps({"name": name, "private_dirty_bytes": added}), flush=True)
    for line in sys.stdin:
        times_ms = []
        for _ in range(int(line)):
            begin = time.perf_counter()
            step()
            times_ms.append((time.perf_counter() - begin) * 1e3)
        print(json.dumps(times_ms), flush=True)
