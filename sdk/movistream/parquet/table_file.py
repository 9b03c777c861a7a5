"""Parquet files; all that knows pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from movistream.errors import MissingExtraError, OutputError
from movistream.parquet.footer import FOOTER_KEY, Footer, decoded, encoded
from movistream.parquet.schema import COLUMNS, NEVER_NULL, ROW_TYPES, Column, RowType

Row = Mapping[str, Any]

_MAGIC = b"PAR1"
_LENGTH_BYTES = 8
"""At a file's end: how long its footer is, and the magic."""
_MOST_FOOTER_BYTES = 1 << 28

_GROUP_ROWS = 8192
"""Rows of a type that are kept in memory; then they become a group of the file."""


def pyarrow() -> Any:
    """Pyarrow, with what reads and writes Parquet.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("writing Parquet", "archive") from None
    return pyarrow


class TableFile:
    """A table on its way: rows of each type are groups of their own, which queries pass over."""

    def __init__(self, writer: Any, schema: Any) -> None:
        self._writer = writer
        self._schema = schema
        self._rows: dict[RowType, list[Row]] = {kind: [] for kind in ROW_TYPES}

    def add(self, row: Row) -> None:
        """Takes a row; columns that are not in it are null.

        Raises:
            OSError: if it cannot be written.
        """
        rows = self._rows[row["type"]]
        rows.append(row)
        if len(rows) >= _GROUP_ROWS:
            self._write(rows)

    def finish(self, footer: Footer) -> None:
        """Writes what is left, and the footer.

        Raises:
            OSError: if it cannot be written.
        """
        for rows in self._rows.values():
            if rows:
                self._write(rows)
        self._writer.add_key_value_metadata({FOOTER_KEY: encoded(footer)})
        self._writer.close()

    def _write(self, rows: list[Row]) -> None:
        table = pyarrow().Table.from_pylist(rows, schema=self._schema)
        self._writer.write_table(table)
        rows.clear()


@contextmanager
def table_file(part: Path, logits: int | None = None) -> Iterator[TableFile]:
    """A table, written to a file that becomes something when the block ends well.

    Args:
        logits: how many logits a step has, if those are written.

    Raises:
        MissingExtraError: if pyarrow is not installed.
        OSError: if it cannot be written.
    """
    arrow = pyarrow()
    columns = [column for column in COLUMNS if column.kind != "logits" or logits is not None]
    schema = arrow.schema([_field(arrow, column, logits) for column in columns])
    with part.open("wb") as file:
        writer = arrow.parquet.ParquetWriter(file, schema, compression="zstd")
        try:
            yield TableFile(writer, schema)
        finally:
            if writer.is_open:
                # Else it would try again when it is collected, and the file is closed by then.
                with suppress(Exception):
                    writer.close()
                writer.is_open = False


def footer_size(tail: bytes) -> int:
    """How many bytes at a table's end its footer takes, by the last ones; 0 if it is no table."""
    if tail[-len(_MAGIC) :] != _MAGIC:
        return 0
    size = int.from_bytes(tail[-_LENGTH_BYTES : -len(_MAGIC)], "little") + _LENGTH_BYTES
    return size if size <= _MOST_FOOTER_BYTES else 0


def read_footer(tail: bytes, title: str) -> Footer | None:
    """A table's footer; None if this is no end of a Parquet file, or a damaged one.

    Args:
        tail: the file's last bytes, at least :func:`footer_size`.
        title: of the file, for people.

    Raises:
        MissingExtraError: if pyarrow is not installed.
        OutputError: if it is the end of something else, or of another version.
    """
    arrow = pyarrow()
    try:
        metadata = arrow.parquet.read_metadata(arrow.BufferReader(tail)).metadata or {}
    except (arrow.ArrowException, OSError):
        # Pyarrow's words for what it cannot make sense of.
        return None
    footer = decoded(metadata.get(FOOTER_KEY, b""))
    if footer is None:
        raise OutputError(f"{title} is no table of this version of movistream; move it elsewhere")
    return footer


def rewrite(read: BinaryIO, part: Path, footer: Footer, keep: Callable[[str], bool]) -> None:
    """Writes a table without some of its videos.

    Args:
        read: the table.
        part: that is written.
        footer: of what stays.
        keep: says of a video whether its rows stay.

    Raises:
        OutputError: if the table cannot be read or the other one not be written.
    """
    arrow = pyarrow()
    try:
        with part.open("wb") as file:
            table = arrow.parquet.ParquetFile(read)
            with arrow.parquet.ParquetWriter(
                file, table.schema_arrow.remove_metadata(), compression="zstd"
            ) as writer:
                for group in range(table.num_row_groups):
                    rows = table.read_row_group(group).replace_schema_metadata(None)
                    names = rows.column("video").to_pylist()
                    kept = rows.filter(arrow.array([keep(name) for name in names]))
                    if kept.num_rows:
                        writer.write_table(kept)
                writer.add_key_value_metadata({FOOTER_KEY: encoded(footer)})
    except (arrow.ArrowException, OSError) as error:
        raise OutputError(f"cannot leave videos out of a table ({error}); remove it") from None


def _field(arrow: Any, column: Column, logits: int | None) -> Any:
    kinds = {
        "text": arrow.string,
        "integer": arrow.int64,
        "number": arrow.float64,
        "score": arrow.float32,
        "flag": arrow.bool_,
        "moment": lambda: arrow.timestamp("ms", tz="UTC"),
        "classes": lambda: arrow.list_(
            arrow.struct(
                [("index", arrow.int32()), ("label", arrow.string()), ("score", arrow.float32())]
            )
        ),
        "logits": lambda: arrow.list_(arrow.float32(), logits),
    }
    return arrow.field(column.name, kinds[column.kind](), nullable=column.name not in NEVER_NULL)
