"""What each part of watching a video takes of a core, from its packets to the lines about it.

Parts cannot be timed one by one where each frame goes through all of them. So a video is worked on
several times, each time by one part more, and a part's cost is what it adds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import movistream
from movistream.sources.decoding import QUALITIES, Quality
from movistream.sources.video_file import VideoFile
from movistream.stream.agreement import cosine
from movistream_benchmarks.tables import BenchmarkTable
from movistream_benchmarks.video_passes import STAGES, differences, looks, picking_of

_WITHOUT_THOUGHT = "plain"

Logits = list[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Facts:
    """What a video is.

    Attributes:
        source: its name.
        codec: FFmpeg's name of it.
        width: in pixels, and so is the height.
        frames_per_second: that it has.
        seconds: how long it is.
    """

    source: str
    codec: str
    width: int
    height: int
    frames_per_second: float
    seconds: float


@dataclass(frozen=True)
class PipelineCost:
    """What watching a video costs; CPU times are in milliseconds to a second of video.

    Attributes:
        video: what it is.
        looks_per_second: frames of it that the network is shown.
        quality: how it was decoded.
        stages_ms: of each of :data:`STAGES`.
        plain_ms: of all together if every frame is decoded, and becomes RGB as a whole.
        cosine: of the logits with those of an exact decoding, the mean over all frames.
        lowest_cosine: of all frames.
    """

    video: Facts
    looks_per_second: float
    quality: Quality
    stages_ms: dict[str, float]
    plain_ms: float
    cosine: float
    lowest_cosine: float

    @property
    def total_ms(self) -> float:
        """Of all stages."""
        return sum(self.stages_ms.values())

    @property
    def streams_per_core(self) -> float:
        """How many such videos a core can watch as they are recorded."""
        return 1e3 / self.total_ms

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types."""
        found = asdict(self)
        video = found.pop("video")
        totals = {"total_ms": self.total_ms, "streams_per_core": self.streams_per_core}
        return {**video, **found, **totals}


def measure_pipeline(
    model: movistream.Model, path: Path, rounds: int, on_pass: Callable[[], object]
) -> list[PipelineCost]:
    """The cost of watching a video, decoded in each quality, by one thread.

    Args:
        model: loaded with one thread.
        rounds: how often each part is timed; the medians count.
        on_pass: is called after each pass over the video.

    Raises:
        MovistreamError: if the video or the model fails.
    """
    passes: dict[tuple[str, str], Callable[[], Logits]] = {
        (QUALITIES[0], _WITHOUT_THOUGHT): lambda: _plain(model, path)
    }
    for quality in QUALITIES:
        for stage in STAGES:
            passes[quality, stage] = _pass(stage, model, path, quality)
    times_s: dict[tuple[str, str], list[float]] = {key: [] for key in passes}
    logits: dict[tuple[str, str], Logits] = {}
    for _ in range(rounds):
        for key, run in passes.items():
            start_s = time.process_time()
            logits[key] = run()
            times_s[key].append(time.process_time() - start_s)
            on_pass()
    facts = facts_of(path)
    medians_ms = {
        key: statistics.median(each) * 1e3 / facts.seconds for key, each in times_s.items()
    }
    exact = logits[QUALITIES[0], "step"]
    costs = []
    for quality in QUALITIES:
        stages_ms = differences([medians_ms[quality, stage] for stage in STAGES])
        plain_ms = medians_ms[QUALITIES[0], _WITHOUT_THOUGHT]
        plain_ms += stages_ms["scores"] + stages_ms["output"]
        found = logits[quality, "step"]
        likeness = [cosine(one, other) for one, other in zip(exact, found, strict=False)] or [1.0]
        costs.append(
            PipelineCost(
                facts,
                len(exact) / facts.seconds,
                quality,
                stages_ms,
                plain_ms,
                statistics.mean(likeness),
                min(likeness),
            )
        )
    return costs


def passes_of_a_video(rounds: int) -> int:
    """How often :func:`measure_pipeline` works on a video."""
    return rounds * (1 + len(QUALITIES) * len(STAGES))


def pipeline_table(costs: Sequence[PipelineCost]) -> BenchmarkTable:
    """A row for each video and quality."""
    rows = (
        (
            name_in_table(cost.video, cost.quality, cost.looks_per_second),
            cost.quality,
            *(f"{cost.stages_ms[stage]:.1f}" for stage in STAGES),
            f"{cost.total_ms:.1f}",
            f"{cost.total_ms / cost.plain_ms:.2f}",
            f"{cost.streams_per_core:.1f}",
            f"{cost.cosine:.4f}",
        )
        for cost in costs
    )
    return BenchmarkTable(
        "CPU time to a second of video, ms",
        (
            "video",
            "decoded",
            *STAGES,
            "total",
            "ratio",
            "per core",
            "cosine",
        ),
        tuple(rows),
        "Behind a video's size: the frames of a second that are looked at, and those there are."
        " The ratio is to decoding every frame, and making RGB of whole ones. Per core: such videos"
        " that a core can watch as they are recorded. The cosine is that of logits with those of"
        " an exact decoding, the mean over all frames.",
    )


def name_in_table(video: Facts, quality: Quality, looks_per_second: float) -> str:
    """A video's name in its first row; what it is, and how much of it is looked at, below."""
    if quality == QUALITIES[0]:
        return video.source
    looks = f"{looks_per_second:.3g}/{video.frames_per_second:.3g}"
    return f"{video.codec} {video.width}x{video.height}, {looks}"


def facts_of(path: Path) -> Facts:
    """What a video is, by all its packets."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shape, time_base = stream.codec_context, float(stream.time_base or 0)
        times = [
            packet.pts * time_base
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None
        ]
        apart_s = (max(times) - min(times)) / (len(times) - 1) if len(times) > 1 else 1.0
        seconds = len(times) * apart_s
        return Facts(
            path.name, shape.name, shape.width, shape.height, len(times) / seconds, seconds
        )


def _pass(
    stage: str, model: movistream.Model, path: Path, quality: Quality
) -> Callable[[], Logits]:
    """Works on a video up to a stage; without logits, what it gives is empty."""

    def run() -> Logits:
        passed = looks(stage, model, path, quality)
        return [look.logits.copy() for look in passed if look.logits is not None]

    return run


def _plain(model: movistream.Model, path: Path) -> Logits:
    """Every frame is decoded, and those that are picked become RGB as a whole."""
    with (
        VideoFile(path, decode=movistream.DecodeOptions(threads=1)) as video,
        model.stream() as stream,
    ):
        return [
            stream.step(frame.image).logits.copy()
            for frame, picked in picking_of(model)(video)
            if picked
        ]
