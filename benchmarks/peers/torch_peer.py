"""X3D, and base MoViNets, with PyTorch: clips in a sliding window, or frame by frame as CoX3D.

    python torch_peer.py x3d-m
    python torch_peer.py movinet-a0-base
    python torch_peer.py cox3d-m

A clip model knows no frame: whoever wants an answer to each new one runs the whole window again.
CoX3D (arXiv 2106.00050) is X3D made of continual-inference's layers: every frame is computed once,
with squeeze-excite over the frame alone; its answers are late by a frame for every block, and two.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import continual as co
import torch
from line_protocol import FIRST_FRAMES, serve
from torch import nn
from torch_network import ACTIVATIONS, ClipNetwork

from movistream_converters.ir.layers import Activation, Convolution, SpatialMean
from movistream_converters.ir.network import Network, node_shapes
from movistream_converters.networks.movinet import ARCHITECTURES, build_movinet, default_options
from movistream_converters.networks.x3d import X3DS, build_x3d, table_of

CLASSES = 600


def sliding_window(network: Network, frames: int) -> Callable[[], None]:
    """A step that takes a new frame and runs the whole window."""
    model = ClipNetwork(network).eval()
    window = torch.rand(1, 3, frames, *network.image_size)
    frame = torch.rand(1, 3, *network.image_size)

    def step() -> None:
        window[:, :, :-1] = window[:, :, 1:].clone()
        window[:, :, -1] = frame
        with torch.inference_mode():
            model(window)

    return step


class _FrameGate(nn.Module):
    """Squeeze-excite over the present frame."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv3d(channels, hidden, 1), nn.Conv3d(hidden, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((-2, -1), keepdim=True)
        return x * torch.sigmoid(self.expand(torch.relu(self.reduce(mean))))


def continual_x3d(network: Network, frames: int) -> nn.Module:
    """The network on continual-inference's layers; batch norms are folded."""
    shapes = node_shapes(network)
    nodes = {node.name: node for node in network.nodes}

    def convolution(name: str) -> nn.Module:
        layer = nodes[name].layer
        assert isinstance(layer, Convolution)
        channels = shapes[nodes[name].inputs[0]][2]
        return co.Conv3d(
            channels,
            layer.filters,
            layer.kernel,
            stride=(1, layer.stride, layer.stride),
            padding=tuple(size // 2 for size in layer.kernel),
            groups=channels if layer.depthwise else 1,
        )

    def activation(name: str) -> nn.Module:
        layer = nodes[name].layer
        assert isinstance(layer, Activation)
        return co.Lambda(ACTIVATIONS[layer.function], takes_time=True)

    parts = [convolution("stem.space"), convolution("stem.time"), activation("stem.act")]
    for block in (name.removesuffix(".add") for name in nodes if name.endswith(".add")):
        body = [
            convolution(f"{block}.expansion"),
            activation(f"{block}.expansion.act"),
            convolution(f"{block}.feature"),
        ]
        if f"{block}.se.reduce" in nodes:
            hidden = shapes[f"{block}.se.reduce"][2]
            body.append(co.forward_stepping(_FrameGate(shapes[f"{block}.feature"][2], hidden)))
        body += [activation(f"{block}.act"), convolution(f"{block}.projection")]
        if f"{block}.skip" in nodes:
            skip = convolution(f"{block}.skip")
            parts.append(co.BroadcastReduce(skip, co.Sequential(*body), reduce="sum"))
        else:
            parts.append(co.Residual(co.Sequential(*body)))
        parts.append(activation(f"{block}.out"))
    assert isinstance(nodes["head.space"].layer, SpatialMean)
    height, width, channels = shapes["head.project"]
    hidden = shapes["classifier.hidden"][2]
    parts += [
        convolution("head.project"),
        activation("head.act"),
        co.AvgPool3d((frames, height, width), stride=1),
        co.Conv3d(channels, hidden, 1, bias=False),
        activation("classifier.act"),
        co.Conv3d(hidden, shapes["classifier.logits"][2], 1),
    ]
    return co.Sequential(*parts)


def continual_step(network: Network, frames: int) -> tuple[Callable[[], None], nn.Module]:
    """A step that takes one frame, and the model."""
    model = continual_x3d(network, frames).eval()
    frame = torch.rand(1, 3, *network.image_size)

    def step() -> None:
        with torch.inference_mode():
            model.forward_step(frame)

    return step, model


def main() -> None:
    """Serve the model that is named."""
    torch.set_num_threads(1)
    (name,) = sys.argv[1:]
    if name.startswith("movinet-"):
        architecture = name.split("-")[1]
        network = build_movinet(default_options(architecture, causal=False))
        frames = ARCHITECTURES[architecture].clip_frames
    else:
        spec = X3DS[name.rpartition("-")[2]]
        network = build_x3d(name, table_of(name.rpartition("-")[2], CLASSES), spec.image_size)
        frames = spec.frames
    if name.startswith("cox3d-"):
        _, model = continual_step(network, frames)
        serve(
            f"{name}, continual-inference, PyTorch",
            lambda: continual_step(network, frames)[0],
            int(model.receptive_field) + FIRST_FRAMES,
        )
    else:
        serve(f"{name}, PyTorch, window of {frames}", lambda: sliding_window(network, frames), 2)


if __name__ == "__main__":
    main()
