"""Writes a step as ExecuTorch's file: exported from PyTorch, and lowered to XNNPACK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from torch import nn
from torch.nn import functional

from engines.step import Operator, Step

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "hard_swish": functional.hardswish,
    "swish": functional.silu,
    "sigmoid": torch.sigmoid,
}


class StepModule(nn.Module):
    """A step as PyTorch has it: a batch of one, frames channels first."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step
        # What is worked out in the graph stays out of XNNPACK's hands.
        for op in step.operators:
            for name, value in _constants(step, op).items():
                self.register_buffer(_attribute(f"{op.output}.{name}"), value)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values = dict(zip(self.step.inputs, inputs, strict=True))
        for op in self.step.operators:
            values[op.output] = self._run(op, [values[name] for name in op.inputs], values)
        return tuple(values[name] for name in self.step.outputs)

    def _weight(self, op: Operator, name: str) -> torch.Tensor:
        value: torch.Tensor = getattr(self, _attribute(f"{op.output}.{name}"))
        return value

    def _run(
        self, op: Operator, inputs: list[torch.Tensor], values: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        options, x = op.options, inputs[0]
        match op.kind:
            case "convolution":
                return functional.conv2d(
                    _padded(x, options["pads"]),
                    self._weight(op, "kernel"),
                    self._weight(op, "bias"),
                    tuple(options["stride"]),
                    groups=options["groups"],
                )
            case "temporal":
                # The frames below each other, and taps that are a frame's height apart.
                return functional.conv2d(
                    torch.cat(inputs, 2),
                    self._weight(op, "kernel"),
                    self._weight(op, "bias"),
                    dilation=(x.shape[2], 1),
                    groups=x.shape[1],
                )
            case "dense":
                return functional.linear(x, self._weight(op, "kernel"), self._weight(op, "bias"))
            case "activation":
                return ACTIVATIONS[options["function"]](x)
            case "add" | "multiply":
                first, second = (_as_frame(each, inputs) for each in inputs)
                return first + second if op.kind == "add" else first * second
            case "concatenate":
                return torch.cat(inputs, 1)
            case "average_pool":
                window = tuple(options["size"]), tuple(options["stride"])
                means = functional.avg_pool2d(_padded(x, options["pads"]), *window)
                return means * self._weight(op, "shares")
            case "spatial_mean":
                return x.mean((2, 3), keepdim=True).flatten(1)
            case "running_mean":
                before = inputs[1]
                return before + (x - before) * values[self.step.frame_weight]


def write(step: Step, path: Path) -> None:
    """Writes the float32 file."""
    inputs = tuple(torch.zeros(1, *step.shapes[name]) for name in step.inputs)
    with torch.no_grad():
        exported = torch.export.export(StepModule(step).eval(), inputs)
        program = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    path.write_bytes(program.to_executorch().buffer)


def _constants(step: Step, op: Operator) -> dict[str, torch.Tensor]:
    """What an operator multiplies by, as PyTorch wants it."""
    names = ("kernel", "bias") if f"{op.output}.kernel" in step.weights else ()
    found = {name: torch.from_numpy(step.weights[f"{op.output}.{name}"].copy()) for name in names}
    if op.kind == "temporal":
        frames, channels = found["kernel"].shape
        found["kernel"] = found["kernel"].T.reshape(channels, 1, frames, 1).contiguous()
    if op.kind == "average_pool":
        # What makes a mean with the padding one of what is inside the frame.
        inside = _padded(torch.ones(1, 1, *step.shapes[op.inputs[0]][1:]), op.options["pads"])
        window = tuple(op.options["size"]), tuple(op.options["stride"])
        found["shares"] = 1 / functional.avg_pool2d(inside, *window)
    return found


def _attribute(name: str) -> str:
    return name.replace(".", "__")


def _padded(x: torch.Tensor, pads: list[int]) -> torch.Tensor:
    top, bottom, left, right = pads
    return functional.pad(x, (left, right, top, bottom)) if any(pads) else x


def _as_frame(x: torch.Tensor, others: list[torch.Tensor]) -> torch.Tensor:
    """A vector beside a frame: a frame of one pixel."""
    return x[:, :, None, None] if x.dim() < max(each.dim() for each in others) else x
