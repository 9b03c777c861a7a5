"""Writes a step as ncnn's files: a list of layers as text, and their weights.

The format is https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure. A blob is read by
one layer at most, so ``Split`` layers give every reader, and whoever steps, one of their own.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.step import Operator, Step, fused_activations

_MAGIC = 7767517
_FLOAT32_TAG, _INT8_TAG = 0, 0x000D4B38
_ADD, _SUBTRACT, _MULTIPLY = 0, 1, 2
_ACTIVATIONS: dict[str, tuple[int, tuple[float, ...]]] = {
    "relu": (1, ()),
    "relu6": (3, (0.0, 6.0)),
    "sigmoid": (4, ()),
    "hard_swish": (6, (1 / 6, 0.5)),
}
"""What layers with weights apply themselves, with its parameters."""
_LAYERS: dict[str, tuple[str, str]] = {
    "relu": ("ReLU", ""),
    "relu6": ("Clip", "0=0.0 1=6.0"),
    "sigmoid": ("Sigmoid", ""),
    "swish": ("Swish", ""),
    "hard_swish": ("HardSwish", f"0={1 / 6:.8e} 1=0.5"),
}


@dataclass(frozen=True)
class Int8:
    """What is computed in int8.

    Attributes:
        depthwise: whether depthwise convolutions are.
        dense: whether layers on vectors are.
        chains: whether a layer hands int8 numbers to the next where that is all that reads them.
    """

    depthwise: bool = True
    dense: bool = True
    chains: bool = True


class _Writer:
    """Layers as lines, weights as bytes."""

    def __init__(self, step: Step, int8: Int8 | None, products: bool) -> None:
        self.step, self.int8, self.products = step, int8, products
        self.lines: list[tuple[str, str, list[str], list[str], str]] = []
        self.weights: list[bytes] = []
        self.fused = fused_activations(step, frozenset(_ACTIVATIONS))

    def layer(self, kind: str, inputs: list[str], outputs: list[str], parameters: str = "") -> str:
        """Adds a layer, named as its first output; returns it."""
        self.lines.append((kind, outputs[0], inputs, outputs, parameters))
        return outputs[0]

    def vector_as_frame(self, name: str) -> str:
        """A vector as a frame of one pixel."""
        channels = self.step.shapes[name][0]
        return self.layer("Reshape", [name], [f"{name}.frame"], f"0=1 1=1 2={channels}")

    def activation(self, op: Operator) -> str:
        """Parameters of the activation that a layer with weights applies."""
        if op.output not in self.fused:
            return ""
        number, values = _ACTIVATIONS[self.fused[op.output].options["function"]]
        listed = "".join(f",{value:.8e}" for value in values)
        return f" 9={number}" + (f" -23310={len(values)}{listed}" if values else "")

    def output(self, op: Operator) -> str:
        """What a layer with weights gives: its activation's output, where it applies that."""
        return self.fused[op.output].output if op.output in self.fused else op.output

    def kernel(self, op: Operator, kernel: np.ndarray) -> str:
        """Writes kernel, bias, and in int8 the scales; returns the parameters that say so."""
        bias = self.step.weights[f"{op.output}.bias"]
        if not self.is_int8(op):
            self.weights += [struct.pack("<I", _FLOAT32_TAG), kernel.astype("<f4").tobytes()]
            self.weights.append(bias.astype("<f4").tobytes())
            return f"5=1 6={kernel.size}" if op.kind != "dense" else f"1=1 2={kernel.size}"
        rows = kernel.reshape(len(bias), -1)
        scales = 127 / np.maximum(np.abs(rows).max(1), 1e-9)
        stored = np.clip(np.round(rows * scales[:, None]), -127, 127).astype(np.int8).tobytes()
        self.weights += [struct.pack("<I", _INT8_TAG), stored, bytes(-len(stored) % 4)]
        self.weights.append(bias.astype("<f4").tobytes())
        self.weights.append(scales.astype("<f4").tobytes())
        self.weights.append(struct.pack("<f", self.scale(op.inputs[0])))
        term = 1 if op.options.get("groups", 1) > 1 else 2
        if (reader := self.int8_reader(op)) is not None:
            self.weights.append(struct.pack("<f", self.scale(reader.inputs[0])))
            term += 100
        return f"5=1 6={kernel.size} 8={term}" if op.kind != "dense" else f"1=1 2={kernel.size} 8=2"

    def scale(self, name: str) -> float:
        """Steps of int8 for a unit of a tensor."""
        low, high = self.step.ranges[name]
        return 127 / max(abs(low), abs(high), 1e-9)

    def is_int8(self, op: Operator) -> bool:
        """Whether a layer is computed in int8."""
        if self.int8 is None or op.kind not in ("convolution", "dense"):
            return False
        if op.kind == "dense":
            return self.int8.dense
        return self.int8.depthwise or op.options["groups"] == 1

    def int8_reader(self, op: Operator) -> Operator | None:
        """The only layer that reads a convolution, if both may speak int8 to each other."""
        assert self.int8 is not None
        output = self.output(op)
        readers = [each for each in self.step.operators if output in each.inputs]
        if not self.int8.chains or op.kind != "convolution" or output in self.step.outputs:
            return None
        if len(readers) != 1 or readers[0].kind != "convolution" or not self.is_int8(readers[0]):
            return None
        return readers[0]


def _convolution(writer: _Writer, op: Operator) -> None:
    kernel = writer.step.weights[f"{op.output}.kernel"]
    filters, _, height, width = kernel.shape
    (stride_y, stride_x), groups = op.options["stride"], op.options["groups"]
    top, bottom, left, right = op.options["pads"]
    weights = writer.kernel(op, kernel)
    writer.layer(
        "Convolution" if groups == 1 else "ConvolutionDepthWise",
        list(op.inputs),
        [writer.output(op)],
        f"0={filters} 1={width} 11={height} 3={stride_x} 13={stride_y}"
        f" 4={left} 14={top} 15={right} 16={bottom} {weights}"
        + (f" 7={groups}" if groups > 1 else "")
        + writer.activation(op),
    )


def _temporal(writer: _Writer, op: Operator) -> None:
    """The frames as rows of one image, and a depthwise kernel of as many rows; or products of
    frames and numbers, added up."""
    if writer.products:
        _temporal_products(writer, op)
        return
    kernel = writer.step.weights[f"{op.output}.kernel"]
    frames, channels = kernel.shape
    _, height, width = writer.step.shapes[op.output]
    row = f"0={height * width} 1=1 2={channels}"
    rows = [
        writer.layer("Reshape", [name], [f"{op.output}.row_{index}"], row)
        for index, name in enumerate(op.inputs)
    ]
    stacked = writer.layer("Concat", rows, [f"{op.output}.stacked"], "0=1")
    weights = writer.kernel(op, kernel.T.copy())
    pixels = writer.layer(
        "ConvolutionDepthWise",
        [stacked],
        [f"{op.output}.pixels"],
        f"0={channels} 1=1 11={frames} {weights} 7={channels}" + writer.activation(op),
    )
    whole = f"0={width} 1={height} 2={channels}"
    writer.layer("Reshape", [pixels], [writer.output(op)], whole)


def _temporal_products(writer: _Writer, op: Operator) -> None:
    kernel, bias = (writer.step.weights[f"{op.output}.{name}"] for name in ("kernel", "bias"))

    def numbers(name: str, values: np.ndarray) -> str:
        """One for each channel."""
        writer.weights.append(values.astype("<f4").tobytes())
        return writer.layer("MemoryData", [], [f"{op.output}.{name}"], f"0=1 1=1 2={len(values)}")

    total = numbers("bias", bias)
    for index, name in enumerate(op.inputs):
        factors = numbers(f"kernel_{index}", kernel[index])
        product = f"{op.output}.product_{index}"
        writer.layer("BinaryOp", [name, factors], [product], f"0={_MULTIPLY}")
        last = index == len(op.inputs) - 1
        added = op.output if last else f"{op.output}.sum_{index}"
        total = writer.layer("BinaryOp", [product, total], [added], f"0={_ADD}")
    if op.output in writer.fused:
        _layer_of_activation(writer, writer.fused[op.output])


def _dense(writer: _Writer, op: Operator) -> None:
    kernel = writer.step.weights[f"{op.output}.kernel"]
    parameters = f"0={len(kernel)} {writer.kernel(op, kernel)}" + writer.activation(op)
    writer.layer("InnerProduct", list(op.inputs), [writer.output(op)], parameters)


def _activation(writer: _Writer, op: Operator) -> None:
    if op.inputs[0] not in writer.fused:
        _layer_of_activation(writer, op)


def _layer_of_activation(writer: _Writer, op: Operator) -> None:
    kind, parameters = _LAYERS[op.options["function"]]
    writer.layer(kind, list(op.inputs), [op.output], parameters)


def _binary(number: int) -> Callable[[_Writer, Operator], None]:
    def rule(writer: _Writer, op: Operator) -> None:
        names = list(op.inputs)
        if len({len(writer.step.shapes[name]) for name in names}) > 1:
            # Not by itself: a vector would be taken for rows where there are as many.
            names = [
                writer.vector_as_frame(name) if len(writer.step.shapes[name]) == 1 else name
                for name in names
            ]
        writer.layer("BinaryOp", names, [op.output], f"0={number}")

    return rule


def _concatenate(writer: _Writer, op: Operator) -> None:
    writer.layer("Concat", list(op.inputs), [op.output], "0=0")


def _average_pool(writer: _Writer, op: Operator) -> None:
    """A depthwise kernel, and what makes its sums means of what is inside the frame: ncnn's own
    pooling takes several times the instructions."""
    (height, width), (stride_y, stride_x) = op.options["size"], op.options["stride"]
    top, bottom, left, right = op.options["pads"]
    channels, rows, columns = writer.step.shapes[op.output]
    kernel = np.full((channels, height, width), 1 / (height * width), np.float32)
    writer.weights += [struct.pack("<I", _FLOAT32_TAG), kernel.astype("<f4").tobytes()]
    sums = op.output if not any(op.options["pads"]) else f"{op.output}.sums"
    writer.layer(
        "ConvolutionDepthWise",
        list(op.inputs),
        [sums],
        f"0={channels} 1={width} 11={height} 3={stride_x} 13={stride_y}"
        f" 4={left} 14={top} 15={right} 16={bottom} 5=0 6={kernel.size} 7={channels}",
    )
    if sums == op.output:
        return
    inside = np.ones(writer.step.shapes[op.inputs[0]][1:])
    padded = np.pad(inside, ((top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width))
    counts = windows[::stride_y, ::stride_x].sum((2, 3))[:rows, :columns]
    writer.weights.append((height * width / counts).astype("<f4").tobytes())
    shares = writer.layer("MemoryData", [], [f"{op.output}.shares"], f"0={columns} 1={rows} 2=1")
    writer.layer("BinaryOp", [sums, shares], [op.output], f"0={_MULTIPLY}")


def _spatial_mean(writer: _Writer, op: Operator) -> None:
    writer.layer("Pooling", list(op.inputs), [op.output], "0=1 4=1")


def _running_mean(writer: _Writer, op: Operator) -> None:
    x, before = op.inputs
    name = op.output
    change = writer.layer("BinaryOp", [x, before], [f"{name}.change"], f"0={_SUBTRACT}")
    weight = writer.step.frame_weight
    part = writer.layer("BinaryOp", [change, weight], [f"{name}.part"], f"0={_MULTIPLY}")
    writer.layer("BinaryOp", [before, part], [name], f"0={_ADD}")


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


def write(step: Step, path: Path, int8: Int8 | None = None, *, products: bool = False) -> None:
    """Writes ``PATH.param`` and ``PATH.bin``; an output is the blob ``NAME.out``.

    Args:
        int8: what is computed in int8; None: nothing.
        products: temporal kernels become products and sums, not depthwise kernels.
    """
    writer = _Writer(step, int8, products)
    for name in step.inputs:
        writer.layer("Input", [], [name])
    for op in step.operators:
        RULES[op.kind](writer, op)
    lines = _with_splits(writer.lines, step.outputs)
    blobs = sum(len(outputs) for _, _, _, outputs, _ in lines)
    text = [str(_MAGIC), f"{len(lines)} {blobs}"]
    for kind, name, inputs, outputs, parameters in lines:
        places = " ".join([str(len(inputs)), str(len(outputs)), *inputs, *outputs])
        text.append(f"{kind} {name} {places} {parameters}".rstrip())
    path.with_name(f"{path.name}.param").write_text("\n".join(text) + "\n", encoding="utf-8")
    path.with_name(f"{path.name}.bin").write_bytes(b"".join(writer.weights))


def _with_splits(
    lines: list[tuple[str, str, list[str], list[str], str]], given: tuple[str, ...]
) -> list[tuple[str, str, list[str], list[str], str]]:
    """The layers, with a blob for each reader and for each output of the step."""
    readers = Counter(name for _, _, inputs, _, _ in lines for name in inputs)
    seen: Counter[str] = Counter()

    def own(name: str) -> str:
        if readers[name] + (name in given) < 2:
            return name
        seen[name] += 1
        return f"{name}.copy_{seen[name]}"

    result = []
    for kind, layer, inputs, outputs, parameters in lines:
        result.append((kind, layer, [own(name) for name in inputs], outputs, parameters))
        for name in outputs:
            copies = [f"{name}.copy_{index + 1}" for index in range(readers[name])]
            if name in given:
                copies.append(f"{name}.out")
            if len(copies) > 1:
                result.append(("Split", f"{name}.split", [name], copies, ""))
            elif name in given:
                result.append(("Noop", f"{name}.given", [name], copies, ""))
    return result
