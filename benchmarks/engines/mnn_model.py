"""Writes a step as MNN's file, without its converter: that one installs packages by itself.

The format is the FlatBuffers schema of MNN's ``schema/default``; a table is a dictionary here, from
the places of its fields to values. Every tensor is a frame in MNN's own layout, NC4HW4; a vector is
a frame of one pixel. So nothing is rearranged between operators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np

from engines.step import Operator, Step, fused_activations

_NC4HW4 = 2
_ONNX = 3
"""Whose shapes the operators have."""

_BINARY, _CONCAT, _CONVOLUTION, _DEPTHWISE, _INPUT, _POOLING = 7, 10, 12, 13, 34, 47
_RELU, _RELU6, _SIGMOID, _UNARY = 69, 70, 81, 101
"""Of the enumeration OpType."""
_HARD_SWISH = 31
"""Of UnaryOpOperation."""
_ADD, _SUBTRACT, _MULTIPLY = 0, 1, 2
"""Of BinaryOpOperation."""
_AXIS_MAIN, _BINARY_MAIN, _CONVOLUTION_MAIN, _INPUT_MAIN, _POOL_MAIN = 4, 6, 9, 21, 31
_RELU_MAIN, _RELU6_MAIN, _UNARY_MAIN = 51, 52, 70
"""Of the union OpParameter."""
_AVERAGE, _EXCLUDE_PADDING = 1, 2
_FLOAT = 1


@dataclass(frozen=True)
class Int:
    """A number of four bytes."""

    value: int


@dataclass(frozen=True)
class Byte:
    """A number of one byte, or a truth value."""

    value: int


@dataclass(frozen=True)
class Float:
    """A number in single precision."""

    value: float


Table = dict[int, Any]
"""Fields by their places: :class:`Int`, :class:`Byte`, :class:`Float`, text, another table, a list
of tables or of texts, or an array of numbers."""


class _Writer:
    """Tensors by their numbers, and operators as tables."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.numbers: dict[str, int] = {}
        self.operators: list[Table] = []
        self.fused = fused_activations(step, frozenset(("relu", "relu6")))

    def operator(
        self, kind: int, main: tuple[int, Table] | None, inputs: list[str], output: str
    ) -> str:
        """Adds an operator; returns its output."""
        self.numbers[output] = len(self.numbers)
        table: Table = {
            0: np.array([self.numbers[name] for name in inputs], np.int32),
            3: output,
            4: np.array([self.numbers[output]], np.int32),
            5: Int(kind),
            6: Byte(_NC4HW4),
        }
        if main is not None:
            table |= {1: Byte(main[0]), 2: main[1]}
        self.operators.append(table)
        return output

    def shape(self, name: str) -> tuple[int, ...]:
        """With the batch, and a vector as a frame of one pixel."""
        shape = self.step.shapes[name]
        return (1, *shape, 1, 1) if len(shape) == 1 else (1, *shape)

    def binary(self, number: int, inputs: list[str], output: str) -> str:
        """Adds an operator on two tensors."""
        return self.operator(
            _BINARY, (_BINARY_MAIN, {0: Int(number), 1: Int(_FLOAT)}), inputs, output
        )

    def convolution(
        self,
        inputs: list[str],
        output: str,
        kernel: np.ndarray,
        bias: np.ndarray,
        groups: int = 1,
        stride: tuple[int, int] = (1, 1),
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
        dilation: int = 1,
    ) -> str:
        """Adds a convolution; a kernel is (filters, channels / groups, height, width)."""
        filters, channels, height, width = kernel.shape
        fused = self.fused.get(output)
        function = None if fused is None else fused.options["function"]
        top, bottom, left, right = pads
        common: Table = {
            2: Int(width),
            3: Int(height),
            4: Int(stride[1]),
            5: Int(stride[0]),
            6: Int(1),
            7: Int(dilation),
            9: Int(groups),
            10: Int(filters),
            11: Int(channels * groups),
            12: Byte(function == "relu"),
            13: Byte(function == "relu6"),
            14: np.array([top, left, bottom, right], np.int32),
        }
        main = {0: common, 1: kernel.reshape(-1), 2: bias}
        kind = _CONVOLUTION if groups == 1 else _DEPTHWISE
        given = output if fused is None else fused.output
        return self.operator(kind, (_CONVOLUTION_MAIN, main), inputs, given)


def _convolution(writer: _Writer, op: Operator) -> None:
    weights = writer.step.weights
    options = op.options
    writer.convolution(
        list(op.inputs),
        op.output,
        weights[f"{op.output}.kernel"],
        weights[f"{op.output}.bias"],
        options["groups"],
        tuple(options["stride"]),
        tuple(options["pads"]),
    )


def _temporal(writer: _Writer, op: Operator) -> None:
    """The frames below each other, and a kernel whose taps are a frame's height apart."""
    kernel = writer.step.weights[f"{op.output}.kernel"]
    frames, channels = kernel.shape
    height = writer.shape(op.output)[2]
    axis = (_AXIS_MAIN, {0: Int(2)})
    stacked = writer.operator(_CONCAT, axis, list(op.inputs), f"{op.output}.stacked")
    writer.convolution(
        [stacked],
        op.output,
        kernel.T.reshape(channels, 1, frames, 1),
        writer.step.weights[f"{op.output}.bias"],
        groups=channels,
        dilation=height,
    )


def _dense(writer: _Writer, op: Operator) -> None:
    kernel = writer.step.weights[f"{op.output}.kernel"][..., None, None]
    writer.convolution(list(op.inputs), op.output, kernel, writer.step.weights[f"{op.output}.bias"])


def _activation(writer: _Writer, op: Operator) -> None:
    inputs = list(op.inputs)
    if inputs[0] in writer.fused:
        return
    match op.options["function"]:
        case "relu":
            writer.operator(_RELU, (_RELU_MAIN, {}), inputs, op.output)
        case "relu6":
            main = {0: Float(0.0), 1: Float(6.0)}
            writer.operator(_RELU6, (_RELU6_MAIN, main), inputs, op.output)
        case "hard_swish":
            main = {0: Int(_HARD_SWISH), 1: Int(_FLOAT)}
            writer.operator(_UNARY, (_UNARY_MAIN, main), inputs, op.output)
        case "sigmoid":
            writer.operator(_SIGMOID, None, inputs, op.output)
        case "swish":
            sigmoid = writer.operator(_SIGMOID, None, inputs, f"{op.output}.sigmoid")
            writer.binary(_MULTIPLY, [inputs[0], sigmoid], op.output)
        case other:
            raise ValueError(f"{other} has no operator here")


def _binary(number: int) -> Callable[[_Writer, Operator], None]:
    def rule(writer: _Writer, op: Operator) -> None:
        writer.binary(number, list(op.inputs), op.output)

    return rule


def _concatenate(writer: _Writer, op: Operator) -> None:
    writer.operator(_CONCAT, (_AXIS_MAIN, {0: Int(1)}), list(op.inputs), op.output)


def _average_pool(writer: _Writer, op: Operator) -> None:
    (height, width), (stride_y, stride_x) = op.options["size"], op.options["stride"]
    top, bottom, left, right = op.options["pads"]
    main: Table = {
        3: Int(width),
        4: Int(height),
        5: Int(stride_x),
        6: Int(stride_y),
        7: Byte(_AVERAGE),
        9: Int(_FLOAT),
        10: Byte(0),
        11: np.array([top, left, bottom, right], np.int32),
        12: Byte(_EXCLUDE_PADDING),
    }
    writer.operator(_POOLING, (_POOL_MAIN, main), list(op.inputs), op.output)


def _spatial_mean(writer: _Writer, op: Operator) -> None:
    main: Table = {2: Byte(1), 7: Byte(_AVERAGE), 9: Int(_FLOAT)}
    writer.operator(_POOLING, (_POOL_MAIN, main), list(op.inputs), op.output)


def _running_mean(writer: _Writer, op: Operator) -> None:
    x, before = op.inputs
    change = writer.binary(_SUBTRACT, [x, before], f"{op.output}.change")
    part = writer.binary(_MULTIPLY, [change, writer.step.frame_weight], f"{op.output}.part")
    writer.binary(_ADD, [before, part], op.output)


RULES: dict[str, Callable[[_Writer, Operator], None]] = {
    "convolution": _convolution,
    "temporal": _temporal,
    "dense": _dense,
    "activation": _activation,
    "add": _binary(_ADD),
    "multiply": _binary(_MULTIPLY),
    "concatenate": _concatenate,
    "average_pool": _average_pool,
    "spatial_mean": _spatial_mean,
    "running_mean": _running_mean,
}


def write(step: Step, path: Path) -> None:
    """Writes the float32 file."""
    writer = _Writer(step)
    for name in step.inputs:
        dims = np.array(writer.shape(name), np.int32)
        main = {0: dims, 1: Int(_FLOAT), 2: Byte(_NC4HW4)}
        writer.operator(_INPUT, (_INPUT_MAIN, main), [], name)
    for op in step.operators:
        RULES[op.kind](writer, op)
    names = list(writer.numbers)
    net: Table = {
        3: writer.operators,
        4: list(step.outputs),
        6: Byte(_ONNX),
        7: names,
        8: Int(len(names)),
    }
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(_offset(builder, net))
    path.write_bytes(builder.Output())


def _offset(builder: Any, value: Any) -> int:
    """Writes what is not a number itself; returns its place."""
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, np.ndarray):
        return int(builder.CreateNumpyVector(np.ascontiguousarray(value)))
    if isinstance(value, list):
        offsets = [_offset(builder, each) for each in value]
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())
    return _table(builder, value)


def _table(builder: Any, table: Table) -> int:
    offsets = {
        place: _offset(builder, value)
        for place, value in table.items()
        if not isinstance(value, Int | Byte | Float)
    }
    builder.StartObject(max(table, default=-1) + 1)
    for place, value in table.items():
        # Defaults are written too: the schema's are not known here.
        match value:
            case Int():
                builder.PrependInt32(value.value)
                builder.Slot(place)
            case Byte():
                builder.PrependInt8(value.value)
                builder.Slot(place)
            case Float():
                builder.PrependFloat32(value.value)
                builder.Slot(place)
            case _:
                builder.PrependUOffsetTRelativeSlot(place, offsets[place], 0)
    return int(builder.EndObject())
