"""What an archive has to do: its videos, and the shards that they are watched in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from movistream.parquet.footer import Run
from movistream.parquet.schema import video_text

FEWEST_VIDEOS = 8
MOST_VIDEOS = 32
"""Of a shard: so much is watched again if its process dies; fewer make more files to read."""

_SHARDS_PER_WORKER = 4


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        name: as it was given, or below the folder that was given; of an object, its address.
        fingerprint: of the file as it is: its size and when it was changed, or what its store says
            of that; empty where there is no such file.
    """

    name: str
    fingerprint: str

    @property
    def text(self) -> str:
        """Its name in tables."""
        return video_text(self.name)


@dataclass(frozen=True)
class Shard:
    """Videos that are watched one after the other, and become one file.

    Attributes:
        name: the run's, and 16 hexadecimal digits made of it and the videos.
        videos: at least one.
    """

    name: str
    videos: tuple[Video, ...]


def cut(videos: Sequence[Video], run: Run, workers: int) -> tuple[Shard, ...]:
    """Shards of all videos in their order; the last one may be smaller than others.

    Args:
        workers: that share them. The fewer videos there are for each, the smaller the shards.
    """
    each = len(videos) // (workers * _SHARDS_PER_WORKER)
    size = min(MOST_VIDEOS, max(FEWEST_VIDEOS, each))
    parts = [tuple(videos[start : start + size]) for start in range(0, len(videos), size)]
    return tuple(Shard(_name(part, run), part) for part in parts)


def _name(videos: Sequence[Video], run: Run) -> str:
    digest = hashlib.sha256(run.id.encode())
    for video in videos:
        digest.update(f"\0{video.text}\0{video.fingerprint}".encode())
    return f"{run.id}-{digest.hexdigest()[:16]}"
