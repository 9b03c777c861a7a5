"""Questions to an archive, or to one table, in SQL; all that knows DuckDB."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

from movistream.archive.folder import run_in_name, shard_files
from movistream.archive.store import RemoteStore, store_at
from movistream.errors import MissingExtraError, MovistreamError, OutputError
from movistream.parquet.schema import COLUMNS, ROW_TYPES, is_unicode
from movistream.system.text import one_line, printable


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
def answered(place: str, question: str) -> Iterator[tuple[Sequence[str], Iterator[Sequence[Any]]]]:
    """The names of the columns of an answer, and its rows.

    There are three tables: ``videos``, ``steps`` and ``events``, each with the columns that its
    rows have.

    Args:
        place: path or address of the folder of an archive, or path of a table's file.
        question: SQL of DuckDB.

    Raises:
        OutputError: if there is no table.
        MovistreamError: if the question cannot be answered.
        MissingExtraError: if DuckDB is not installed.
    """
    engine = duckdb()
    if not is_unicode(place):
        raise OutputError(f"DuckDB reads no folder whose name is no Unicode: {printable(place)}")
    with engine.connect() as connection:
        names = _files(connection, place)
        try:
            _make_tables(connection, names)
            found = connection.execute(question)
            if found is None:
                raise MovistreamError("the question is empty; it is SQL, such as SELECT 1")
            names = [column[0] for column in found.description or ()]
            yield names, iter(found.fetchone, None)
        except engine.Error as error:
            told = one_line(error)
            raise MovistreamError(f"the question cannot be answered: {told}") from None


def _files(connection: Any, place: str) -> list[str]:
    """What DuckDB calls the files of an archive, or the only one.

    Raises:
        OutputError: if there is none.
    """
    if Path(place).is_file():
        return [place]
    store = store_at(place)
    names = shard_files(store)
    if not names:
        raise OutputError(f"{store.title} holds no shard of an archive")
    if isinstance(store, RemoteStore):
        connection.register_filesystem(store.system)
        return [store.address_of(name) for name in names]
    return [str(Path(place) / name) for name in names]


def _make_tables(connection: Any, files: Sequence[str]) -> None:
    # Names are patterns to DuckDB, even in a list.
    names = ", ".join(_quoted(glob.escape(file)) for file in files)
    # Tables of several runs may have logits or not; to find that, all files are opened.
    several = len({run_in_name(PurePath(file).name) for file in files}) > 1
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
