"""Mutations of a file's bytes: offsets, tables and lengths that no schema's class can write.

The schema is data here: for each table its fields in order, so that a place in the file has a
name, such as ``subgraphs[0].tensors[3].name`` and, of it, the offset, the length or the entry in a
vtable.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.fuzz.mutation import NotApplicableError, one_of

_SCHEMA = """
Model version:4 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string
  buffers:[Buffer] metadata_buffer:[4] metadata:[Metadata] signature_defs:[SignatureDef]
OperatorCode deprecated_builtin_code:1 custom_code:string version:4 builtin_code:4
SubGraph tensors:[Tensor] inputs:[4] outputs:[4] operators:[Operator] name:string debug:4
Tensor shape:[4] type:1 buffer:4 name:string quantization:Quantization is_variable:1 sparsity:Any
  shape_signature:[4] has_rank:1 variant_tensors:[Any] external_buffer:4
Quantization min:[4] max:[4] scale:[4] zero_point:[8] details_type:1 details:Any axis:4
Operator opcode_index:4 inputs:[4] outputs:[4] builtin_options_type:1 builtin_options:Any
  custom_options:[1] custom_options_format:1 mutating_variable_inputs:[1] intermediates:[4]
  large_custom_options_offset:8 large_custom_options_size:8 builtin_options_2_type:1
  builtin_options_2:Any debug:4
Buffer data:[1] offset:8 size:8
Metadata name:string buffer:4
SignatureDef inputs:[TensorMap] outputs:[TensorMap] signature_key:string unused:4 subgraph_index:4
TensorMap name:string tensor_index:4
Any
"""
TABLES: dict[str, list[tuple[str, str]]] = {}
for _line in re.sub(r"\n +", " ", _SCHEMA.strip()).splitlines():
    _table, *_fields = _line.split()
    TABLES[_table] = [(f.partition(":")[0], f.partition(":")[2]) for f in _fields]

_SOFFSET, _VTABLE, _OFFSET, _LENGTH, _SCALAR = "table", "vtable", "offset", "length", "scalar"


_MOST_PLACES = 20_000


@dataclass(frozen=True)
class Place:
    """Bytes of a file that mean something.

    Attributes:
        path: such as ``subgraphs[0].name``.
        kind: ``table`` is a table's way to its vtable, ``vtable`` an entry of that (its first two
            are sizes), ``offset`` leads to a table, vector or string, ``length`` counts a vector or
            string, ``scalar`` is a number in a table.
        position: in the file.
        size: in bytes.
    """

    path: str
    kind: str
    position: int
    size: int


def places(data: bytes) -> list[Place]:
    """All that a file is made of but the content of its vectors."""
    found = [Place("", _OFFSET, 0, 4)]
    _walk(data, _unsigned(data, 0, 4), "Model", "", found)
    return found


def _walk(data: bytes, table: int, kind: str, path: str, found: list[Place]) -> None:
    if len(found) > _MOST_PLACES:
        raise NotApplicableError  # A file that is spoiled already leads anywhere.
    vtable = table - struct.unpack_from("<i", data, table)[0]
    count = _unsigned(data, vtable, 2) // 2
    found.append(Place(path, _SOFFSET, table, 4))
    found += [Place(path, _VTABLE, vtable + 2 * i, 2) for i in range(count)]
    for index, (name, holds) in enumerate(TABLES[kind]):
        entry = _unsigned(data, vtable + 4 + 2 * index, 2) if index + 2 < count else 0
        if not entry:
            continue
        position, here = table + entry, f"{path}.{name}" if path else name
        if holds.isdigit():
            found.append(Place(here, _SCALAR, position, int(holds)))
            continue
        found.append(Place(here, _OFFSET, position, 4))
        target = position + _unsigned(data, position, 4)
        if holds in TABLES:
            _walk(data, target, holds, here, found)
            continue
        found.append(Place(here, _LENGTH, target, 4))
        item = holds.strip("[]")
        if item in TABLES:
            for number in range(min(_unsigned(data, target, 4), _MOST_PLACES)):
                slot = target + 4 + 4 * number
                found.append(Place(f"{here}[{number}]", _OFFSET, slot, 4))
                _walk(data, slot + _unsigned(data, slot, 4), item, f"{here}[{number}]", found)


def _unsigned(data: bytes, position: int, size: int) -> int:
    return int.from_bytes(data[position : position + size], "little")


RawEdit = Callable[[bytearray, Random], None]
RAW_MUTATIONS: dict[str, RawEdit] = {}


def raw_mutation(name: str) -> Callable[[RawEdit], RawEdit]:
    """Registers an edit of bytes under a name."""

    def register(edit: RawEdit) -> RawEdit:
        assert name not in RAW_MUTATIONS, name
        RAW_MUTATIONS[name] = edit
        return edit

    return register


def _general(path: str) -> str:
    return re.sub(r"\d+", "", path)


def _place(data: bytearray, random: Random, kind: str, ending: str = "") -> Place:
    """A place of a kind; rare fields as often as frequent ones."""
    return _rare(random, [p for p in _places_of(data, kind) if p.path.endswith(ending)])


def _rare(random: Random, fitting: list[Place]) -> Place:
    by_field: dict[str, list[Place]] = {}
    for place in fitting:
        by_field.setdefault(_general(place.path), []).append(place)
    return one_of(random, by_field[one_of(random, sorted(by_field))])


def _places_of(data: bytearray, kind: str) -> list[Place]:
    return [place for place in places(bytes(data)) if place.kind == kind]


def _write(data: bytearray, place: Place, value: int) -> None:
    mask = (1 << 8 * place.size) - 1
    data[place.position : place.position + place.size] = (value & mask).to_bytes(
        place.size, "little"
    )


def _an_offset(data: bytearray, random: Random, place: Place) -> int:
    size = len(data)
    old = _unsigned(bytes(data), place.position, 4)
    return random.choice(
        (
            0,
            1,
            2,
            4,
            old + 1,
            old + 2,
            old + 4,
            max(old - 4, 0),
            size - place.position,
            size - place.position - 1,
            size - place.position - 4,
            size - place.position + 4,
            2**31 - 1,
            2**31,
            2**32 - 1,
            2**32 - place.position,
            2**32 - 4,
            random.randrange(1, size),
        )
    )


@raw_mutation("raw-offset")
def _offset(data: bytearray, random: Random) -> None:
    place = _place(data, random, _OFFSET)
    _write(data, place, _an_offset(data, random, place))


@raw_mutation("raw-name-offset")
def _name_offset(data: bytearray, random: Random) -> None:
    ending = random.choice(("name", "signature_key", "custom_code", "description"))
    place = _place(data, random, _OFFSET, ending)
    _write(data, place, _an_offset(data, random, place))


@raw_mutation("raw-graph-name-offset")
def _graph_name_offset(data: bytearray, random: Random) -> None:
    fitting = [p for p in _places_of(data, _OFFSET) if _general(p.path) == "subgraphs[].name"]
    place = one_of(random, fitting)
    _write(data, place, _an_offset(data, random, place))


@raw_mutation("raw-offset-to-another")
def _another(data: bytearray, random: Random) -> None:
    """Something of one kind is taken for something of another."""
    place, other = _place(data, random, _OFFSET), _place(data, random, _OFFSET)
    target = other.position + _unsigned(bytes(data), other.position, 4)
    if target <= place.position:
        raise NotApplicableError
    _write(data, place, target - place.position)


@raw_mutation("raw-offset-to-its-like")
def _alike(data: bytearray, random: Random) -> None:
    """Two tables of a kind are one, two names are one."""
    offsets = _places_of(data, _OFFSET)
    place = _rare(random, offsets)
    like = [p for p in offsets if _general(p.path) == _general(place.path) and p != place]
    other = one_of(random, like)
    target = other.position + _unsigned(bytes(data), other.position, 4)
    if target <= place.position:
        raise NotApplicableError
    _write(data, place, target - place.position)


@raw_mutation("raw-length")
def _length(data: bytearray, random: Random) -> None:
    place = _place(data, random, _LENGTH)
    old = _unsigned(bytes(data), place.position, 4)
    left = len(data) - place.position - 4
    values = (0, 1, old + 1, old - 1, old * 2, left, left + 1, left // 4, left // 4 + 1, left // 8)
    far = (2**16, 2**24, 2**30, 2**30 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4)
    _write(data, place, random.choice((*values, *far)))


@raw_mutation("raw-vtable-entry")
def _vtable_entry(data: bytearray, random: Random) -> None:
    place = _place(data, random, _VTABLE)
    old = _unsigned(bytes(data), place.position, 2)
    values = (
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        8,
        old + 1,
        old + 2,
        old + 4,
        old - 4,
        255,
        32_767,
        65_535,
        65_532,
    )
    _write(data, place, random.choice(values))


@raw_mutation("raw-vtable-of-another")
def _vtable_other(data: bytearray, random: Random) -> None:
    """A table is read by the vtable of a table of another kind."""
    place, other = _place(data, random, _SOFFSET), _place(data, random, _SOFFSET)
    vtable = other.position - struct.unpack_from("<i", data, other.position)[0]
    _write(data, place, place.position - vtable)


@raw_mutation("raw-vtable-far")
def _vtable_far(data: bytearray, random: Random) -> None:
    place = _place(data, random, _SOFFSET)
    old = struct.unpack_from("<i", data, place.position)[0]
    edge = place.position - len(data)
    values = (0, 1, -1, old + 1, old + 2, old - 2, edge, edge + 2, edge + 4, place.position)
    _write(data, place, random.choice((*values, 2**31 - 1, -(2**31), place.position + 4)))


@raw_mutation("raw-scalar")
def _scalar(data: bytearray, random: Random) -> None:
    place = _place(data, random, _SCALAR)
    values = (0, 1, 2, 3, 127, 128, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
    _write(data, place, random.choice(values))


@raw_mutation("raw-moved-to-the-end")
def _moved(data: bytearray, random: Random) -> None:
    """A vector or string, at the end of the file, out of alignment and without what ends it."""
    length = _place(data, random, _LENGTH)
    place = one_of(random, [p for p in _places_of(data, _OFFSET) if p.path == length.path])
    item = {name: holds for fields in TABLES.values() for name, holds in fields}
    holds = item.get(re.sub(r".*\.|\[\d+\]", "", place.path), "[1]").strip("[]")
    width = int(holds) if holds.isdigit() else 1
    if holds in TABLES:
        raise NotApplicableError
    count = _unsigned(bytes(data), length.position, 4)
    content = bytes(data[length.position : length.position + 4 + count * width])
    aligned_to = random.choice((1, 4, 4096))
    if aligned_to == 4096:
        data += bytes(-(len(data) + len(content)) % 4096)
    else:
        data += bytes(random.randrange(4)) if aligned_to == 1 else bytes(-len(data) % 4)
    _write(data, place, len(data) - place.position)
    data += content


@raw_mutation("raw-cut")
def _cut(data: bytearray, random: Random) -> None:
    del data[len(data) - random.choice((1, 4, 16, 100)) :]


@raw_mutation("raw-appended")
def _appended(data: bytearray, random: Random) -> None:
    data += random.randbytes(random.choice((1, 3, 16, 5000)))


@raw_mutation("raw-bytes")
def _bytes(data: bytearray, random: Random) -> None:
    """Some bytes of the structure, whatever they mean."""
    place = one_of(random, places(bytes(data)))
    for _ in range(random.randint(1, 4)):
        at = place.position + random.randrange(8)
        if at < len(data):
            data[at] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))


@raw_mutation("raw-options-table")
def _options_table(data: bytearray, random: Random) -> None:
    """The table of an operator's options, whose fields no list here names."""
    found = _place(data, random, _SOFFSET, "builtin_options")
    vtable = found.position - struct.unpack_from("<i", data, found.position)[0]
    size = _unsigned(bytes(data), vtable, 2)
    kind = random.randrange(3)
    if kind == 0 and size > 4:
        entry = Place("", _VTABLE, vtable + random.randrange(4, size, 2), 2)
        _write(data, entry, random.choice((0, 2, 3, 4, 5, 7, 8, 40, 65_535)))
    elif kind == 1:
        extent = _unsigned(bytes(data), vtable + 2, 2)
        for at in range(found.position + 4, min(found.position + extent, len(data))):
            data[at] = random.choice((0, 1, 127, 128, 255))
    else:
        entry = Place("", _VTABLE, vtable + random.choice((0, 2)), 2)
        _write(data, entry, random.choice((0, 2, 4, 5, 6, 8, 400, 65_535)))
