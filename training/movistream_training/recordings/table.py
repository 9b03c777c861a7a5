"""A table of recordings: a row for each moment, which may overlap others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from movistream_training.errors import TrainingError
from movistream_training.examples import DataSet, Example, divide, rows_of_table
from movistream_training.recordings.moments import Moment, Recording, Recordings

_NOTHING = ""
"""The label of a row that only says what was looked through."""


def find_recordings(table: Path) -> Recordings:
    """Reads a CSV file as :mod:`..examples` has it, in which rows of one video may overlap.

    A row without a label says which part of a video was looked through; by default it is all of it,
    and where no row names a class, nothing of these classes happens. Classes are in alphabetical
    order, recordings in that of their first rows.

    Raises:
        TrainingError: if it is no such table, or two rows of a video contradict each other.
    """
    if table.is_dir():
        raise TrainingError(
            f"{table} is a folder: several labels at once need a .csv table with the columns path,"
            " label, start and end"
        )
    rows = rows_of_table(table, unlabelled=True)
    labels = tuple(sorted({row.label for row in rows} - {_NOTHING}))
    if not labels:
        raise TrainingError(f"{table} names no label: there is nothing to tell apart")
    by_video: dict[Path, list[Example]] = {}
    for row in rows:
        by_video.setdefault(row.path, []).append(row)
    return Recordings(labels, tuple(map(_recording, by_video.values())))


def has_overlaps(data: DataSet) -> bool:
    """Whether a data set of single labels says that two classes were at once in a video."""
    last: dict[Path, list[Example]] = {}
    for one in data.examples:
        last.setdefault(one.path, []).append(one)
    for parts in last.values():
        parts.sort(key=lambda part: part.start_s)
        for part, following in itertools.pairwise(parts):
            end_s = math.inf if part.end_s is None else part.end_s
            if following.start_s < end_s and following.label != part.label:
                return True
    return False


def _recording(rows: Sequence[Example]) -> Recording:
    path = rows[0].path
    splits = {row.split for row in rows}
    if len(splits) > 1:
        named = " and ".join(sorted(str(split or "no split") for split in splits))
        raise TrainingError(f"rows of {path} name {named}: a recording goes to one side, whole")
    parts = [row for row in rows if row.label == _NOTHING]
    if len(parts) > 1:
        raise TrainingError(
            f"{len(parts)} rows of {path} have no label: one row says which part of it was looked"
            " through"
        )
    start_s, end_s = (parts[0].start_s, _end_s(parts[0])) if parts else (0.0, math.inf)
    moments = [Moment(row.label, row.start_s, _end_s(row)) for row in rows if row.label != _NOTHING]
    for moment in moments:
        if moment.start_s >= end_s or moment.end_s <= start_s:
            raise TrainingError(
                f"{moment.label!r} from {moment.start_s:g} to {moment.end_s:g} s of {path} is no"
                f" part of what was looked through, {start_s:g} to {end_s:g} s"
            )
    moments.sort(key=lambda moment: (moment.start_s, moment.end_s, moment.label))
    return Recording(path, tuple(moments), splits.pop(), start_s, end_s)


def _end_s(row: Example) -> float:
    return math.inf if row.end_s is None else row.end_s


def divide_recordings(
    data: Recordings, validation_share: float, seed: int
) -> tuple[tuple[Recording, ...], tuple[Recording, ...]]:
    """Training and validation recordings, each whole on one side, and so are copies of it.

    Recordings that name their split go there; those for a test to neither.

    Raises:
        TrainingError: if a class would be missing on a side.
    """
    empty = [recording for recording in data.recordings if not recording.moments]
    labels = data.labels
    rows = [
        Example(recording.path, label, 0.0, None, recording.split)
        for recording in data.recordings
        for label in sorted({moment.label for moment in recording.moments})
    ]
    if len(empty) > 1 and all(recording.split is None for recording in data.recordings):
        # Drawn, some of those in which nothing happens go to each side.
        labels = (*labels, _NOTHING)
    rows += [Example(recording.path, _NOTHING, 0.0, None, recording.split) for recording in empty]
    sides = divide(DataSet(labels, tuple(rows)), validation_share, seed)
    training, validation = ({row.path for row in side} for side in sides)
    return (
        tuple(one for one in data.recordings if one.path in training),
        tuple(one for one in data.recordings if one.path in validation),
    )


def rows_of(recordings: Sequence[Recording], split: str) -> tuple[Example, ...]:
    """Recordings as rows of a table of that split."""
    rows: list[Example] = []
    for recording in recordings:
        path, end_s = recording.path, recording.end_s
        if not recording.moments or recording.start_s > 0 or end_s < math.inf:
            rows.append(Example(path, _NOTHING, recording.start_s, _finite(end_s), split))
        rows += [
            Example(path, moment.label, moment.start_s, _finite(moment.end_s), split)
            for moment in recording.moments
        ]
    return tuple(rows)


def _finite(end_s: float) -> float | None:
    return None if end_s == math.inf else end_s
