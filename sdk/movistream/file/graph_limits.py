"""Bounds the memory and the time that a step of a graph takes.

A few numbers in a file can ask for gigabytes, or for hours. The bounds are several times what the
largest of the known stream models needs for a frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from movistream.file.flatbuffer import MalformedError
from movistream.file.tensors import OPTIONAL_TENSOR, Operator, Tensor

_MOST_BYTES_AT_ONCE = 2**28
_MOST_BYTES_IN_ALL = 2**31
_MOST_WEIGHT_BYTES = 3 * 2**27
_MOST_WORKSPACE_BYTES = 2**27
_MOST_MULTIPLY_ADDS = 2**34
_POINTER_BYTES = 8


def check_limits(
    tensors: Sequence[Tensor],
    inputs: Sequence[int],
    outputs: Sequence[int],
    operators: Sequence[Operator],
) -> None:
    """Checks a graph whose operators have been checked.

    Raises:
        MalformedError: if a step takes more memory or arithmetic than any stream model.
    """
    computed = [index for operator in operators for index in operator.outputs]
    sizes = {index: tensors[index].bytes for index in (*inputs, *computed)}
    total = sum(sizes.values())
    at_once = _most_at_once(sizes, inputs, outputs, operators)
    workspace = max((_workspace_bytes(tensors, operator) for operator in operators), default=0)
    work = sum(_multiply_adds(tensors, operator) for operator in operators)
    for amount, most, what in (
        (at_once, _MOST_BYTES_AT_ONCE, "bytes of memory at once"),
        (total, _MOST_BYTES_IN_ALL, "bytes of tensors"),
        (_weight_bytes(tensors, operators), _MOST_WEIGHT_BYTES, "bytes of weights"),
        (workspace, _MOST_WORKSPACE_BYTES, "bytes of workspace"),
        (work, _MOST_MULTIPLY_ADDS, "multiplications"),
    ):
        if amount > most:
            raise MalformedError(f"a step takes {amount} {what}, more than {most}")


def _most_at_once(
    sizes: dict[int, int],
    inputs: Sequence[int],
    outputs: Sequence[int],
    operators: Sequence[Operator],
) -> int:
    """Bytes of the tensors that are alive together, at most; inputs and outputs are always."""
    kept = {*inputs, *outputs}
    last = {index: place for place, op in enumerate(operators) for index in op.inputs}
    now = most = sum(sizes.get(index, 0) for index in kept)
    for place, operator in enumerate(operators):
        written = [index for index in operator.outputs if index not in kept]
        now += sum(sizes[index] for index in written)
        most = max(most, now)
        over = {index for index in operator.inputs if last[index] == place and index not in kept}
        over |= {index for index in written if index not in last}
        now -= sum(sizes.get(index, 0) for index in over)
    return most


def _weight_bytes(tensors: Sequence[Tensor], operators: Sequence[Operator]) -> int:
    """Engines copy a constant for every operator that reads it, though the file holds it once."""
    fixed = {tensor.index for tensor in tensors if tensor.constant}
    total = 0
    for operator in operators:
        total += sum(tensors[index].bytes for index in operator.inputs if index in fixed)
        if operator.name == "DEQUANTIZE" and operator.inputs[0] in fixed:
            fixed.update(operator.outputs)
            total += tensors[operator.outputs[0]].bytes
    return total


def window_size(tensors: Sequence[Tensor], operator: Operator) -> int:
    """Numbers of the input that an operator reads for one number of its result."""
    match operator.name:
        case "CONV_2D" | "FULLY_CONNECTED":
            return math.prod(tensors[operator.inputs[1]].shape[1:])
        case "DEPTHWISE_CONV_2D":
            return math.prod(tensors[operator.inputs[1]].shape[1:3])
        case "AVERAGE_POOL_2D" | "MAX_POOL_2D":
            return int(operator.options["filter_height"] * operator.options["filter_width"])
        case "BATCH_MATMUL":
            return tensors[operator.inputs[0]].shape[-2 if operator.options["adj_x"] else -1]
    return 1


def _multiply_adds(tensors: Sequence[Tensor], operator: Operator) -> int:
    read = max(
        math.prod(tensors[index].shape) for index in operator.inputs if index != OPTIONAL_TENSOR
    )
    written = sum(math.prod(tensors[index].shape) for index in operator.outputs)
    return max(read, written * window_size(tensors, operator))


def _workspace_bytes(tensors: Sequence[Tensor], operator: Operator) -> int:
    """Engines lay out a convolution's windows side by side, or pointers to them."""
    if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"):
        return 0
    result = tensors[operator.outputs[0]]
    positions = math.prod(result.shape[:3])
    return positions * window_size(tensors, operator) * _POINTER_BYTES
