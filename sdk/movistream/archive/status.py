"""How far an archive is, by its footers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from movistream.archive.folder import Archive
from movistream.parquet.footer import VideoOutcome


@dataclass(frozen=True)
class RunStatus:
    """What is there of a run.

    Attributes:
        run: see :class:`.Run`.
        model: the SHA-256 of the model's file, or of what an ensemble is made of.
        shards: files.
        videos: rows.
        failed: of these, with an error.
        frames: that were looked at.
        video_hours: of the videos that say how long they are.
        worker_hours: that watching took, of all workers together.
    """

    run: str
    model: str
    shards: int
    videos: int
    failed: int
    frames: int
    video_hours: float
    worker_hours: float

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain JSON types."""
        return asdict(self)


def status_of(archive: Archive) -> tuple[RunStatus, ...]:
    """One status for each run, by the number of its videos, most first."""
    by_run: dict[str, list[VideoOutcome]] = {}
    shards: dict[str, int] = {}
    models: dict[str, str] = {}
    for shard in archive.shards:
        run = shard.footer.run
        by_run.setdefault(run.id, []).extend(shard.footer.videos)
        shards[run.id] = shards.get(run.id, 0) + 1
        models[run.id] = str(run.made_of.get("model", ""))
    found = [
        RunStatus(
            run,
            models[run],
            shards[run],
            len(videos),
            sum(video.status == "error" for video in videos),
            sum(video.frames for video in videos),
            hours_of(videos),
            sum(video.ms for video in videos) / 3_600_000,
        )
        for run, videos in by_run.items()
    ]
    return tuple(sorted(found, key=lambda status: (-status.videos, status.run)))


def hours_of(videos: Iterable[VideoOutcome]) -> float:
    """How long videos are together, in hours, of those that say it."""
    return sum(video.seconds or 0.0 for video in videos) / 3600
