"""Questions to an archive, or to one table, in SQL; all that knows DuckDB."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from movistream.archive.folder import run_in_name, shard_files
from movistream.errors import MissingExtraError, MovistreamError, OutputError
from movistream.parquet.schema import COLUMNS, ROW_TYPES, is_unicode
from movistream.system.text import printable


def duckdb() -> Any:
    """DuckDB.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError("asking archives", "archive") from None
    return duckdb


@contextmanager
def answered(place: Path, question: str) -> Iterator[tuple[Sequence[str], Iterator[Sequence[Any]]]]:
    """The names of the columns of an answer, and its rows.

    There are three tables: ``videos``, ``steps`` and ``events``, each with the columns that its
    rows have.

    Args:
        place: the folder of an archive, or a table's file.
        question: SQL of DuckDB.

    Raises:
        OutputError: if there is no table.
        MovistreamError: if the question cannot be answered.
        MissingExtraError: if DuckDB is not installed.
    """
    engine = duckdb()
    files = shard_files(place) if place.is_dir() else (place,)
    if not place.exists():
        raise OutputError(f"there is no archive {place}")
    if not files:
        raise OutputError(f"{place} holds no shard of an archive")
    if not is_unicode(str(place)):
        raise OutputError(f"DuckDB reads no folder whose name is no Unicode: {place}")
    with engine.connect() as connection:
        try:
            _make_tables(connection, files)
            found = connection.execute(question)
            names = [column[0] for column in found.description or ()]
            yield names, iter(found.fetchone, None)
        except engine.Error as error:
            told = " ".join(str(error).split())
            raise MovistreamError(f"the question cannot be answered: {printable(told)}") from None


def _make_tables(connection: Any, files: Sequence[Path]) -> None:
    # Names are patterns to DuckDB, even in a list.
    names = ", ".join(_quoted(glob.escape(str(file))) for file in files)
    # Tables of several runs may have logits or not; to find that, all files are opened.
    several = len({run_in_name(file) for file in files}) > 1
    source = f"read_parquet([{names}]{', union_by_name = true' if several else ''})"
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    for kind in ROW_TYPES:
        columns = ", ".join(
            f'"{column.name}"'
            for column in COLUMNS
            if kind in column.rows and column.name in there and column.name != "type"
        )
        connection.execute(
            f"CREATE VIEW {kind}s AS SELECT {columns} FROM {source} WHERE type = '{kind}'"
        )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
