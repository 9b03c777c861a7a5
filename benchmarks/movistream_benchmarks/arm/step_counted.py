"""Counted: the steps of a contender, frame by frame; see :mod:`.program`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from movistream_benchmarks.contender import (
    Contender,
    PublishedLoop,
    Runner,
    Runtime,
    moving_blocks,
    running,
)

_DIFFERENT_FRAMES = 8


class Moment(IntEnum):
    """What is counted, and within a step what the engine does alone."""

    BEGIN = 0
    RUN = 1
    RAN = 2
    END = 3


@dataclass(frozen=True)
class Request:
    """What to run.

    Attributes:
        warm_up: frames that are not counted.
        frames: that are.
    """

    path: str
    published_loop: bool
    engine: str
    arithmetic: str
    warm_up: int
    frames: int


@dataclass(frozen=True)
class Answer:
    """What ran, and the logits of its last frame."""

    engine: str
    arithmetic: str
    logits: list[float]


def answer(request: Request, on_moment: Callable[[int, Moment], None] | None) -> Answer:
    """Steps all frames; calls back with the number of the frame, from 1, and the moment in it."""
    contender = Contender(
        Path(request.path),
        engine=request.engine,
        arithmetic=request.arithmetic,
        published_loop=request.published_loop,
    )
    frames = moving_blocks(_DIFFERENT_FRAMES)
    with running(contender) as runner:
        frames = runner.fitted(frames)
        counted = 0
        if on_moment is not None:
            _watch(runner, lambda moment: on_moment(counted, moment) if counted else None)
        for index in range(request.warm_up + request.frames):
            counted = max(0, index - request.warm_up + 1)
            logits = runner.step(frames[index % len(frames)]).logits
            if counted and on_moment is not None:
                on_moment(counted, Moment.END)
        return Answer(runner.engine, runner.arithmetic, [float(value) for value in logits])


def _watch(runner: Runner, tell: Callable[[Moment], None]) -> None:
    """Has a step tell when its image is written, and when its engine begins and ends."""
    if isinstance(runner, PublishedLoop):
        call = runner.call

        def told_call(**tensors: Any) -> Any:
            tell(Moment.BEGIN)
            return call(**tensors)

        runner.call = told_call
        return
    assert isinstance(runner, Runtime)
    model = runner.model
    engine, image = model._engine, model._image
    write, run = engine.write, engine.run

    def told_write(buffer: Any, values: Any) -> None:
        write(buffer, values)
        if buffer is image:
            tell(Moment.BEGIN)

    def told_run(inputs: Any, outputs: Any) -> None:
        tell(Moment.RUN)
        run(inputs, outputs)
        tell(Moment.RAN)

    engine.write, engine.run = told_write, told_run  # type: ignore[method-assign]
