"""Counted: passes over a video, each up to one stage more, look by look; see :mod:`.program`.

The first look of a pass is not counted: it opens the video, decodes a key frame, and prepares what
all further looks use.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import movistream
from movistream.errors import VideoError
from movistream.sources.decoding import QUALITIES, Quality
from movistream.sources.video_file import VideoFile
from movistream_benchmarks.arm.step_counted import Moment
from movistream_benchmarks.video_passes import STAGES, Look, looks

COUNTED_STAGES = STAGES[: STAGES.index("step") + 1]
"""From packets to logits."""

_MOST_LOOKS = 10**6


@dataclass(frozen=True)
class PipelineRequest:
    """A video to work on.

    Attributes:
        path: of the model.
        seconds: of the video that are counted.
    """

    path: str
    video: str
    engine: str
    arithmetic: str
    seconds: float


@dataclass(frozen=True)
class Pass:
    """What a pass over a video was.

    Attributes:
        stage: that it ends with.
        looks: that were counted; of the first stage, packets.
        seconds: of the video that these took.
    """

    quality: Quality
    stage: str
    looks: int
    seconds: float


@dataclass(frozen=True)
class PipelineAnswer:
    """What ran.

    Attributes:
        passes: in their order.
        logits: of each quality's last frame.
    """

    engine: str
    arithmetic: str
    passes: list[Pass]
    logits: dict[Quality, list[float]]


def answer_pipeline(
    request: PipelineRequest, on_moment: Callable[[int, Moment], object]
) -> PipelineAnswer:
    """Makes all passes; calls back with the number of the look and the moment in it.

    Raises:
        MovistreamError: if the model or the video fails, or shows too little.
    """
    passes: list[Pass] = []
    logits: dict[Quality, list[float]] = {}
    # Says what is wrong with a video in better words than the first stage, which is bare FFmpeg.
    VideoFile(Path(request.video)).close()
    with movistream.load(
        request.path,
        threads=1,
        engine=request.engine,
        arithmetic=request.arithmetic,
        # The program is a child already: a trial would be another like it.
        trust="always",
    ) as model:
        for quality in QUALITIES:
            for stage in COUNTED_STAGES:
                times_s: list[float] = []
                first = len(passes) * _MOST_LOOKS
                whole = looks(stage, model, Path(request.video), quality)
                for look in _counted(whole, request.seconds, first, on_moment):
                    times_s.append(look.time_s)
                    if look.logits is not None:
                        logits[quality] = [float(value) for value in look.logits]
                seconds = times_s[-1] - times_s[0]
                if seconds <= 0:
                    raise VideoError(f"{request.video} is too short to count anything")
                passes.append(Pass(quality, stage, len(times_s) - 1, seconds))
        return PipelineAnswer(model.engine, model.arithmetic, passes, logits)


def _counted(
    whole: Generator[Look, None, None],
    seconds: float,
    first: int,
    on_moment: Callable[[int, Moment], object],
) -> Iterator[Look]:
    """A pass's looks at the first seconds; what is done with them here is not counted."""
    first_s = 0.0
    with closing(whole):
        for number, look in enumerate(whole, first):
            if number > first:
                on_moment(number, Moment.END)
            else:
                first_s = look.time_s
            yield look
            # Containers round times.
            if round(look.time_s - first_s, 3) >= seconds:
                return
            on_moment(number + 1, Moment.BEGIN)
