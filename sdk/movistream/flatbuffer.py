"""Reads FlatBuffers without trusting them: every offset is checked before it is followed.

The engines' own readers do not check, and crash on a damaged file; this one goes over the same
tables first. What tables there are, and what their fields may hold, is data
(:class:`Field`), so that nothing is followed that is not described. Format:
https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
import numpy as np

from movistream.errors import ModelError

Bytes: TypeAlias = bytes | mmap.mmap
Values: TypeAlias = dict[str, Any]
"""A table's fields by name."""

_SCALARS = {
    "bool": "B",
    "int8": "b",
    "uint8": "B",
    "int32": "i",
    "uint32": "I",
    "uint64": "Q",
    "float32": "f",
}
_VECTORS = {"[int32]": ("i", 4), "[float32]": ("f", 4), "[int64]": ("q", 8), "[bool]": ("B", 1)}
_DTYPES: dict[str, np.dtype[Any]] = {"f": np.dtype("<f4"), "q": np.dtype("<i8")}
_LONGEST_STRING_BYTES = 4096
_MOST_ITEMS = 2**23
"""Tables and numbers in a file: several fields may share one vector, and time must be bounded."""


class MalformedError(ModelError):
    """A table, vector or string that does not lie inside the file, or holds what none may."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a table; its place in the table is its index in the schema.

    Attributes:
        name: as in the schema.
        type: a scalar such as ``int32``; a vector of them such as ``[int32]``, where ``[uint8]``
            is read as its (position, length) in the file; ``string``; a table's name, alone or in
            brackets; ``union``, whose table the field before it tells, called ``…_type``;
            ``absent``, which must not be there.
        default: of a scalar that is not written.
        lowest: of a scalar or of a vector's numbers.
        highest: likewise.
        longest: of a vector.
    """

    name: str
    type: str
    default: int | float = 0
    lowest: int | float | None = None
    highest: int | float | None = None
    longest: int | None = None

    def empty(self) -> Any:
        """What is read where the field is not written."""
        if self.type in _SCALARS:
            return bool(self.default) if self.type == "bool" else self.default
        if self.type == "[uint8]":
            return 0, 0
        return () if self.type.startswith("[") else None


def read(
    data: Bytes, tables: Mapping[str, tuple[Field, ...]], unions: Mapping[int, str], root: str
) -> Values:
    """Reads a whole file.

    Args:
        data: the file's bytes.
        tables: their fields, by the table's name.
        unions: the names of tables that a ``union`` field may hold, by their type. Others are
            not read: their value is None.
        root: the name of the file's root table.

    Raises:
        MalformedError: if anything lies outside the file, is not aligned, or is not described.
    """
    reader = _Reader(data, tables, unions)
    return reader.table(reader.follow(0), root)


_Plan: TypeAlias = tuple[int, tuple[tuple[Field, int], ...]]


class _Reader:
    def __init__(
        self, data: Bytes, tables: Mapping[str, tuple[Field, ...]], unions: Mapping[int, str]
    ) -> None:
        self._data = data
        self._size = len(data)
        self._tables = tables
        self._unions = unions
        self._empty = {
            kind: {field.name: field.empty() for field in fields} for kind, fields in tables.items()
        }
        self._plans: dict[tuple[int, str], _Plan] = {}
        self._items = 0

    def table(self, position: int, kind: str) -> Values:
        self._count(1)
        vtable = position - self._scalar("i", 4, position)
        plan = self._plans.get((vtable, kind))
        if plan is None:
            plan = self._plans[vtable, kind] = self._plan(vtable, kind)
        table_size, fields = plan
        if position + table_size > self._size:
            raise MalformedError(f"the {kind} at byte {position} ends behind the file")
        values = self._empty[kind].copy()
        for field, offset in fields:
            try:
                read = _READERS.get(field.type, _Reader._tables_or_table)
                values[field.name] = read(self, field, position + offset, values)
            except _FieldError as error:
                raise MalformedError(
                    f"the {field.name} of the {kind} at byte {position} {error}"
                ) from None
        return values

    def follow(self, position: int) -> int:
        target: int = position + self._scalar("I", 4, position)
        if target == position or target + 4 > self._size:
            raise MalformedError(f"the offset at byte {position} leads outside the file")
        return target

    def _plan(self, vtable: int, kind: str) -> _Plan:
        """What a vtable says about the tables that share it."""
        vtable_size, table_size = self._scalar("H", 2, vtable), self._scalar("H", 2, vtable + 2)
        if (
            vtable_size < 4
            or vtable_size % 2
            or vtable + vtable_size > self._size
            or table_size < 4
        ):
            raise MalformedError(f"the vtable at byte {vtable} is malformed")
        offsets = struct.unpack_from(f"<{vtable_size // 2 - 2}H", self._data, vtable + 4)
        known = self._tables[kind]
        if any(offsets[len(known) :]):
            raise MalformedError(f"a {kind} has fields that are newer than this program")
        fields = []
        for index, field in enumerate(known):
            offset = offsets[index] if index < len(offsets) else 0
            if not offset:
                self._check_default(field, kind)
                continue
            if field.type == "absent":
                raise MalformedError(f"a {kind} has {field.name}, which stream models do not need")
            if not 4 <= offset <= table_size - _field_bytes(field):
                raise MalformedError(f"a {kind} has its {field.name} outside itself")
            fields.append((field, offset))
        return table_size, tuple(fields)

    def _check_default(self, field: Field, kind: str) -> None:
        if field.type in _SCALARS:
            try:
                _check_range(field, field.default, field.default)
            except _FieldError as error:
                raise MalformedError(f"the {field.name} of a {kind} {error}") from None

    def _scalar(self, code: str, size: int, position: int) -> Any:
        if position < 0 or position + size > self._size:
            raise MalformedError(f"byte {position} is outside the file")
        if position % size:
            raise MalformedError(f"the number at byte {position} is not aligned")
        return struct.unpack_from("<" + code, self._data, position)[0]

    def _number(self, field: Field, position: int, _: Values) -> Any:
        code = _SCALARS[field.type]
        value = self._scalar(code, _SIZES[code], position)
        is_truth = field.type == "bool"
        if is_truth and value > 1:
            raise _FieldError(f"is {value}, neither true nor false")
        _check_range(field, value, value)
        return bool(value) if is_truth else value

    def _numbers(self, field: Field, position: int, _: Values) -> Any:
        code, size = _VECTORS[field.type]
        start, count = self._vector(field, position, size)
        self._count(count)
        if code in _DTYPES:
            # Arrays, because there is one for every channel of a quantised kernel.
            return np.frombuffer(self._data, _DTYPES[code], count, start).copy()
        values = struct.unpack_from(f"<{count}{code}", self._data, start)
        if values:
            _check_range(field, min(values), max(values))
        return values

    def _span(self, field: Field, position: int, _: Values) -> tuple[int, int]:
        return self._vector(field, position, 1)

    def _text(self, field: Field, position: int, _: Values) -> str:
        start, count = self._vector(field, position, 1)
        if count > _LONGEST_STRING_BYTES:
            raise _FieldError(f"has {count} bytes")
        self._count(count)
        # Programs in C read on until a zero.
        if self._data[start + count : start + count + 1] != b"\0":
            raise _FieldError("does not end with a zero")
        try:
            return bytes(self._data[start : start + count]).decode()
        except UnicodeDecodeError:
            raise _FieldError("is not UTF-8") from None

    def _union(self, field: Field, position: int, values: Values) -> Values | None:
        name = self._unions.get(values[f"{field.name}_type"])
        return None if name is None else self.table(self.follow(position), name)

    def _tables_or_table(self, field: Field, position: int, _: Values) -> Any:
        if not field.type.startswith("["):
            return self.table(self.follow(position), field.type)
        kind = field.type[1:-1]
        start, count = self._vector(field, position, 4)
        self._count(count)
        return [self.table(self.follow(start + 4 * index), kind) for index in range(count)]

    def _vector(self, field: Field, position: int, item_size: int) -> tuple[int, int]:
        start = self.follow(position)
        count = self._scalar("I", 4, start)
        if start + 4 + count * item_size > self._size:
            raise _FieldError("ends behind the file")
        if (start + 4) % item_size:
            raise _FieldError("is not aligned")
        if field.longest is not None and count > field.longest:
            raise _FieldError(f"has {count} entries, more than {field.longest}")
        return start + 4, count

    def _count(self, items: int) -> None:
        self._items += items
        if self._items > _MOST_ITEMS:
            raise MalformedError("it holds more tables and numbers than any stream model")


class _FieldError(Exception):
    """What is wrong with a field."""


def _check_range(field: Field, smallest: float, largest: float) -> None:
    for value in (smallest, largest):
        # Written so that a number that is none fails too.
        if not (field.lowest is None or value >= field.lowest):
            raise _FieldError(f"is {value}, less than {field.lowest}")
        if not (field.highest is None or value <= field.highest):
            raise _FieldError(f"is {value}, more than {field.highest}")


def _field_bytes(field: Field) -> int:
    """Inside the table: a scalar itself, or the offset of what lies elsewhere."""
    return _SIZES[_SCALARS[field.type]] if field.type in _SCALARS else 4


_SIZES = {code: struct.calcsize(code) for code in _SCALARS.values()}
_READERS: dict[str, Callable[[_Reader, Field, int, Values], Any]] = {
    **dict.fromkeys(_SCALARS, _Reader._number),
    **dict.fromkeys(_VECTORS, _Reader._numbers),
    "[uint8]": _Reader._span,
    "string": _Reader._text,
    "union": _Reader._union,
}
