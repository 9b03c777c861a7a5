"""The process in which one contender is measured, on its parent's word."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection

from movistream.errors import MovistreamError
from movistream_benchmarks.contender import (
    Contender,
    Frames,
    Logits,
    Runner,
    moving_blocks,
    running,
)
from movistream_benchmarks.process_memory import (
    Memory,
    peak_bytes_of_life,
    read_memory,
    read_resident_bytes,
    reset_peak,
)

FIRST_FRAMES = 20
"""Stepped before memory is read: engines set things up in their first steps."""

_DIFFERENT_FRAMES = 8

_ENGINE_MODULES = (
    "ai_edge_litert.compiled_model",
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
)


@dataclass(frozen=True)
class Start:
    """How a contender came up.

    Attributes:
        engine: in use.
        arithmetic: in use.
        load_ms: from the file to a stream that can step.
        first_step_ms: the first frame, preprocessing included.
        added: memory that loading and the first frames added to a process that had imported the
            runtime.
    """

    engine: str
    arithmetic: str
    load_ms: float
    first_step_ms: float
    added: Memory


@dataclass(frozen=True, eq=False)
class Round:
    """One turn of a contender, from a reset stream.

    Attributes:
        preprocess_ms: of every frame.
        inference_ms: of every frame.
        answers: digest of all logits: equal for equal answers.
        last_logits: of the last frame.
    """

    preprocess_ms: tuple[float, ...]
    inference_ms: tuple[float, ...]
    answers: str
    last_logits: Logits


@dataclass(frozen=True)
class FrameMemory:
    """Memory over a number of frames.

    Attributes:
        resident_bytes: after each frame.
        peak_bytes: the highest during each frame; of the process's life so far, where the kernel
            does not let the peak be reset.
        peak_is_of_frame: whether it was reset before each frame.
        grown_bytes: of private dirty memory from before the first frame to after the last.
    """

    resident_bytes: tuple[int, ...]
    peak_bytes: tuple[int, ...]
    peak_is_of_frame: bool
    grown_bytes: int


def serve(connection: Connection, contender: Contender) -> None:
    """Loads a contender, sends its :class:`Start`, then does what it is sent until that ends.

    ``("round", frames)`` is answered by a :class:`Round`, ``("memory", frames)`` by a
    :class:`FrameMemory`; an error is answered by its text, and ends it.
    """
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        try:
            _serve(connection, contender)
        except MovistreamError as error:
            connection.send(str(error))


def _serve(connection: Connection, contender: Contender) -> None:
    for module in _ENGINE_MODULES:
        with suppress(ImportError):
            import_module(module)
    before = read_memory()
    began = time.perf_counter()
    with running(contender) as runner:
        loaded = time.perf_counter()
        frames = runner.fitted(moving_blocks(_DIFFERENT_FRAMES))
        first = runner.step(frames[0])
        for index in range(1, FIRST_FRAMES):
            runner.step(frames[index % len(frames)])
        after = read_memory()
        added = Memory(
            after.private_dirty_bytes - before.private_dirty_bytes - frames.nbytes,
            after.resident_bytes - before.resident_bytes - frames.nbytes,
        )
        connection.send(
            Start(
                engine=runner.engine,
                arithmetic=runner.arithmetic,
                load_ms=(loaded - began) * 1e3,
                first_step_ms=first.preprocess_ms + first.inference_ms,
                added=added,
            )
        )
        while True:
            task, count = connection.recv()
            connection.send(_TASKS[task](runner, frames, count))


def _round(runner: Runner, frames: Frames, count: int) -> Round:
    runner.reset()
    steps = [runner.step(frames[index % len(frames)]) for index in range(count)]
    answers = hashlib.sha256()
    for step in steps:
        answers.update(step.logits.tobytes())
    return Round(
        preprocess_ms=tuple(step.preprocess_ms for step in steps),
        inference_ms=tuple(step.inference_ms for step in steps),
        answers=answers.hexdigest(),
        last_logits=steps[-1].logits,
    )


def _memory(runner: Runner, frames: Frames, count: int) -> FrameMemory:
    runner.reset()
    resident, peaks = [], []
    peak_is_of_frame = reset_peak()
    before = read_memory().private_dirty_bytes
    for index in range(count):
        reset_peak()
        runner.step(frames[index % len(frames)])
        now, peak = read_resident_bytes()
        resident.append(now)
        peaks.append(peak if peak_is_of_frame else peak_bytes_of_life())
    grown = read_memory().private_dirty_bytes - before
    return FrameMemory(tuple(resident), tuple(peaks), peak_is_of_frame, grown)


_TASKS: dict[str, Callable[[Runner, Frames, int], Round | FrameMemory]] = {
    "round": _round,
    "memory": _memory,
}
