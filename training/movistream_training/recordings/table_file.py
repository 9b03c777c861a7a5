"""Recordings as a table that ``movistream train`` and ``movistream evaluate`` take."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

from movistream.system.output import replaced_when_done
from movistream.system.text import has_control_characters
from movistream_training.errors import TrainingError
from movistream_training.examples import Example
from movistream_training.recordings.moments import Recordings
from movistream_training.recordings.table import rows_of

_HALVES = re.compile("[\ud800-\udfff]")


def write_table(recordings: Recordings, table: Path, *, one_label: bool) -> int:
    """Writes recordings as rows of a CSV file.

    A row with a label is a moment. One without says which part of a video was looked through, and
    is there for videos in which nothing happens and where only a part was looked through. Where
    nobody can say something of a recording, a column says what is certain. Paths are relative to
    the table's folder where they lie below it.

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
    if any(recording.uncertain for recording in recordings.recordings):
        columns += ["certain"]
    rows = [
        _row(example, _shown(recording.path, table))
        for recording in recordings.recordings
        for example in rows_of((recording,), recording.split)
    ]
    with (
        replaced_when_done(table) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def _row(example: Example, path: str) -> dict[str, str]:
    # All of a video: neither is said.
    whole = example.start_s == 0 and example.end_s is None
    return {
        "path": path,
        "label": example.label,
        "start": "" if whole else _number(example.start_s),
        "end": "" if example.end_s is None else _number(example.end_s),
        "split": example.split or "",
        "certain": "yes" if example.certain else "no",
    }


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


def can_be_written(text: str) -> bool:
    """Whether a text can stand in a table: it has no control characters and no halves of pairs."""
    return not has_control_characters(text) and not _HALVES.search(text)
