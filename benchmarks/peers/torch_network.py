"""Executes a network's description on whole clips with PyTorch, as a clip model's user would."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    Concatenate,
    Convolution,
    Image,
    Multiply,
    Padding,
    Pool,
    Scale,
    SpatialMean,
    TemporalMean,
    padding_amounts,
)
from movistream_converters.ir.network import Network, node_shapes

ACTIVATIONS: dict[ActivationFunction, Callable[[torch.Tensor], torch.Tensor]] = {
    ActivationFunction.RELU: functional.relu,
    ActivationFunction.SWISH: functional.silu,
    ActivationFunction.HARD_SWISH: functional.hardswish,
    ActivationFunction.SIGMOID: torch.sigmoid,
    ActivationFunction.HARD_SIGMOID: functional.hardsigmoid,
}


class ClipNetwork(nn.Module):
    """A base network with random weights, batch norms folded; (1, 3, frames, height, width) in.

    A tensor is dropped as soon as nobody reads it any more.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        if network.causal:
            raise ValueError(f"{network.name} is a stream network")
        self.nodes = network.nodes
        self.shapes = node_shapes(network)
        self.last_reader = {
            name: index for index, node in enumerate(network.nodes) for name in node.inputs
        }
        self.layers = nn.ModuleDict()
        torch.manual_seed(0)
        for node in network.nodes:
            if isinstance(node.layer, Convolution):
                channels = self.shapes[node.inputs[0]][2]
                self.layers[node.name.replace(".", "/")] = nn.Conv3d(
                    channels,
                    node.layer.filters,
                    node.layer.kernel,
                    stride=(1, *node.layer.stride),
                    groups=channels if node.layer.depthwise else 1,
                )

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        values: dict[str, torch.Tensor] = {}
        for index, node in enumerate(self.nodes):
            inputs = [values[name] for name in node.inputs]
            values[node.name] = self._run(node.name, node.layer, inputs, clip)
            del inputs
            for name in node.inputs:
                if self.last_reader[name] == index:
                    values.pop(name, None)
        return values[self.nodes[-1].name].flatten()

    def _run(
        self, name: str, layer: object, inputs: list[torch.Tensor], clip: torch.Tensor
    ) -> torch.Tensor:
        match layer:
            case Image():
                return clip
            case Convolution():
                module = self.layers[name.replace(".", "/")]
                return module(_padded(inputs[0], layer.kernel, layer.stride, layer.padding))
            case BatchNormalization() | Scale():
                return inputs[0]
            case Activation():
                return ACTIVATIONS[layer.function](inputs[0])
            case Pool():
                # The mean of what is inside the frame.
                size, stride = (1, *layer.size), layer.stride
                padded = _padded(inputs[0], size, stride)
                inside = _padded(torch.ones_like(inputs[0][:, :1, :1]), size, stride)
                window = size, (1, *stride)
                return functional.avg_pool3d(padded, *window) / functional.avg_pool3d(
                    inside, *window
                )
            case SpatialMean():
                return inputs[0].mean((3, 4), keepdim=True)
            case TemporalMean():
                return inputs[0].mean(2, keepdim=True)
            case Concatenate():
                return torch.cat(inputs, 1)
            case Multiply():
                return inputs[0] * inputs[1]
            case Add():
                return inputs[0] + inputs[1]
        raise ValueError(f"{layer} is in no base network")


def _padded(
    x: torch.Tensor,
    kernel: tuple[int, int, int],
    stride: tuple[int, int],
    padding: Padding = "same",
) -> torch.Tensor:
    """Zeros around a clip; time is padded evenly."""
    before = (kernel[0] - 1) // 2
    top, bottom, left, right = padding_amounts(
        padding, (x.shape[3], x.shape[4]), kernel[1:], stride
    )
    pads = [left, right, top, bottom, before, kernel[0] - 1 - before]
    return functional.pad(x, pads) if any(pads) else x
