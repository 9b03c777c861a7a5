"""Programs as torch.export saves them, without PyTorch: recorded while numpy computes them.

What each operator computes is written down here once more, on whole tensors, straight from
PyTorch's documentation.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_RENAMED = {"input": "self", "min": "min_val", "max": "max_val"}
_DTYPES = {"float32": 7, "float64": 8, "int64": 5, "uint8": 1, "bool": 12, "float16": 6}


@dataclass(frozen=True)
class Ref:
    """A value of a program, by its name."""

    name: str


@dataclass(frozen=True)
class Sym:
    """A number that depends on the clip."""

    name: str
    number: int


@dataclass
class Recorded:
    """A program as far as it is recorded.

    Attributes:
        clip: that goes in.
        time_axis: of the clip, if any number of frames may go in; None for that of the clip alone.
        line: of the code that is said to be run.
    """

    clip: np.ndarray
    time_axis: int | None = None
    least: int = 2
    most: int = 512
    line: int = 1
    module: str = ""
    nodes: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    buffers: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values["x"] = self.clip

    @property
    def x(self) -> Ref:
        """The clip."""
        return Ref("x")

    @property
    def frames(self) -> Sym | int:
        """How many it has."""
        if self.time_axis is None:
            raise AssertionError("a fixed clip has no symbol")
        return Sym("sym_size_int", self.clip.shape[self.time_axis])

    def weight(self, name: str, value: Any, *, buffer: bool = False) -> Ref:
        """A weight of the module."""
        self.weights[name] = np.asarray(value)
        if buffer:
            self.buffers.add(name)
        ref = Ref("p_" + name.replace(".", "_"))
        self.values[ref.name] = self.weights[name]
        return ref

    def value(self, ref: Ref) -> np.ndarray:
        """What numpy computed."""
        return self.values[ref.name]

    def __call__(self, operator: str, /, **arguments: Any) -> Any:
        """Records an operator, computes it, and returns what it gives."""
        self.line += 1
        given = {
            _RENAMED.get(name, name): self._concrete(value) for name, value in arguments.items()
        }
        result = COMPUTED[operator.split(".")[0]](**given)
        results = result if isinstance(result, list) else [result]
        names = [self._name(operator) for _ in results]
        self.values.update(zip(names, map(np.asarray, results), strict=True))
        outputs: list[dict[str, Any]] = [{"as_tensor": {"name": name}} for name in names]
        if isinstance(result, list):
            outputs = [{"as_tensors": [{"name": name} for name in names]}]
        self.record(operator, arguments, outputs)
        refs = list(map(Ref, names))
        return refs if isinstance(result, list) else refs[0]

    def record(
        self,
        operator: str,
        arguments: dict[str, Any],
        outputs: list[dict[str, Any]],
        namespace: str = "torch.ops.aten",
    ) -> None:
        """Records an operator without computing it."""
        stack = f"L__self__,{self.module},torch.nn.modules.conv.Conv2d" if self.module else ""
        self.nodes.append(
            {
                "target": f"{namespace}.{operator}",
                "inputs": [
                    {"name": name, "arg": _argument(value), "kind": 1}
                    for name, value in arguments.items()
                ],
                "outputs": outputs,
                "metadata": {
                    "stack_trace": f'File "/src/model.py", line {self.line}, in forward\n'
                    f"    y = {operator}(...)\n"
                    '  File "/lib/site-packages/torch/nn/modules/conv.py", line 9, in forward\n'
                    "    return self._conv_forward(input)",
                    "nn_module_stack": stack,
                },
                "is_hop_single_tensor_return": None,
            }
        )

    def _name(self, operator: str) -> str:
        base = operator.split(".")[0]
        self.counts[base] = self.counts.get(base, -1) + 1
        return f"{base}_{self.counts[base]}" if self.counts[base] else base

    def _concrete(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._concrete(each) for each in value]
        if isinstance(value, Ref):
            return self.values[value.name]
        return value.number if isinstance(value, Sym) else value

    def document(self, result: Ref) -> dict[str, Any]:
        """The JSON of the program."""
        clip: list[dict[str, Any]] = [{"as_int": size} for size in self.clip.shape]
        nodes, ranges = self.nodes, {}
        if self.time_axis is not None:
            symbol = {"expr_str": "Symbol('s7', positive=True, integer=True)"}
            hint = {"as_int": self.clip.shape[self.time_axis]}
            clip[self.time_axis] = {"as_expr": {**symbol, "hint": hint}}
            ranges["s7"] = {"min_val": self.least, "max_val": self.most}
            asked = {
                "target": "torch.ops.aten.sym_size.int",
                "inputs": [
                    {"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1},
                    {"name": "dim", "arg": {"as_int": self.time_axis}, "kind": 1},
                ],
                "outputs": [{"as_sym_int": {"as_name": "sym_size_int"}}],
                "metadata": {},
            }
            nodes = [asked, *nodes]
        specs: list[dict[str, Any]] = []
        for name in self.weights:
            kind = "buffer" if name in self.buffers else "parameter"
            ref = "p_" + name.replace(".", "_")
            specs.append({kind: {"arg": {"name": ref}, f"{kind}_name": name}})
        specs.append({"user_input": {"arg": {"as_tensor": {"name": "x"}}}})
        given = {"as_tensor": {"name": result.name}}
        return {
            "graph_module": {
                "graph": {
                    "inputs": [],
                    "outputs": [given],
                    "nodes": nodes,
                    "tensor_values": {
                        "x": {"dtype": _DTYPES[str(self.clip.dtype)], "sizes": clip},
                    },
                    "sym_int_values": {},
                },
                "signature": {
                    "input_specs": specs,
                    "output_specs": [{"user_output": {"arg": given}}],
                },
            },
            "opset_version": {"aten": 10},
            "range_constraints": ranges,
            "schema_version": {"major": 8, "minor": 20},
        }

    def config(self) -> dict[str, Any]:
        """The JSON that describes the weights."""
        return {
            "config": {
                name: {
                    "path_name": f"weight_{number}",
                    "is_param": name not in self.buffers,
                    "use_pickle": False,
                    "tensor_meta": meta(value),
                }
                for number, (name, value) in enumerate(self.weights.items())
            }
        }

    def save(self, path: Path, result: Ref) -> Path:
        """Writes the archive, and returns its path."""
        files = {
            f"data/weights/weight_{number}": np.ascontiguousarray(value).tobytes()
            for number, value in enumerate(self.weights.values())
        }
        return archive(path, self.document(result), self.config(), files)


def write_causal_program(path: Path, classes: int = 5) -> Path:
    """Writes a program of any number of frames: one joint kernel, and logits of each frame."""
    generator = np.random.default_rng(3)
    p = Recorded(np.zeros((1, 3, 6, 32, 32), np.float32), time_axis=2)
    kernel = p.weight("conv.weight", generator.normal(0, 0.2, (8, 3, 3, 3, 3)).astype(np.float32))
    y = p("pad", self=p.x, pad=[1, 1, 1, 1, 2, 0])
    y = p("relu", self=p("conv3d", input=y, weight=kernel, stride=[1, 2, 2]))
    y = p("transpose", self=p("mean", self=y, dim=[3, 4]), dim0=1, dim1=2)
    weight = p.weight("head.weight", generator.normal(0, 0.5, (classes, 8)).astype(np.float32))
    return p.save(path, p("linear", input=y, weight=weight))


def archive(
    path: Path, document: Any, config: Any, files: dict[str, bytes], root: str = "model/"
) -> Path:
    """Writes the archive of a program, and returns its path."""
    with zipfile.ZipFile(path, "w") as written:
        for name, data in files.items():
            written.writestr(root + name, data)
        if config is not None:
            written.writestr(f"{root}data/weights/model_weights_config.json", json.dumps(config))
        written.writestr(
            f"{root}data/constants/model_constants_config.json", json.dumps({"config": {}})
        )
        text = document if isinstance(document, str) else json.dumps(document)
        written.writestr(f"{root}models/model.json", text)
        written.writestr(f"{root}archive_format", "pt2")
        written.writestr(f"{root}archive_version", "0")
        written.writestr(f"{root}byteorder", "little")
    return path


def meta(value: np.ndarray) -> dict[str, Any]:
    """What an archive says of a tensor."""
    value = np.ascontiguousarray(value) if value.ndim else value
    return {
        "dtype": _DTYPES[str(value.dtype)],
        "sizes": [{"as_int": size} for size in value.shape],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [{"as_int": step // value.itemsize} for step in value.strides],
        "storage_offset": {"as_int": 0},
        "layout": 7,
    }


def _argument(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"as_none": True}
        case bool():
            return {"as_bool": value}
        case int():
            return {"as_int": value}
        case float():
            return {"as_float": value}
        case str():
            return {"as_string": value}
        case Ref():
            return {"as_tensor": {"name": value.name}}
        case Sym():
            return {"as_sym_int": {"as_name": value.name}}
        case list() if any(isinstance(each, Ref) for each in value):
            return {"as_tensors": [{"name": each.name} for each in value]}
        case list() if any(isinstance(each, Sym) for each in value):
            return {
                "as_sym_ints": [
                    {"as_name": each.name} if isinstance(each, Sym) else {"as_int": each}
                    for each in value
                ]
            }
        case list():
            return {"as_ints": value}
    raise AssertionError(f"no argument: {value!r}")


def _pad(self: np.ndarray, pad: list[int]) -> np.ndarray:
    amounts = [(0, 0)] * self.ndim
    for index in range(len(pad) // 2):
        before, behind = pad[2 * index : 2 * index + 2]
        amounts[self.ndim - 1 - index] = (before, behind)
    cut = tuple(
        slice(max(-before, 0), size - max(-behind, 0))
        for size, (before, behind) in zip(self.shape, amounts, strict=True)
    )
    return np.pad(self[cut], [(max(before, 0), max(behind, 0)) for before, behind in amounts])


def _scatter(
    self: np.ndarray, src: np.ndarray, dim: int, start: int = 0, end: int | None = None
) -> np.ndarray:
    result = self.copy()
    result[(slice(None),) * dim + (slice(start, end),)] = src
    return result


def _convolution(
    self: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: list[int] | None = None,
    padding: list[int] | None = None,
    dilation: list[int] | None = None,
    groups: int = 1,
) -> np.ndarray:
    count = weight.ndim - 2
    stride, dilation = stride or [1] * count, dilation or [1] * count
    amounts = padding or [0] * count
    x = np.pad(self, [(0, 0), (0, 0), *((each, each) for each in amounts)])
    places = [
        (size - (taps - 1) * gap - 1) // step + 1
        for size, taps, gap, step in zip(
            x.shape[2:], weight.shape[2:], dilation, stride, strict=True
        )
    ]
    parts = []
    read, given = x.shape[1] // groups, weight.shape[0] // groups
    for group in range(groups):
        total = np.zeros((x.shape[0], given, *places))
        own = x[:, group * read : (group + 1) * read]
        for tap in np.ndindex(*weight.shape[2:]):
            windows = tuple(
                slice(at * gap, at * gap + (places_here - 1) * step + 1, step)
                for at, gap, step, places_here in zip(tap, dilation, stride, places, strict=True)
            )
            kernel = weight[(slice(group * given, (group + 1) * given), slice(None), *tap)]
            total += np.einsum("ni...,oi->no...", own[(slice(None), slice(None), *windows)], kernel)
        parts.append(total)
    y = np.concatenate(parts, 1)
    return y if bias is None else y + bias.reshape(1, -1, *[1] * count)


def _batch_norm(
    self: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> np.ndarray:
    shape = (1, -1, *[1] * (self.ndim - 2))
    y = (self - running_mean.reshape(shape)) / np.sqrt(running_var.reshape(shape) + eps)
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def _average_pool(
    self: np.ndarray,
    kernel_size: list[int],
    stride: list[int] | None = None,
    padding: list[int] | None = None,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    channels = self.shape[1]
    weight = np.full((channels, 1, *kernel_size), 1 / math.prod(kernel_size))
    steps = stride or kernel_size
    if count_include_pad:
        return _convolution(self, weight, None, steps, padding, None, channels)
    inside = _convolution(np.ones_like(self), weight, None, steps, padding, None, channels)
    return _convolution(self, weight, None, steps, padding, None, channels) / inside


def _max_pool(self: np.ndarray, kernel_size: list[int], stride: list[int]) -> np.ndarray:
    axes = tuple(range(2, self.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(self, kernel_size, axes)
    steps = (slice(None), slice(None), *(slice(None, None, step) for step in stride))
    return windows[steps].max(tuple(range(-len(kernel_size), 0)))


def _adaptive(self: np.ndarray, output_size: list[int]) -> np.ndarray:
    y = self
    for axis, size in enumerate(output_size, self.ndim - len(output_size)):
        parts = np.split(y, size, axis)
        y = np.concatenate([part.mean(axis, keepdims=True) for part in parts], axis)
    return y


def _slice(
    self: np.ndarray,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> np.ndarray:
    index = [slice(None)] * self.ndim
    index[dim] = slice(start, end, step)
    return self[tuple(index)]


def _gru(
    self: np.ndarray,
    hx: np.ndarray,
    params: list[np.ndarray],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[np.ndarray]:
    x = self if batch_first else self.swapaxes(0, 1)
    each = 4 if has_biases else 2
    states = []
    for layer in range(num_layers):
        w, u, *biases = params[layer * each : (layer + 1) * each]
        b, c = biases or (0.0, 0.0)
        h, outputs = hx[layer], []
        for t in range(x.shape[1]):
            seen, kept = np.split(x[:, t] @ w.T + b, 3, -1), np.split(h @ u.T + c, 3, -1)
            r, z = (1 / (1 + np.exp(-(seen[i] + kept[i]))) for i in (0, 1))
            n = np.tanh(seen[2] + r * kept[2])
            h = (1 - z) * n + z * h
            outputs.append(h)
        x = np.stack(outputs, 1)
        states.append(h)
    return [x if batch_first else x.swapaxes(0, 1), np.stack(states)]


def _layer_norm(
    self: np.ndarray,
    normalized_shape: list[int],
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    y = (self - self.mean(-1, keepdims=True)) / np.sqrt(self.var(-1, keepdims=True) + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _softmax(self: np.ndarray, dim: int) -> np.ndarray:
    y = np.exp(self - self.max(dim, keepdims=True))
    return y / y.sum(dim, keepdims=True)


_erf = np.vectorize(math.erf)

COMPUTED: dict[str, Any] = {
    "pad": _pad,
    "constant_pad_nd": _pad,
    "conv1d": _convolution,
    "conv2d": _convolution,
    "conv3d": _convolution,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "linear": lambda self, weight, bias=None: self @ weight.T + (0 if bias is None else bias),
    "relu": lambda self: np.maximum(self, 0),
    "relu_": lambda self: np.maximum(self, 0),
    "relu6": lambda self: np.clip(self, 0, 6),
    "hardtanh": lambda self, min_val=-1.0, max_val=1.0: np.clip(self, min_val, max_val),
    "clamp": lambda self, min_val=None, max_val=None: np.clip(self, min_val, max_val),
    "sigmoid": lambda self: 1 / (1 + np.exp(-self)),
    "hardsigmoid": lambda self: np.clip(self + 3, 0, 6) / 6,
    "silu": lambda self: self / (1 + np.exp(-self)),
    "hardswish": lambda self: self * np.clip(self + 3, 0, 6) / 6,
    "tanh": lambda self: np.tanh(self),
    "gelu": lambda self: self * (1 + _erf(self / math.sqrt(2))) / 2,
    "leaky_relu": lambda self, negative_slope=0.01: np.where(self > 0, self, self * negative_slope),
    "softmax": _softmax,
    "view": lambda self, size: self.reshape(size),
    "reshape": lambda self, shape: self.reshape(shape),
    "permute": lambda self, dims: self.transpose(dims),
    "transpose": lambda self, dim0, dim1: self.swapaxes(dim0, dim1),
    "unsqueeze": lambda self, dim: np.expand_dims(self, dim),
    "squeeze": lambda self, dim: self.squeeze(dim) if self.shape[dim] == 1 else self,
    "flatten": lambda self, start_dim, end_dim=-1: self.reshape(
        *self.shape[:start_dim], -1, *self.shape[end_dim % self.ndim + 1 :]
    ),
    "expand": lambda self, size: np.broadcast_to(
        self, [own if each == -1 else each for own, each in zip(self.shape, size, strict=True)]
    ),
    "slice": _slice,
    "select": lambda self, dim, index: np.take(self, index, dim),
    "cat": lambda tensors, dim=0: np.concatenate(tensors, dim),
    "chunk": lambda self, chunks, dim=0: np.split(self, chunks, dim),
    "split": lambda self, split_size, dim=0: np.split(self, self.shape[dim] // split_size, dim),
    "roll": lambda self, shifts, dims: np.roll(self, shifts, dims),
    "flip": lambda self, dims: np.flip(self, dims),
    "add": lambda self, other, alpha=1: self + alpha * np.asarray(other),
    "add_": lambda self, other, alpha=1: self + alpha * np.asarray(other),
    "sub": lambda self, other, alpha=1: self - alpha * np.asarray(other),
    "rsub": lambda self, other, alpha=1: np.asarray(other) - alpha * self,
    "mul": lambda self, other: self * np.asarray(other),
    "div": lambda self, other: self / np.asarray(other),
    "neg": lambda self: -self,
    "cumsum": lambda self, dim: np.cumsum(self, dim),
    "mean": lambda self, dim, keepdim=False: self.mean(tuple(dim), keepdims=keepdim),
    "avg_pool1d": _average_pool,
    "avg_pool2d": _average_pool,
    "avg_pool3d": _average_pool,
    "max_pool2d": _max_pool,
    "max_pool3d": _max_pool,
    "adaptive_avg_pool2d": _adaptive,
    "adaptive_avg_pool3d": _adaptive,
    "arange": lambda end, start=0: np.arange(start, end),
    "gt": lambda self, other: self > other,
    "slice_scatter": _scatter,
    "select_scatter": lambda self, src, dim, index: _scatter(
        self, np.expand_dims(src, dim), dim, index, index + 1
    ),
    "lt": lambda self, other: self < other,
    "to": lambda self, dtype: self.astype(np.float32),
    "zeros_like": lambda self: np.zeros_like(self),
    "zeros": lambda size: np.zeros(size, np.float32),
    "dropout": lambda self, p, train: self,
    "clone": lambda self: self,
    "matmul": lambda self, other: self @ other,
    "bmm": lambda self, mat2: self @ mat2,
    "gru": _gru,
}
"""What each operator computes."""
