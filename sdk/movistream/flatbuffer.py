"""Reads FlatBuffers without trusting them: every offset is checked before it is followed.

The engines' own readers do not check, and crash on a damaged file; this one goes over the same
tables first. Format: https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import mmap
import struct
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from movistream.errors import ModelError

Bytes: TypeAlias = bytes | mmap.mmap

_UINT16 = struct.Struct("<H")
_UINT32 = struct.Struct("<I")
_INT32 = struct.Struct("<i")
_MOST_TABLES = 50_000


class MalformedError(ModelError):
    """A table, vector or string that does not lie inside the file."""


def root_table(data: Bytes) -> Table:
    """The root table of a whole file."""
    return Table(data, _follow(data, 0))


class Table:
    """One table; a field is named by its index in the schema."""

    __slots__ = ("_data", "_fields", "_position")

    def __init__(self, data: Bytes, position: int) -> None:
        self._data = data
        self._position = position
        vtable = position - _unpack(data, _INT32, position)
        vtable_size = _unpack(data, _UINT16, vtable)
        table_size = _unpack(data, _UINT16, vtable + 2)
        if (
            vtable_size < 4
            or vtable_size % 2
            or vtable + vtable_size > len(data)
            or position + table_size > len(data)
        ):
            raise MalformedError(f"the table at byte {position} is malformed")
        self._fields = struct.unpack_from(f"<{vtable_size // 2 - 2}H", data, vtable + 4)
        if any(offset and not 4 <= offset < table_size for offset in self._fields):
            raise MalformedError(f"the table at byte {position} has fields outside itself")

    def scalar(self, field: int, code: str, default: Any = 0) -> Any:
        """A number or boolean, by its :mod:`struct` code."""
        position = self._field(field)
        return _unpack(self._data, struct.Struct(f"<{code}"), position) if position else default

    def has(self, field: int) -> bool:
        """Whether a field is present."""
        return self._field(field) != 0

    def table(self, field: int) -> Table | None:
        """A table, or None."""
        position = self._field(field)
        return Table(self._data, _follow(self._data, position)) if position else None

    def tables(self, field: int) -> list[Table]:
        """A vector of tables; empty if absent."""
        start, count = self._vector(field, 4)
        if count > _MOST_TABLES:
            raise MalformedError(f"the vector at byte {start} lists {count} tables")
        return [Table(self._data, _follow(self._data, start + 4 * index)) for index in range(count)]

    def numbers(self, field: int, dtype: str) -> npt.NDArray[Any]:
        """A vector of numbers, a copy; empty if absent."""
        kind = np.dtype(dtype).newbyteorder("<")
        start, count = self._vector(field, kind.itemsize)
        return np.frombuffer(self._data, kind, count, start).copy() if count else np.empty(0, kind)

    def span(self, field: int) -> tuple[int, int]:
        """(position, length) in the file of a vector of bytes."""
        return self._vector(field, 1)

    def text(self, field: int) -> str:
        """A string; empty if absent."""
        start, count = self._vector(field, 1)
        try:
            return bytes(self._data[start : start + count]).decode()
        except UnicodeDecodeError:
            raise MalformedError(f"the string at byte {start} is not UTF-8") from None

    def _field(self, field: int) -> int:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._position + offset if offset else 0

    def _vector(self, field: int, item_size: int) -> tuple[int, int]:
        position = self._field(field)
        if not position:
            return 0, 0
        start = _follow(self._data, position)
        count = _unpack(self._data, _UINT32, start)
        if start + 4 + count * item_size > len(self._data):
            raise MalformedError(f"the vector at byte {start} ends behind the file")
        return start + 4, count


def _follow(data: Bytes, position: int) -> int:
    target: int = position + _unpack(data, _UINT32, position)
    if target + 4 > len(data):
        raise MalformedError(f"the offset at byte {position} leads outside the file")
    return target


def _unpack(data: Bytes, kind: struct.Struct, position: int) -> Any:
    if position < 0 or position + kind.size > len(data):
        raise MalformedError(f"byte {position} is outside the file")
    return kind.unpack_from(data, position)[0]
