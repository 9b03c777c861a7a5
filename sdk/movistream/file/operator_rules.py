"""Checks that every operator of a graph fits its operands and results.

Engines trust much of what a file says: that an operand which they need is there, that a bias has as
many numbers as its kernel has channels, that a result is as large as the file declares. What each
operator needs is data (:mod:`.operators`); a file that breaks it is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from movistream.file.flatbuffer import Bytes, MalformedError
from movistream.file.operators import FORMAT, OPTIONS_NAMES, Operand, Rules
from movistream.file.shape_rules import SHAPE_RULES, Call, Shape, ShapeError
from movistream.file.tensors import OPTIONAL_TENSOR, Operator, Quantization, Tensor

_MOST_REPEATED = 1000
_SCALES = (2.0**-30, 2.0**30)
"""Of activations; beyond, engines' own arithmetic of scales overflows."""
_FINEST_SUM = 2.0**-18
"""TFLite shifts operands of a sum by 20 bits, and ends the process if that does not suffice."""
_COARSEST_PRODUCT = 255.0
"""XNNPACK refuses 256 while it builds a graph, and LiteRT 2.3 frees memory twice then."""
_FIXED = {"logistic": (1 / 256, -128), "tanh": (1 / 128, 0)}
_ONLY_CONSTANT = ("float16", "int4")


def check_operators(tensors: Sequence[Tensor], operators: Sequence[Operator], data: Bytes) -> None:
    """Checks all operators of a graph, in execution order.

    Args:
        tensors: of the graph.
        operators: each reads what is there when it runs.
        data: the file's bytes.

    Raises:
        MalformedError: if one does not fit; names it.
    """
    producers: dict[int, Operator] = {}
    for position, operator in enumerate(operators):
        try:
            _check(_Use(tensors, operator, producers, data))
        except ShapeError as error:
            raise MalformedError(f"operator {position} ({operator.name}): {error}") from None
        producers.update(dict.fromkeys(operator.outputs, operator))


class _Use:
    """One operator with all that it may be asked about."""

    def __init__(
        self,
        tensors: Sequence[Tensor],
        operator: Operator,
        producers: Mapping[int, Operator],
        data: Bytes,
    ) -> None:
        self.operator = operator
        self.rules = FORMAT.operators[operator.name]
        self.operands = [
            None if index == OPTIONAL_TENSOR else tensors[index] for index in operator.inputs
        ]
        self.results = [tensors[index] for index in operator.outputs]
        self._tensors = tensors
        self._producers = producers
        self._data = data

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether its values are in the file, perhaps in a smaller type."""
        if tensor.constant:
            return True
        producer = self._producers.get(tensor.index)
        return (
            producer is not None
            and producer.name == "DEQUANTIZE"
            and self._tensors[producer.inputs[0]].constant
        )

    def values(self, operand: int) -> tuple[int, ...] | None:
        """See :class:`.shape_rules.Call`."""
        tensor = self.operands[operand]
        return None if tensor is None else self._values(tensor)

    def distance(self, first: int, second: int) -> int | None:
        """See :class:`.shape_rules.Call`."""
        one, other = self.operands[first], self.operands[second]
        assert one is not None
        assert other is not None
        start, end = self._values(one), self._values(other)
        if start is not None and end is not None:
            return end[0] - start[0]
        producer = self._producers.get(other.index)
        if producer is None or producer.name != "ADD" or producer.inputs[0] != one.index:
            return None
        added = self._values(self._tensors[producer.inputs[1]])
        return None if added is None or producer.options["fused_activation_function"] else added[0]

    def _values(self, tensor: Tensor) -> tuple[int, ...] | None:
        if tensor.position is None or tensor.dtype not in ("int32", "int64"):
            return None
        dtype = np.dtype(tensor.dtype).newbyteorder("<")
        count = tensor.bytes // dtype.itemsize
        return tuple(np.frombuffer(self._data, dtype, count, tensor.position).tolist())


def _check(use: _Use) -> None:
    rules, operator = use.rules, use.operator
    _check_options(rules, operator)
    _check_operands(use)
    _check_types(use)
    _check_quantization(use)
    call = Call(
        tuple(None if tensor is None else tensor.shape for tensor in use.operands),
        operator.options,
        len(use.results),
        use.values,
        use.distance,
    )
    expected: list[Shape] = SHAPE_RULES[rules.shape](call)
    for tensor, shape in zip(use.results, expected, strict=True):
        if tensor.shape != shape:
            raise ShapeError(
                f"it gives {list(shape)}, and the file says {list(tensor.shape)} of {tensor.name!r}"
            )


def _check_options(rules: Rules, operator: Operator) -> None:
    table = None if rules.options is None else FORMAT.options[rules.options]
    if operator.options_type == 0 and (table is None or table.optional):
        return
    if table is None or operator.options_type != table.type:
        found = OPTIONS_NAMES.get(operator.options_type, f"of type {operator.options_type}")
        raise ShapeError(f"it has the options {found}, not {rules.options}")


def _check_operands(use: _Use) -> None:
    rules, operands, results = use.rules, use.operands, use.results
    expected = _expected_operands(rules, len(operands))
    if len(operands) > len(expected) or not operands:
        raise ShapeError(f"it has {len(operands)} operands")
    for number, needed in enumerate(expected):
        tensor = operands[number] if number < len(operands) else None
        if tensor is None:
            if not needed.optional:
                raise ShapeError(f"its {needed.name} is missing")
            continue
        _check_rank(tensor, needed.name, needed.ranks or rules.ranks)
        if needed.constant and not use.is_constant(tensor):
            raise ShapeError(f"its {needed.name} is not a constant")
    if (len(results) != 1 and rules.results == "one") or not results:
        raise ShapeError(f"it has {len(results)} results")
    for tensor in results:
        _check_rank(tensor, "result", rules.ranks)


def _expected_operands(rules: Rules, count: int) -> Sequence[Operand]:
    if not rules.operands[0].repeated:
        return rules.operands
    return rules.operands * min(max(count, 1), _MOST_REPEATED)


def _check_rank(tensor: Tensor, name: str, ranks: tuple[int, int]) -> None:
    if not ranks[0] <= len(tensor.shape) <= ranks[1]:
        raise ShapeError(f"its {name} has {len(tensor.shape)} dimensions")


def _check_types(use: _Use) -> None:
    if any(_fits_all(use, types) for types in use.rules.types):
        return
    operands = ", ".join("none" if t is None else _described(t) for t in use.operands)
    results = ", ".join(sorted({_described(t) for t in use.results}))
    raise ShapeError(f"it does not take {operands} to {results}")


def _fits_all(use: _Use, types: tuple[str, ...]) -> bool:
    *given, result = types
    if use.rules.operands[0].repeated:
        given = given * len(use.operands)
    return all(_fits(tensor, result) for tensor in use.results) and all(
        tensor is None or _fits(tensor, wanted)
        for tensor, wanted in zip(use.operands, given, strict=False)
    )


def _fits(tensor: Tensor, wanted: str) -> bool:
    """Whether a tensor is of a type of the table, see :class:`.operators.Rules`."""
    dtype, axis = _parsed(wanted)
    quantization = tensor.quantization
    if tensor.dtype != dtype:
        return False
    if axis is not None:
        return _is_weight(tensor, quantization, axis)
    if dtype == "int8":
        return quantization is not None and _is_activation(quantization)
    return (quantization is None or dtype == "float32") and (
        tensor.constant or dtype not in _ONLY_CONSTANT
    )


@cache
def _parsed(wanted: str) -> tuple[str, int | None]:
    """A type's dtype, and the axis that a weight's scales are of."""
    dtype, is_weight, axis = wanted.partition("[")
    return dtype, int(axis[0]) if is_weight else None


def _is_weight(tensor: Tensor, quantization: Quantization | None, axis: int) -> bool:
    return (
        tensor.constant
        and quantization is not None
        and (quantization.symmetric or tensor.dtype == "int32")
        and (quantization.channels == 1 or quantization.axis == axis)
    )


def _is_activation(quantization: Quantization) -> bool:
    lowest, highest = _SCALES
    return (
        quantization.channels == 1
        and lowest <= quantization.scale <= highest
        and -128 <= quantization.zero_point <= 127
    )


def _check_quantization(use: _Use) -> None:
    rule = use.rules.quantization
    results = [tensor.quantization for tensor in use.results if tensor.dtype == "int8"]
    operands = [
        tensor.quantization
        for tensor in use.operands
        if tensor is not None and tensor.dtype == "int8"
    ]
    for result in results:
        assert result is not None
        if rule in _FIXED and (result.scale, result.zero_point) != _FIXED[rule]:
            raise ShapeError(f"its result has the scale {result.scale:g}, which is not its own")
        for operand in operands:
            assert operand is not None
            if rule == "same" and _pair(operand) != _pair(result):
                raise ShapeError("its result has another quantisation than its operands")
            if rule == "product":
                _check_product(operand, use.operands[1], result)
            if rule == "sum" and result.scale < operand.scale * _FINEST_SUM:
                raise ShapeError("its result has a far finer scale than its operands")


def _check_product(operand: Quantization, kernel: Tensor | None, result: Quantization) -> None:
    assert kernel is not None
    assert kernel.quantization is not None
    product = operand.scale * kernel.quantization.largest_scale
    if product >= result.scale * _COARSEST_PRODUCT:
        raise ShapeError("its result has a far finer scale than its products")


def _pair(quantization: Quantization) -> tuple[float, int]:
    return quantization.scale, quantization.zero_point


def _described(tensor: Tensor) -> str:
    quantization = tensor.quantization
    if quantization is None:
        return tensor.dtype
    channels = quantization.channels
    return f"{tensor.dtype} ({channels} scale{'s' if channels > 1 else ''})"
