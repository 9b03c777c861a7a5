"""What a model file may hold, as data: ``tflite.json`` beside this module.

The same file is read by the Java core. Source of names, codes and tables:
tensorflow/compiler/mlir/lite/schema/schema.fbs; what operators need is narrower than what engines
take, wherever stream models can do without.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from movistream.file.flatbuffer import Field

Range = tuple[int, int]
"""Lowest and highest."""


class Operand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator reads.

    Attributes:
        name: for messages.
        constant: it is a constant of the file, or dequantised from one.
        optional: it may be missing.
        repeated: there may be any number of it; it is the operator's only operand.
        ranks: numbers of dimensions; null for the operator's.
    """

    name: str
    constant: bool = False
    optional: bool = False
    repeated: bool = False
    ranks: Range | None = None


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator needs.

    Attributes:
        operands: in order.
        types: the combinations that engines take: of each operand, and last of the results.
            ``int8`` is quantised as a whole; ``int8[0]`` is a kernel with zero points 0 and one
            scale, or one for each entry of axis 0; ``int32[0]`` a bias with as many; others are
            not quantised.
        shape: the rule by which the results' shapes follow, of :data:`.shape_rules.SHAPE_RULES`.
        options: the table of options; null for none.
        quantization: of int8 results: ``free``; ``same`` as that of int8 operands; ``sum``: not
            finer than 2^-18 of the operands'; ``product``: at least a 255th of the input's times
            the kernel's; ``logistic`` and ``tanh``: the whole of (0, 1) and
            of (-1, 1).
        ranks: numbers of dimensions of operands and results.
        results: ``one``, or ``many`` of one type.
        sized_at_run_time: engines ask its operands' values for its result's size.
    """

    operands: tuple[Operand, ...]
    types: tuple[tuple[str, ...], ...]
    shape: str
    options: str | None = None
    quantization: Literal["free", "same", "sum", "product", "logistic", "tanh"] = "free"
    ranks: Range = (0, 5)
    results: Literal["one", "many"] = "one"
    sized_at_run_time: bool = False


class OptionsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table that an operator's options may be.

    Attributes:
        type: in the schema's union.
        optional: an operator may go without.
    """

    type: int
    optional: bool = False


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        tables: the fields of each table, in the schema's order.
        options: which of the tables are options of operators.
        operators: those that a model may use, without control flow, variables, randomness or
            custom code.
        operator_names: of all built-in operators, in the order of their codes.
    """

    tables: dict[str, tuple[Field, ...]]
    options: dict[str, OptionsTable]
    operators: dict[str, Rules]
    operator_names: tuple[str, ...]


FORMAT = msgspec.json.decode(Path(__file__).with_name("tflite.json").read_bytes(), type=Format)

OPTIONS_NAMES = {table.type: name for name, table in FORMAT.options.items()}
"""Names of options tables by their type in the schema's union."""

STREAM_OPERATORS = frozenset(FORMAT.operators)
"""Operators that a model may use."""

SIZING_OPERATORS = frozenset(
    name for name, rules in FORMAT.operators.items() if rules.sized_at_run_time
)
"""Operators whose results have sizes that engines learn from their inputs' values."""


def operator_name(code: int) -> str:
    """The name of a built-in operator; ``OPERATOR_n`` for one newer than this list."""
    names = FORMAT.operator_names
    return names[code] if 0 <= code < len(names) else f"OPERATOR_{code}"
