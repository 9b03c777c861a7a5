"""A table of recordings: a row for each moment, which may overlap others."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from movistream_training.errors import TrainingError
from movistream_training.examples import DataSet, Example, divide, rows_of_table
from movistream_training.recordings.moments import Moment, Recording, Recordings

_NOTHING = ""
"""The label of a row that only says what was looked through."""


def find_recordings(table: Path, *, may_be_uneventful: bool = False) -> Recordings:
    """Reads a CSV file as :mod:`..examples` has it, in which rows of one video may overlap.

    Where a row is not certain, nobody can say whether its label holds.
    Rows without a label say which parts of a video were looked through; by default it is all of it.
    Where no row names a class, nothing of these classes happens. Classes are in alphabetical
    order, recordings in that of their first rows.

    Args:
        may_be_uneventful: whether a table is one in which nothing happens for certain, or some of
            what may happen: nothing is to be learnt from it.

    Raises:
        TrainingError: if it is no such table, or two rows of a video contradict each other.
    """
    if table.is_dir():
        raise TrainingError(
            f"{table} is a folder: several labels at once need a .csv table with the columns path,"
            " label, start and end"
        )
    rows = rows_of_table(table, unlabelled=True)
    labels = tuple(sorted({row.label for row in rows if row.certain} - {_NOTHING}))
    unknown = sorted({row.label for row in rows if not row.certain} - set(labels))
    if unknown and not may_be_uneventful:
        raise TrainingError(f"{table} is never certain of {unknown[0]!r}: it cannot be learnt")
    if not labels and not may_be_uneventful:
        raise TrainingError(f"{table} names no label: there is nothing to tell apart")
    by_video: dict[Path, list[Example]] = {}
    for row in rows:
        by_video.setdefault(row.path, []).append(row)
    found = itertools.chain.from_iterable(map(_of_video, by_video.values()))
    return Recordings(labels, tuple(found))


def has_overlaps(data: DataSet) -> bool:
    """Whether a data set of single labels says that two classes were at once in a video."""
    by_video: dict[Path, dict[str, float]] = {}
    for part in sorted(data.examples, key=lambda part: part.start_s):
        ends_s = by_video.setdefault(part.path, {})
        if any(part.start_s < ends_s[label] for label in ends_s.keys() - {part.label}):
            return True
        ends_s[part.label] = max(_end_s(part), ends_s.get(part.label, 0.0))
    return False


def _of_video(rows: Sequence[Example]) -> Iterator[Recording]:
    """What was looked through of a video, in one part or more."""
    path = rows[0].path
    splits = {row.split for row in rows}
    if len(splits) > 1:
        named = " and ".join(sorted(str(split or "no split") for split in splits))
        raise TrainingError(f"rows of {path} name {named}: a video goes to one side, whole")
    parts = sorted((row.start_s, _end_s(row)) for row in rows if row.label == _NOTHING)
    for (_, end_s), (start_s, _) in itertools.pairwise(parts):
        if start_s < end_s:
            raise TrainingError(f"rows of {path} without a label overlap at {start_s:g} s")
    parts = parts or [(0.0, math.inf)]
    moments, uncertain = (
        [
            Moment(row.label, row.start_s, _end_s(row))
            for row in rows
            if row.label != _NOTHING and row.certain == certain
        ]
        for certain in (True, False)
    )
    for moment in (*moments, *uncertain):
        if not any(_overlap(moment, part) for part in parts):
            raise TrainingError(
                f"{moment.label!r} from {moment.start_s:g} to {moment.end_s:g} s of {path} is in no"
                " part of it that a row without a label says was looked through"
            )
    for part in parts:
        yield Recording(
            path, _of_part(moments, part), rows[0].split, *part, _of_part(uncertain, part)
        )


def _of_part(moments: Sequence[Moment], part: tuple[float, float]) -> tuple[Moment, ...]:
    """Those that share some time with a part, in the order of their beginnings."""
    own = [moment for moment in moments if _overlap(moment, part)]
    return tuple(sorted(own, key=lambda moment: (moment.start_s, moment.end_s, moment.label)))


def _overlap(moment: Moment, part: tuple[float, float]) -> bool:
    return moment.start_s < part[1] and moment.end_s > part[0]


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
    labels = data.labels
    empty = [recording for recording in data.recordings if not recording.moments]
    rows = [
        Example(recording.path, label, recording.start_s, None, recording.split)
        for recording in data.recordings
        for label in sorted({moment.label for moment in recording.moments})
    ]
    if len(empty) > 1 and all(recording.split is None for recording in data.recordings):
        # Drawn, some of those in which nothing happens go to each side.
        labels = (*labels, _NOTHING)
    rows += [Example(one.path, _NOTHING, one.start_s, None, one.split) for one in empty]
    # The rarest first: what is left to choose for others has some of them on both sides.
    count = Counter(row.label for row in rows)
    ordered = sorted(labels, key=lambda label: (count[label], label))
    sides = divide(DataSet(tuple(ordered), tuple(rows)), validation_share, seed)
    training, validation = ({row.path for row in side} for side in sides)
    return (
        tuple(one for one in data.recordings if one.path in training),
        tuple(one for one in data.recordings if one.path in validation),
    )


def rows_of(recordings: Sequence[Recording], split: str | None) -> tuple[Example, ...]:
    """Recordings as rows of a table, of that split."""
    rows: list[Example] = []
    for recording in recordings:
        path, end_s = recording.path, recording.end_s
        if not recording.moments or recording.start_s > 0 or end_s < math.inf:
            rows.append(Example(path, _NOTHING, recording.start_s, _finite(end_s), split))
        rows += [
            Example(path, moment.label, moment.start_s, _finite(moment.end_s), split, certain)
            for certain, moments in ((True, recording.moments), (False, recording.uncertain))
            for moment in moments
        ]
    return tuple(rows)


def _finite(end_s: float) -> float | None:
    return None if end_s == math.inf else end_s
