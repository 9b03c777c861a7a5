"""Files of annotations, row by row, and what is wrong with their rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from movistream_training.annotations.published import RowError, counted
from movistream_training.errors import TrainingError

MOST_BYTES = 256 << 20
"""Of a file. The largest that is published, AVA's, has 50 MB."""

_FIRST_FAULTS = 3
"""So many are told."""


@dataclass
class Faults:
    """What was found wrong with the rows of a file.

    Attributes:
        path: of the file.
        count: of all of them.
        first: the first few, each with its place.
        videos: names of the videos whose rows are wrong.
        astray: how many faults are in rows of which it is not known whose they are.
    """

    path: Path
    count: int = 0
    first: list[str] = field(default_factory=list)
    videos: set[str] = field(default_factory=set)
    astray: int = 0

    @contextmanager
    def at(self, place: str, video: str | None = None) -> Iterator[None]:
        """Notes a fault that the block raises.

        Args:
            place: in the file.
            video: its name, where it is known.
        """
        try:
            yield
        except RowError as fault:
            self.count += 1
            if len(self.first) < _FIRST_FAULTS:
                self.first.append(f"{place}: {fault}")
            if video is None:
                self.astray += 1
            else:
                self.videos.add(video)

    def __str__(self) -> str:
        more = self.count - len(self.first)
        shown = "; ".join(self.first) + (f"; and {more} more" if more else "")
        return f"{self.path} has {counted(self.count, 'bad row')}: {shown}"

    def check(self, *, skip: bool) -> None:
        """Refuses what is wrong.

        Args:
            skip: not if it is known which videos to leave out for it.

        Raises:
            TrainingError: naming the first faults and their number.
        """
        if not self.count or (skip and not self.astray):
            return
        left_out = f", or leave {counted(len(self.videos), 'video')} out with --skip-bad"
        raise TrainingError(f"{self}. Correct them{'' if self.astray else left_out}")


def text_of(path: Path) -> str:
    """A whole file.

    Raises:
        TrainingError: if it is none, too large, or not UTF-8 text.
    """
    _check(path)
    with _readable(path):
        return path.read_text(encoding="utf-8-sig")


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, each with the number of its first line; empty lines are none.

    Raises:
        TrainingError: if it is none, too large, not UTF-8 text, or no table.
    """
    _check(path)
    with _readable(path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        line = 1
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1


def columns_of(
    path: Path, needed: Sequence[str], faults: Faults
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows of a CSV file whose first line names its columns.

    Args:
        needed: columns that must be there.
        faults: takes rows that do not have one value per column.

    Raises:
        TrainingError: as :func:`rows_of`, or if a column is missing or there twice.
    """
    rows = rows_of(path)
    _, columns = next(rows, (1, []))
    columns = [column.strip() for column in columns]
    if missing := [column for column in needed if column not in columns]:
        raise TrainingError(
            f"{path} has no column {missing[0]!r}: its first line must name {', '.join(needed)}"
        )
    if twice := [column for column in needed if columns.count(column) > 1]:
        raise TrainingError(f"{path} has the column {twice[0]!r} twice")
    for line, row in rows:
        if len(row) == len(columns):
            yield line, dict(zip(columns, row, strict=True))
            continue
        with faults.at(f"line {line}"):
            raise RowError(f"it has {len(row)} values for {len(columns)} columns")


def _check(path: Path) -> None:
    if not path.is_file():
        raise TrainingError(f"{path} {'is no file' if path.exists() else 'does not exist'}")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise TrainingError(
            f"{path} has {size >> 20} MB, and annotations have {MOST_BYTES >> 20} at most"
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise TrainingError(f"{path} is not UTF-8 text") from None
    except csv.Error as error:
        raise TrainingError(f"{path} is not a table: {error}") from None
    except OSError as error:
        raise TrainingError(f"cannot read {path}: {error.strerror}") from None
