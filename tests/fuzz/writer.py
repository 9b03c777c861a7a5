"""Writes a model's tree as a FlatBuffer, many times faster than the schema's own classes do.

What each table has is taken from the schema's generated module: for each field its slot, its type
and its default. Tables are written before what they lead to, each with a vtable of its own.
"""

from __future__ import annotations

import inspect
import re
import struct
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

IDENTIFIER = b"TFL3"
_FIELD = re.compile(
    r"^def (\w+?)Add(\w+)\(builder, \w+\):\s+builder\.Prepend(\w+?)Slot\((\d+), .*, ([\w.-]+)\)",
    re.M,
)
_CODES = {
    "Bool": "?",
    "Int8": "b",
    "Uint8": "B",
    "Int16": "h",
    "Uint16": "H",
    "Int32": "i",
    "Uint32": "I",
    "Int64": "q",
    "Uint64": "Q",
    "Float32": "f",
    "Float64": "d",
    "UOffsetTRelative": "",
}
_NUMBERS = {"min": "f4", "max": "f4", "scale": "f4", "zeroPoint": "i8"}
_NUMBERS |= {"data": "u1", "customOptions": "u1", "custom": "u1", "mutatingVariableInputs": "u1"}
_NUMBERS |= {"compositeAttributes": "u1"}
"""Types of vectors of numbers; int32 for others."""
_ALIGNMENT = 16

Field = tuple[str, int, str, Any]
"""Attribute, slot, code of :mod:`struct` (empty for an offset), default."""


def _tables() -> dict[str, list[Field]]:
    found: dict[str, list[Field]] = {}
    names = {name.removesuffix("T") for name in vars(schema) if name.endswith("T")}
    for table, name, kind, slot, default in _FIELD.findall(inspect.getsource(schema)):
        if table in names:
            value = {"True": True, "False": False}.get(default)
            attribute = name[0].lower() + name[1:]
            value = float(default) if value is None else value
            found.setdefault(f"{table}T", []).append((attribute, int(slot), _CODES[kind], value))
    for fields in found.values():
        fields.sort(key=lambda field: -struct.calcsize(f"<{field[2] or 'I'}"))
    return found


TABLES = _tables()


def write(model: Any) -> bytes:
    """A whole file.

    Raises:
        struct.error, OverflowError, TypeError, AttributeError, ValueError: if it holds what the
            format has no room for.
    """
    out = bytearray(8)
    out[4:8] = IDENTIFIER
    position = _table(out, model)
    struct.pack_into("<I", out, 0, position)
    return bytes(out)


def _table(out: bytearray, item: Any) -> int:
    """Writes a table and what it leads to; returns its position."""
    fields = TABLES.get(type(item).__name__, ())
    slots: dict[int, int] = {}
    content, waiting = bytearray(4), []
    for attribute, slot, code, default in fields:
        value = getattr(item, attribute)
        if value is None or (code and value == default):
            continue
        size = struct.calcsize(f"<{code or 'I'}")
        content += bytes(-len(content) % size)
        slots[slot] = len(content)
        if code:
            content += struct.pack(f"<{code}", value)
        else:
            waiting.append((len(content), attribute, value))
            content += bytes(4)
    count = max(slots, default=-1) + 1
    vtable = struct.pack(
        f"<{count + 2}H", 4 + 2 * count, len(content), *(slots.get(i, 0) for i in range(count))
    )
    # The table lies on a multiple of 8, so that its numbers do too.
    out += bytes(-(len(out) + len(vtable)) % 8)
    out += vtable
    position = len(out)
    struct.pack_into("<i", content, 0, len(vtable))
    out += content
    for place, attribute, value in waiting:
        target = _child(out, attribute, value)
        struct.pack_into("<I", out, position + place, target - position - place)
    return position


def _child(out: bytearray, attribute: str, value: Any) -> int:
    if isinstance(value, str | bytes):
        text = value.encode() if isinstance(value, str) else value
        return _vector(out, len(text), text + b"\0", 4)
    if not isinstance(value, list | tuple | np.ndarray):
        return _table(out, value)
    if len(value) and hasattr(value[0], "__dict__"):
        position = _vector(out, len(value), bytes(4 * len(value)), 4)
        for number, item in enumerate(value):
            slot = position + 4 + 4 * number
            struct.pack_into("<I", out, slot, _table(out, item) - slot)
        return position
    dtype = np.dtype(f"<{_NUMBERS.get(attribute, 'i4')}")
    numbers = np.asarray(value)
    if len(numbers) and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if int(numbers.min()) < limits.min or int(numbers.max()) > limits.max:
            raise OverflowError(f"{attribute} holds numbers beyond {dtype}")
    data = numbers.astype(dtype).tobytes()
    alignment = _ALIGNMENT if attribute == "data" else max(dtype.itemsize, 4)
    return _vector(out, len(value), data, alignment)


def _vector(out: bytearray, count: int, data: bytes, alignment: int) -> int:
    """Writes a length and what follows it, which lies aligned."""
    out += bytes(-(len(out) + 4) % alignment)
    position = len(out)
    out += struct.pack("<I", count)
    out += data
    out += bytes(-len(out) % 4)
    return position
