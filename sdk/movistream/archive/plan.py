"""What an archive has to do: its videos, and the shards that they are watched in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from movistream.errors import VideoError
from movistream.parquet.footer import Run
from movistream.parquet.recording import fingerprint_of
from movistream.parquet.schema import video_text
from movistream.sources import VIDEO_SUFFIXES, is_recorded, public_name

FEWEST_VIDEOS = 8
MOST_VIDEOS = 32
"""Of a shard: so much is watched again if its process dies; fewer make more files to read."""

_SHARDS_PER_WORKER = 4


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        name: as it was given, or below the folder that was given.
        fingerprint: of the file as it is, see :func:`.parquet.recording.fingerprint_of`.
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


def find_videos_of(sources: Sequence[str]) -> tuple[Video, ...]:
    """All videos among the sources and below folders among them, each once, by their names.

    Raises:
        VideoError: if a source has no end, a folder has no video, or one cannot be read.
    """
    found: dict[Path, Video] = {}
    for source in sources:
        if not is_recorded(source) or source == "-":
            raise VideoError(
                f"{public_name(source)} is no file; an archive takes files and folders of files"
            )
        names = list(_below(source)) if Path(source).is_dir() else [str(Path(source))]
        if not names:
            raise VideoError(
                f"the folder {source} holds no video ({', '.join(sorted(VIDEO_SUFFIXES))})"
            )
        for name in names:
            found.setdefault(Path(name).absolute(), Video(name, fingerprint_of(name)))
    return tuple(sorted(found.values(), key=lambda video: video.name))


def _below(folder: str) -> Iterator[str]:
    """Names of the videos in a folder and the folders in it.

    Raises:
        VideoError: if one of them cannot be read: whatever is in it would be left out in silence.
    """

    def refuse(error: OSError) -> None:
        raise VideoError(
            f"cannot look into the folder {error.filename}: {error.strerror}; let it be read, or"
            " name other folders"
        )

    for where, _, files in os.walk(Path(folder), onerror=refuse):
        for file in files:
            path = Path(where) / file
            if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
                yield str(path)


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
