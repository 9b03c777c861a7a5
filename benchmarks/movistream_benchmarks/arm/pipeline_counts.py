"""What a second of video takes of an ARM core, counted stage by stage in the emulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from movistream.sources.decoding import QUALITIES, Quality
from movistream.stream.agreement import cosine
from movistream_benchmarks.arm.emulator import instructions, run_all
from movistream_benchmarks.arm.pipeline_counted import (
    COUNTED_STAGES,
    PipelineAnswer,
    PipelineRequest,
)
from movistream_benchmarks.arm.program import record
from movistream_benchmarks.pipeline import Facts, facts_of, name_in_table
from movistream_benchmarks.tables import BenchmarkTable
from movistream_benchmarks.video_passes import differences


@dataclass(frozen=True)
class PipelineCount:
    """What a video takes of a core.

    Attributes:
        video: what it is, all of it.
        cpu: one of :data:`.emulator.CPUS`.
        engine: that ran the steps.
        arithmetic: that the model's float operators computed in.
        quality: how the video was decoded.
        looks: frames that the network was shown while it was counted.
        seconds: of the video that were counted.
        stages: instructions to a second of video, of each of :data:`COUNTED_STAGES`.
        cosine_to_host: of the last logits, with those of this machine.
    """

    video: Facts
    cpu: str
    engine: str
    arithmetic: str
    quality: Quality
    looks: int
    seconds: float
    stages: dict[str, float]
    cosine_to_host: float

    @property
    def total(self) -> float:
        """Instructions of all stages to a second of video."""
        return sum(self.stages.values())

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types; the whole video's length is ``video_seconds``."""
        found = asdict(self)
        video = found.pop("video")
        video["video_seconds"] = video.pop("seconds")
        return {**video, **found, "total": self.total}


def count_pipelines(
    folder: Path,
    cpu: str,
    requests: Sequence[PipelineRequest],
    answers_here: Sequence[PipelineAnswer],
) -> Iterator[tuple[PipelineCount, ...]]:
    """Counts what videos take, in one emulator.

    Args:
        folder: that :func:`.emulator.set_up` filled.
        cpu: one of :data:`.emulator.CPUS`.
        answers_here: to the same requests, by this machine.

    Yields:
        For each request a count for each quality, as soon as they are there.

    Raises:
        MovistreamError: if the emulated program fails.
    """
    found = run_all(folder, cpu, [(each.video, record(each)) for each in requests])
    for request, here, (marks, fields) in zip(requests, answers_here, found, strict=True):
        answer = msgspec.convert(fields, PipelineAnswer)
        of_looks, _ = instructions(marks)
        yield _counts(facts_of(Path(request.video)), cpu, of_looks, answer, here)


def _counts(
    video: Facts,
    cpu: str,
    of_looks: Sequence[int],
    answer: PipelineAnswer,
    here: PipelineAnswer,
) -> tuple[PipelineCount, ...]:
    """Adds up looks to passes, and tells passes apart."""
    rest = iter(of_looks)
    rates = [sum(islice(rest, each.looks)) / each.seconds for each in answer.passes]
    counts = []
    for index, quality in enumerate(QUALITIES):
        passes = slice(index * len(COUNTED_STAGES), (index + 1) * len(COUNTED_STAGES))
        last = answer.passes[passes][-1]
        logits = (np.asarray(each.logits[quality], np.float32) for each in (answer, here))
        counts.append(
            PipelineCount(
                video,
                cpu,
                answer.engine,
                answer.arithmetic,
                quality,
                last.looks,
                last.seconds,
                differences(rates[passes]),
                cosine(*logits),
            )
        )
    return tuple(counts)


def counts_table(counts: Sequence[PipelineCount]) -> BenchmarkTable:
    """A row for each video, core and quality."""
    rows = (
        (
            name_in_table(each.video, each.quality, each.looks / each.seconds),
            each.cpu,
            each.quality,
            f"{each.seconds:.2f} s",
            *(f"{each.stages[stage] / 1e6:.1f}" for stage in COUNTED_STAGES),
            f"{each.total / 1e6:.1f}",
            f"{each.cosine_to_host:.4f}",
        )
        for each in counts
    )
    return BenchmarkTable(
        "Instructions to a second of video, millions",
        ("video", "core", "decoded", "counted", *COUNTED_STAGES, "total", "cosine to host"),
        tuple(rows),
        "One thread, Python included, from the first frame that is looked at on; what opens the"
        " video and the model is left out. Behind a video's size: the frames of a second that are"
        " looked at, and those there are. Instructions are not time: they leave out waiting for"
        " memory, and cores execute several at once.",
    )
