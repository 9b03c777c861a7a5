"""The videos that annotations tell of, looked up in a folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from movistream.sources import find_videos
from movistream_training.annotations.published import Annotations, counted
from movistream_training.annotations.reading import Faults
from movistream_training.errors import TrainingError
from movistream_training.recordings.moments import Recording, Recordings

_FIRST = 3
"""So many names are told."""


@dataclass(frozen=True)
class Found:
    """Annotations whose videos are there.

    Attributes:
        recordings: in the order of the annotations, and those of one video in the order of time.
        missing: names of the videos that are not there.
        notes: what people should know, a sentence each.
    """

    recordings: Recordings
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def find_recordings(
    annotations: Annotations, faults: Faults, folder: Path, split: str | None
) -> Found:
    """Looks for the videos that annotations tell of.

    Args:
        faults: what was wrong; the videos that it is wrong with are left out.
        folder: with the videos, in folders of it too.
        split: takes those that are for it, if the annotations say so; otherwise all are.

    Raises:
        TrainingError: if all are missing, or it is not clear which file is which.
        VideoError: if the folder holds no video.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is no folder with videos")
    notes = list(annotations.notes)
    if faults.count:
        notes.append(f"{faults}. Left out for that: {counted(len(faults.videos), 'video')}")
    wanted = [one for one in annotations.videos if one.names[0] not in faults.videos]
    if split is not None:
        wanted = [one for one in wanted if one.split in (None, split)]
    if not wanted:
        told = f" for {split}" if split is not None else ""
        raise TrainingError(f"{faults.path} tells of no video{told}")
    files = _Files(folder)
    recordings: list[Recording] = []
    missing: list[str] = []
    owners: dict[Path, str] = {}
    for video in wanted:
        path = files.find(video.names)
        if path is None:
            missing.append(video.names[0])
            continue
        other = owners.setdefault(path, video.names[0])
        if other != video.names[0]:
            raise TrainingError(
                f"{path} would be both {other} and {video.names[0]}: give the files of both the"
                " whole names"
            )
        recordings += [
            Recording(
                path,
                tuple(m for m in video.moments if m.start_s < end_s and m.end_s > start_s),
                video.split or split,
                start_s,
                end_s,
            )
            for start_s, end_s in video.parts
        ]
    if not owners:
        raise TrainingError(
            f"{folder} has none of the {len(wanted)} videos that {faults.path} tells of, such as"
            f" {_listed(missing)}"
        )
    if missing:
        notes.append(
            f"missing in {folder}: {len(missing)} of {counted(len(wanted), 'video')}:"
            f" {_listed(missing)}"
        )
    return Found(Recordings(annotations.labels, tuple(recordings)), tuple(missing), tuple(notes))


class _Files:
    """The videos in a folder, by their names."""

    def __init__(self, folder: Path) -> None:
        self._by_stem: dict[str, list[Path]] = {}
        for path in find_videos(folder):
            self._by_stem.setdefault(path.stem, []).append(path)

    def find(self, names: Iterable[str]) -> Path | None:
        """The file of the first of the names that there is.

        Raises:
            TrainingError: if there are several.
        """
        for name in names:
            *folders, stem = PurePosixPath(name).parts or ("",)
            found = [
                path
                for path in self._by_stem.get(stem, ())
                if not folders or list(path.parts[-len(folders) - 1 : -1]) == folders
            ]
            if len(found) > 1:
                raise TrainingError(
                    f"{name} is there {len(found)} times, as {found[0]} and {found[1]}: keep one"
                )
            if found:
                return found[0]
        return None


def _listed(names: Iterable[str]) -> str:
    shown = [*itertools.islice(names, _FIRST + 1)]
    return ", ".join(shown[:_FIRST]) + (" …" if len(shown) > _FIRST else "")
