"""Writes a step as ONNX, channels first, and makes int8 of it as ONNX Runtime does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.step import Operator, Step

OPSET = 17


class _Writer:
    """Nodes and constants."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Adds a node; returns its output."""
        made = helper.make_node(kind, inputs, [output], name=f"{output}/{kind}", **attributes)
        self.nodes.append(made)
        return output

    def constant(self, name: str, value: Any) -> str:
        """Adds a constant; returns its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, name: str, shape: tuple[int, ...] | None = None) -> str:
        """Adds a weight of the step, perhaps in another shape."""
        value = self.step.weights[name]
        return self.constant(name, value if shape is None else value.reshape(shape))

    def frame(self, name: str) -> str:
        """A tensor as a frame: a vector gets one pixel."""
        if len(self.step.shapes[name]) == 3:
            return name
        axes = self.constant(f"{name}.axes", np.array([2, 3]))
        return self.node("Unsqueeze", [name, axes], f"{name}.frame")


def _convolution(writer: _Writer, op: Operator) -> None:
    top, bottom, left, right = op.options["pads"]
    kernel = writer.step.weights[f"{op.output}.kernel"]
    inputs = [
        op.inputs[0],
        writer.weight(f"{op.output}.kernel"),
        writer.weight(f"{op.output}.bias"),
    ]
    writer.node(
        "Conv",
        inputs,
        op.output,
        kernel_shape=kernel.shape[2:],
        strides=op.options["stride"],
        pads=[top, left, bottom, right],
        group=op.options["groups"],
    )


def _temporal(writer: _Writer, op: Operator) -> None:
    """The frames as rows of one image: a depthwise kernel of as many rows."""
    kernel = writer.step.weights[f"{op.output}.kernel"]
    frames, channels = kernel.shape
    shape = writer.step.shapes[op.output]
    pixels = int(np.prod(shape[1:]))
    row = writer.constant(f"{op.output}.row", np.array([1, channels, 1, pixels]))
    rows = [
        writer.node("Reshape", [name, row], f"{op.output}.row_{index}")
        for index, name in enumerate(op.inputs)
    ]
    stacked = writer.node("Concat", rows, f"{op.output}.stacked", axis=2)
    weight = writer.constant(f"{op.output}.kernel", kernel.T.reshape(channels, 1, frames, 1).copy())
    bias = writer.weight(f"{op.output}.bias")
    name = f"{op.output}.pixels"
    writer.node("Conv", [stacked, weight, bias], name, kernel_shape=[frames, 1], group=channels)
    whole = writer.constant(f"{op.output}.shape", np.array([1, *shape]))
    writer.node("Reshape", [name, whole], op.output)


def _dense(writer: _Writer, op: Operator) -> None:
    weight, bias = writer.weight(f"{op.output}.kernel"), writer.weight(f"{op.output}.bias")
    writer.node("Gemm", [op.inputs[0], weight, bias], op.output, transB=1)


def _activation(writer: _Writer, op: Operator) -> None:
    x = op.inputs[0]
    match op.options["function"]:
        case "relu":
            writer.node("Relu", [x], op.output)
        case "relu6":
            low = writer.constant(f"{op.output}.low", np.float32(0))
            high = writer.constant(f"{op.output}.high", np.float32(6))
            writer.node("Clip", [x, low, high], op.output)
        case "hard_swish":
            writer.node("HardSwish", [x], op.output)
        case "sigmoid":
            writer.node("Sigmoid", [x], op.output)
        case "swish":
            sigmoid = writer.node("Sigmoid", [x], f"{op.output}.sigmoid")
            writer.node("Mul", [x, sigmoid], op.output)
        case other:
            raise ValueError(f"{other} has no ONNX here")


def _binary(kind: str) -> Callable[[_Writer, Operator], None]:
    def rule(writer: _Writer, op: Operator) -> None:
        names = list(op.inputs)
        if len({len(writer.step.shapes[name]) for name in names}) > 1:
            names = [writer.frame(name) for name in names]
        writer.node(kind, names, op.output)

    return rule


def _concatenate(writer: _Writer, op: Operator) -> None:
    writer.node("Concat", list(op.inputs), op.output, axis=1)


def _slice(writer: _Writer, op: Operator) -> None:
    bounds = {"starts": op.options["start"], "ends": op.options["end"], "axes": 1}
    constants = [
        writer.constant(f"{op.output}.{name}", np.array([value])) for name, value in bounds.items()
    ]
    writer.node("Slice", [op.inputs[0], *constants], op.output)


def _average_pool(writer: _Writer, op: Operator) -> None:
    top, bottom, left, right = op.options["pads"]
    writer.node(
        "AveragePool",
        list(op.inputs),
        op.output,
        kernel_shape=op.options["size"],
        strides=op.options["stride"],
        pads=[top, left, bottom, right],
        count_include_pad=0,
    )


def _spatial_mean(writer: _Writer, op: Operator) -> None:
    mean = writer.node("GlobalAveragePool", list(op.inputs), f"{op.output}.frame")
    writer.node("Flatten", [mean], op.output, axis=1)


def _running_mean(writer: _Writer, op: Operator) -> None:
    x, before = op.inputs
    change = writer.node("Sub", [x, before], f"{op.output}.change")
    part = writer.node("Mul", [change, writer.step.frame_weight], f"{op.output}.part")
    writer.node("Add", [before, part], op.output)


RULES: dict[str, Callable[[_Writer, Operator], None]] = {
    "convolution": _convolution,
    "temporal": _temporal,
    "dense": _dense,
    "activation": _activation,
    "add": _binary("Add"),
    "multiply": _binary("Mul"),
    "concatenate": _concatenate,
    "slice": _slice,
    "average_pool": _average_pool,
    "spatial_mean": _spatial_mean,
    "running_mean": _running_mean,
}


def write_float(step: Step, path: Path) -> None:
    """Writes the float32 model."""
    writer = _Writer(step)
    for op in step.operators:
        RULES[op.kind](writer, op)

    def described(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *step.shapes[name]])

    graph = helper.make_graph(
        writer.nodes,
        "step",
        [described(name) for name in step.inputs],
        [described(name) for name in step.outputs],
        writer.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_int8(step: Step, model: Path, path: Path, frames: np.ndarray) -> None:
    """Quantises a written model with ONNX Runtime's own tool.

    Args:
        frames: (videos, frames, height, width, 3) to calibrate with, as the network sees them.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """All that a stream over the frames is given, step by step."""

        def __init__(self) -> None:
            self._steps = _inputs(step, model, frames)

        def get_next(self) -> dict[str, Any] | None:
            return next(self._steps, None)

    activations, *parts = path.stem.split(".")
    prepared = path.with_suffix(".prepared.onnx")
    quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(path),
        Reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"] if "convolutions" in parts else None,
        per_channel=True,
        activation_type=QuantType.QInt8 if activations == "s8s8" else QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def _inputs(step: Step, model: Path, frames: np.ndarray) -> Any:
    """What each step of a stream is given, as arrays by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    for video in frames:
        values = {name: np.zeros((1, *step.shapes[name]), np.float32) for name in step.inputs}
        for index, frame in enumerate(video):
            values[step.image] = frame.transpose(2, 0, 1)[None]
            if step.frame_weight:
                values[step.frame_weight] = np.full((1, 1), 1 / (index + 1), np.float32)
            yield dict(values)
            outputs = dict(zip(step.outputs, session.run(step.outputs, values), strict=True))
            for state in step.states:
                kept = [*(values[name] for name in state.inputs[1:]), outputs[state.output]]
                values.update(zip(state.inputs, kept, strict=True))
