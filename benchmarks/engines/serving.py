"""What the program of every engine does, and what it and the comparison say to each other.

    python -m engines.ENGINE FOLDER VARIANT

FOLDER is what :mod:`engines.export` wrote. The program answers its frames from a reset on, and
prints a JSON object: the ``engine``, its ``version`` and the ``logits``, (frames, classes). Then it
reads numbers of steps, one a line, and answers each with the milliseconds of CPU time of so many
steps, a JSON list. What a step takes is a new image, prepared aside as the engine wants it; it ends
with the logits as an array, and with the states ready for the next.

``--marks`` marks the steps for the plugin that counts instructions, see
:mod:`movistream_benchmarks.arm.program`; ``--build`` only builds the engine's file.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_MARKER = 7777
_CALIBRATING_MARKS = 64
_BEGIN, _END = 0, 3


class Runner(Protocol):
    """A loaded model, and one stream over it."""

    def prepare(self, frame: npt.NDArray[np.uint8], image: FloatArray) -> Any:
        """A frame (height, width, 3), and what the network sees of it, as :meth:`step` takes it."""

    def step(self, image: Any) -> FloatArray:
        """One frame: the logits, in any shape."""

    def reset(self) -> None:
        """Goes back to the start of a video."""


def serve(
    engine: str,
    version: str,
    build: Callable[[Path, str], None],
    load: Callable[[Path, str], Runner],
) -> None:
    """Does what the command line asks for.

    Args:
        build: writes an engine's file of a variant beside the step.
        load: opens it with one thread.
    """
    folder, variant, *flags = sys.argv[1:]
    if "--build" in flags:
        build(Path(folder), variant)
        return
    runner = load(Path(folder), variant)
    frames, seen = (
        np.load(Path(folder) / name, allow_pickle=False) for name in ("frames.npy", "images.npy")
    )
    images = [runner.prepare(frame, image) for frame, image in zip(frames, seen, strict=True)]
    logits = [np.array(runner.step(image), np.float32).reshape(-1).tolist() for image in images]
    about = {"engine": engine, "version": version, "logits": logits}
    print(json.dumps(about), flush=True)
    mark = _marks() if "--marks" in flags else _no_mark
    turns = cycle(images)
    for line in sys.stdin:
        times_ms = []
        for index in range(1, int(line) + 1):
            image = next(turns)
            mark(10 * index + _BEGIN)
            begin = time.process_time_ns()
            runner.step(image)
            times_ms.append((time.process_time_ns() - begin) / 1e6)
            mark(10 * index + _END)
        print(json.dumps(times_ms), flush=True)


def _no_mark(_: int) -> None:
    pass


def _marks() -> Callable[[int], None]:
    """Marks a moment, after having shown what a mark costs."""
    # A collection would fall into one frame of many.
    gc.disable()
    getpriority = ctypes.CDLL(None).getpriority
    for _ in range(_CALIBRATING_MARKS):
        getpriority(_MARKER, 0)
    return lambda moment: getpriority(_MARKER, moment)
