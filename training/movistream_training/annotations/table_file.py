"""Recordings as a table that ``movistream train`` and ``movistream evaluate`` take."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator
from pathlib import Path

from movistream.system.output import replaced_when_done
from movistream_training.annotations.published import can_be_written
from movistream_training.errors import TrainingError
from movistream_training.recordings.moments import Recording, Recordings


def write_table(recordings: Recordings, table: Path, *, one_label: bool) -> int:
    """Writes recordings as rows of a CSV file.

    A row with a label is a moment. One without says which part of a video was looked through, and
    is there for videos in which nothing happens and where only a part was looked through. Paths are
    relative to the table's folder where they lie below it.

    Args:
        one_label: writes each recording as one row with its only label, and no times.

    Returns:
        How many rows there are.

    Raises:
        TrainingError: if the path of a video cannot stand in a table.
        OutputError: if the table cannot be written.
    """
    named = any(recording.split is not None for recording in recordings.recordings)
    columns = ["path", "label"]
    if not one_label:
        columns += ["start", "end", "split"]
    elif named:
        columns += ["split"]
    rows = [
        row
        for recording in recordings.recordings
        for row in _rows(recording, _shown(recording.path, table))
    ]
    with (
        replaced_when_done(table) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def _rows(recording: Recording, path: str) -> Iterator[dict[str, str]]:
    split = recording.split or ""
    whole = recording.start_s == 0 and recording.end_s == math.inf
    if not whole or not recording.moments:
        yield _row(path, "", recording.start_s, recording.end_s, split)
    for moment in recording.moments:
        yield _row(path, moment.label, moment.start_s, moment.end_s, split)


def _row(path: str, label: str, start_s: float, end_s: float, split: str) -> dict[str, str]:
    # All of a video: neither is said.
    start = "" if start_s == 0 and end_s == math.inf else _number(start_s)
    end = "" if end_s == math.inf else _number(end_s)
    return {"path": path, "label": label, "start": start, "end": end, "split": split}


def _number(seconds: float) -> str:
    return repr(float(seconds)).removesuffix(".0")


def _shown(path: Path, table: Path) -> str:
    """The path of a video as the table names it."""
    # Without resolving links: data sets are often linked to where they are used.
    whole = Path(os.path.abspath(path))  # noqa: PTH100
    folder = Path(os.path.abspath(table)).parent  # noqa: PTH100
    shown = (whole.relative_to(folder) if whole.is_relative_to(folder) else whole).as_posix()
    if not can_be_written(shown) or shown != shown.strip():
        raise TrainingError(
            f"the video {shown!r} cannot stand in a table: rename it without control"
            " characters and without spaces at its ends"
        )
    return shown
