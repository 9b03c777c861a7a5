"""Parquet files; all that knows pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from movistream.errors import MissingExtraError, OutputError
from movistream.parquet.footer import FOOTER_KEY, Footer, decoded, encoded
from movistream.parquet.schema import COLUMNS, NEVER_NULL, ROW_TYPES, Column, RowType
from movistream.system.output import replaced_when_done

Row = Mapping[str, Any]

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
def table_file(path: Path, logits: int | None = None) -> Iterator[TableFile]:
    """A table in a temporary file beside its place, which it takes if the block ends well.

    Args:
        logits: how many logits a step has, if those are written.

    Raises:
        MissingExtraError: if pyarrow is not installed.
        OutputError: if it cannot be written.
    """
    arrow = pyarrow()
    columns = [column for column in COLUMNS if column.kind != "logits" or logits is not None]
    schema = arrow.schema([_field(arrow, column, logits) for column in columns])
    with replaced_when_done(path) as part, part.open("wb") as file:
        writer = arrow.parquet.ParquetWriter(file, schema, compression="zstd")
        try:
            yield TableFile(writer, schema)
        finally:
            if writer.is_open:
                # Else it would try again when it is collected, and the file is closed by then.
                with suppress(Exception):
                    writer.close()
                writer.is_open = False


def read_footer(path: Path) -> Footer | None:
    """A table's footer; None if the file is no Parquet, or is damaged.

    Raises:
        MissingExtraError: if pyarrow is not installed.
        OutputError: if the file cannot be read, or is of something else or another version.
    """
    arrow = pyarrow()
    try:
        with path.open("rb") as file:
            metadata = arrow.parquet.read_metadata(file).metadata or {}
    except arrow.ArrowException:
        return None
    except OSError as error:
        if error.errno is None:
            # Pyarrow's word for what it cannot make sense of.
            return None
        raise OutputError(f"cannot read {path}: {error.strerror}") from None
    footer = decoded(metadata.get(FOOTER_KEY, b""))
    if footer is None:
        raise OutputError(f"{path} is no table of this version of movistream; move it elsewhere")
    return footer


def rewrite(path: Path, footer: Footer, keep: Callable[[str], bool]) -> None:
    """Leaves videos out of a table.

    Args:
        footer: of what stays.
        keep: says of a video whether its rows stay.

    Raises:
        OutputError: if the file cannot be read or written.
    """
    arrow = pyarrow()
    try:
        with path.open("rb") as read, replaced_when_done(path) as part, part.open("wb") as file:
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
        raise OutputError(f"cannot leave videos out of {path} ({error}); remove it") from None


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
