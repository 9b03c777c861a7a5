"""Reads FlatBuffers without trusting them: every offset is checked before it is followed.

The engines' own readers do not check, and crash on a damaged file; this one goes over the same
tables first. What tables there are, and what their fields may hold, is data
(:class:`Field`), so that nothing is followed that is not described. Format:
https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Callable, Mapping
from struct import Struct, unpack_from
from typing import Any, NamedTuple, TypeAlias

import msgspec

from movistream.errors import ModelError

Bytes: TypeAlias = bytes | mmap.mmap
Values: TypeAlias = dict[str, Any]
"""A table's fields by name."""

_UINT16, _INT32, _UINT32 = Struct("<H"), Struct("<i"), Struct("<I")
_SCALARS = {
    "bool": Struct("<B"),
    "int8": Struct("<b"),
    "uint8": Struct("<B"),
    "int32": _INT32,
    "uint32": _UINT32,
    "uint64": Struct("<Q"),
    "float32": Struct("<f"),
}
_ARRAYS = {"[float32]": "f", "[int64]": "q"}
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
    return reader.table(reader.follow(0, reader.scalar(_UINT32, 0)), root)


_FieldReader: TypeAlias = Callable[["_Reader", Field, int, Any, Values], Any]
"""Takes a field, its position, what is written there and the fields before it."""


class _Place(NamedTuple):
    """Where tables that share a vtable have a field.

    Attributes:
        offset: from the table's beginning.
        unpack: gives the number that lies there; that of most fields leads to their values.
        read: gives the value; None for that number itself.
    """

    field: Field
    offset: int
    unpack: Callable[[Bytes, int], tuple[Any, ...]]
    read: _FieldReader | None


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
        self._layouts: dict[tuple[int, str], tuple[int, list[_Place]]] = {}
        self._items = 0

    def table(self, position: int, kind: str) -> Values:
        self._count(1)
        vtable = position - self.scalar(_INT32, position)
        layout = self._layouts.get((vtable, kind))
        if layout is None:
            layout = self._layouts[vtable, kind] = self._layout(vtable, kind)
        size, places = layout
        if position + size > self._size:
            raise MalformedError(f"the {kind} at byte {position} ends behind the file")
        values = self._empty[kind].copy()
        try:
            for field, offset, unpack, read_field in places:
                (value,) = unpack(self._data, position + offset)
                if read_field is not None:
                    value = read_field(self, field, position + offset, value, values)
                values[field.name] = value
        except _FieldError as error:
            raise MalformedError(
                f"the {field.name} of the {kind} at byte {position} {error}"
            ) from None
        return values

    def follow(self, position: int, offset: int) -> int:
        """Where the offset that was read at a position leads."""
        target = position + offset
        if not offset or target + 4 > self._size:
            raise MalformedError(f"the offset at byte {position} leads outside the file")
        return target

    def scalar(self, form: Struct, position: int) -> Any:
        size = form.size
        if position < 0 or position + size > self._size:
            raise MalformedError(f"byte {position} is outside the file")
        if position % size:
            raise MalformedError(f"the number at byte {position} is not aligned")
        return form.unpack_from(self._data, position)[0]

    def _layout(self, vtable: int, kind: str) -> tuple[int, list[_Place]]:
        """The size of the tables that share a vtable, and the fields that they have."""
        vtable_bytes, table_bytes = self.scalar(_UINT16, vtable), self.scalar(_UINT16, vtable + 2)
        if (
            vtable_bytes < 4
            or vtable_bytes % 2
            or vtable + vtable_bytes > self._size
            or table_bytes < 4
        ):
            raise MalformedError(f"the vtable at byte {vtable} is malformed")
        offsets = unpack_from(f"<{vtable_bytes // 2 - 2}H", self._data, vtable + 4)
        known = self._tables[kind]
        if any(offsets[len(known) :]):
            raise MalformedError(f"a {kind} has fields that are newer than this program")
        places = []
        for index, field in enumerate(known):
            offset = offsets[index] if index < len(offsets) else 0
            if not offset:
                self._check_default(field, kind)
                continue
            if field.type == "absent":
                raise MalformedError(f"a {kind} has {field.name}, which stream models do not need")
            form = _SCALARS.get(field.type, _UINT32)
            if not 4 <= offset <= table_bytes - form.size:
                raise MalformedError(f"a {kind} has its {field.name} outside itself")
            # Tables lie at multiples of 4; what is wider is checked where it is read.
            if offset % min(form.size, 4):
                raise MalformedError(f"a {kind} has its {field.name} where it is not aligned")
            places.append(_Place(field, offset, form.unpack_from, _reader(field)))
        return table_bytes, places

    def _check_default(self, field: Field, kind: str) -> None:
        if field.type in _SCALARS:
            try:
                _check_range(field, field.default, field.default)
            except _FieldError as error:
                raise MalformedError(f"the {field.name} of a {kind} {error}") from None

    def _number(self, field: Field, position: int, number: Any, _: Values) -> Any:
        if position % _SCALARS[field.type].size:
            raise _FieldError("is not aligned")
        _check_range(field, number, number)
        return number

    def _truth(self, field: Field, position: int, number: int, _: Values) -> bool:
        if number > 1:
            raise _FieldError(f"is {number}, neither true nor false")
        _check_range(field, number, number)
        return bool(number)

    def _numbers(self, field: Field, position: int, offset: int, _: Values) -> array[Any]:
        """Compact, because there is one for every channel of a quantised kernel."""
        values = array(_ARRAYS[field.type])
        start, count = self._vector(field, position, offset, values.itemsize)
        self._count(count)
        # Devices have the file's order of bytes.
        values.frombytes(self._data[start : start + count * values.itemsize])
        return values

    def _whole_numbers(
        self, field: Field, position: int, offset: int, _: Values
    ) -> tuple[int, ...]:
        start, count = self._vector(field, position, offset, 4)
        self._count(count)
        values = unpack_from(f"<{count}i", self._data, start)
        if values:
            _check_range(field, min(values), max(values))
        return values

    def _span(self, field: Field, position: int, offset: int, _: Values) -> tuple[int, int]:
        return self._vector(field, position, offset, 1)

    def _text(self, field: Field, position: int, offset: int, _: Values) -> str:
        start, count = self._vector(field, position, offset, 1)
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

    def _union(self, field: Field, position: int, offset: int, values: Values) -> Values | None:
        name = self._unions.get(values[f"{field.name}_type"])
        return None if name is None else self.table(self.follow(position, offset), name)

    def _table(self, field: Field, position: int, offset: int, _: Values) -> Values:
        return self.table(self.follow(position, offset), field.type)

    def _all_tables(self, field: Field, position: int, offset: int, _: Values) -> list[Values]:
        kind = field.type[1:-1]
        start, count = self._vector(field, position, offset, 4)
        self._count(count)
        offsets = unpack_from(f"<{count}I", self._data, start)
        return [
            self.table(self.follow(start + 4 * index, offset), kind)
            for index, offset in enumerate(offsets)
        ]

    def _vector(self, field: Field, position: int, offset: int, item_bytes: int) -> tuple[int, int]:
        """The position and the length of a vector that lies inside the file."""
        start = self.follow(position, offset)
        count = self.scalar(_UINT32, start)
        start += 4
        if start + count * item_bytes > self._size:
            raise _FieldError("ends behind the file")
        if start % item_bytes:
            raise _FieldError("is not aligned")
        if field.longest is not None and count > field.longest:
            raise _FieldError(f"has {count} entries, more than {field.longest}")
        return start, count

    def _count(self, items: int) -> None:
        self._items += items
        if self._items > _MOST_ITEMS:
            raise MalformedError("it holds more tables and numbers than any stream model")


class _FieldError(Exception):
    """What is wrong with a field."""


def _check_range(field: Field, smallest: float, largest: float) -> None:
    # Written so that a number that is none fails too.
    if not (field.lowest is None or smallest >= field.lowest):
        raise _FieldError(f"is {smallest}, less than {field.lowest}")
    if not (field.highest is None or largest <= field.highest):
        raise _FieldError(f"is {largest}, more than {field.highest}")


def _reader(field: Field) -> _FieldReader | None:
    if field.type in _READERS:
        return _READERS[field.type]
    if field.type in _SCALARS:
        has_bounds = field.lowest is not None or field.highest is not None
        return _Reader._number if has_bounds or _SCALARS[field.type].size > 4 else None
    return _Reader._all_tables if field.type.startswith("[") else _Reader._table


_READERS: dict[str, _FieldReader] = {
    "bool": _Reader._truth,
    "[int32]": _Reader._whole_numbers,
    **dict.fromkeys(_ARRAYS, _Reader._numbers),
    "[uint8]": _Reader._span,
    "string": _Reader._text,
    "union": _Reader._union,
}
