"""A streaming video network as data: layers, nodes, and what follows from them.

A :class:`Network` is a tuple of named nodes in execution order. Each node holds one layer of the
closed vocabulary below and the names of the nodes that it reads. Nothing here computes on pixels:
:mod:`.reference.execution` executes a network, :mod:`.tflite.lowering` compiles it, :mod:`.cost`
prices it.

Activations are described per frame as (height, width, channels); time is implicit. In a causal
network a temporal kernel sees the present frame and the ones before it, and a mean over time is
cumulative (arXiv 2103.11511, section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Shape: TypeAlias = tuple[int, int, int]
"""(height, width, channels) of one frame."""


class ActivationFunction(str, Enum):
    """Pointwise functions, by the names that training configurations give them."""

    RELU = "relu"
    RELU6 = "relu6"
    SWISH = "swish"
    HARD_SWISH = "hard_swish"
    SIGMOID = "sigmoid"
    HARD_SIGMOID = "hard_sigmoid"
    """relu6(x + 3) · 0.16667, as TensorFlow Model Garden defines it."""
    HARD_SIGMOID_KERAS = "hard_sigmoid_keras"
    """clip(0.2 x + 0.5, 0, 1), as Keras 2 and the PyTorch port of the weights define it."""


HARD_SIGMOIDS: dict[ActivationFunction, tuple[float, float]] = {
    ActivationFunction.HARD_SIGMOID: (1.0, 0.16667),
    ActivationFunction.HARD_SIGMOID_KERAS: (1.2, 1 / 6),
}
"""(slope, factor) of the gates that are factor · relu6(slope · x + 3)."""


@dataclass(frozen=True)
class Image:
    """The input: RGB values in [0, 1]."""

    channels: int = 3


@dataclass(frozen=True)
class Convolution:
    """A convolution with kernel (time, height, width), temporal stride 1 and zero padding.

    Space is padded as TensorFlow's SAME; time is padded in the past only (causal network) or on
    both sides (base network). Kernel weights have shape (time, height, width, in, out), or
    (time, height, width, channels) when depthwise.
    """

    filters: int
    kernel: tuple[int, int, int] = (1, 1, 1)
    stride: int = 1
    depthwise: bool = False
    bias: bool = False


@dataclass(frozen=True)
class BatchNormalization:
    """Normalisation by stored statistics: (x − mean) / sqrt(variance + epsilon) · gamma + beta."""

    epsilon: float = 1e-3


@dataclass(frozen=True)
class Activation:
    """A pointwise function."""

    function: ActivationFunction


@dataclass(frozen=True)
class Scale:
    """Multiplication by one trained number (ReZero, arXiv 2003.04887)."""


@dataclass(frozen=True)
class AveragePool:
    """A spatial mean over size × size windows, SAME padding not counted."""

    size: int = 3
    stride: int = 2


@dataclass(frozen=True)
class SpatialMean:
    """The mean of each frame over height and width."""


@dataclass(frozen=True)
class TemporalMean:
    """The mean over all frames so far (causal network) or over the clip (base network).

    Attributes:
        horizon_frames: from so many frames on, each new frame weighs 1 / horizon_frames, so that
            the mean forgets; None: all frames weigh the same.
    """

    horizon_frames: int | None = None


@dataclass(frozen=True)
class PositionalEncoding:
    """Adds sin and cos of the frame's index, times one trained number.

    Channel j of the first half holds sin(t / 10000^(2j / channels)), of the second half cos.
    """


@dataclass(frozen=True)
class Concatenate:
    """Joins its inputs along channels."""


@dataclass(frozen=True)
class Multiply:
    """The product of two inputs; one of them may have height and width 1."""


@dataclass(frozen=True)
class Add:
    """The sum of two inputs of one shape."""


Layer: TypeAlias = (
    Image
    | Convolution
    | BatchNormalization
    | Activation
    | Scale
    | AveragePool
    | SpatialMean
    | TemporalMean
    | PositionalEncoding
    | Concatenate
    | Multiply
    | Add
)


@dataclass(frozen=True)
class Node:
    """One layer in its place."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """Nodes in execution order; the first is the image, the last gives the logits.

    Attributes:
        name: for people, such as ``movinet-a0-stream``.
        nodes: every node's inputs come before it.
        image_size: (height, width) of the input in pixels.
        causal: True for a stream model, False for a base model.
    """

    name: str
    nodes: tuple[Node, ...]
    image_size: tuple[int, int]
    causal: bool

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for node in self.nodes:
            if node.name in seen:
                raise ValueError(f"two nodes are named {node.name}")
            if missing := [name for name in node.inputs if name not in seen]:
                raise ValueError(f"{node.name} reads {', '.join(missing)} before it is computed")
            seen.add(node.name)


def same_padding_size(size: int, stride: int) -> int:
    """Output size of a SAME-padded window of any kernel: ceil(size / stride)."""
    return -(-size // stride)


def output_shape(layer: Layer, inputs: tuple[Shape, ...], image_size: tuple[int, int]) -> Shape:
    """Shape of a layer's output frame.

    Raises:
        ValueError: if the inputs do not fit the layer.
    """
    match layer, inputs:
        case Image(channels), ():
            return (*image_size, channels)
        case Convolution(filters, _, stride, depthwise, _), ((height, width, channels),):
            if depthwise and filters != channels:
                raise ValueError(f"depthwise convolution of {channels} channels to {filters}")
            size = same_padding_size(height, stride), same_padding_size(width, stride)
            return (*size, filters)
        case AveragePool(_, stride), ((height, width, channels),):
            return (same_padding_size(height, stride), same_padding_size(width, stride), channels)
        case SpatialMean(), ((_, _, channels),):
            return (1, 1, channels)
        case (
            (BatchNormalization() | Activation() | Scale() | TemporalMean() | PositionalEncoding()),
            (shape,),
        ):
            return shape
        case Concatenate(), ((height, width, _), *_):
            if any(shape[:2] != (height, width) for shape in inputs):
                raise ValueError(f"concatenation of frames of different sizes: {inputs}")
            return (height, width, sum(shape[2] for shape in inputs))
        case Multiply(), ((_, _, channels), (_, _, others)) if channels == others:
            return max(inputs)
        case Add(), (shape, other) if shape == other:
            return shape
    raise ValueError(f"{layer} cannot take inputs of shape {inputs}")


def node_shapes(network: Network) -> dict[str, Shape]:
    """(height, width, channels) of every node's output frame, by node name."""
    shapes: dict[str, Shape] = {}
    for node in network.nodes:
        inputs = tuple(shapes[name] for name in node.inputs)
        shapes[node.name] = output_shape(node.layer, inputs, network.image_size)
    return shapes


def layer_weight_shapes(layer: Layer, channels: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a layer's weights by their short names, given its input's channels."""
    match layer:
        case Convolution(filters, kernel, _, depthwise, bias):
            shapes: dict[str, tuple[int, ...]] = {
                "kernel": (*kernel, channels) if depthwise else (*kernel, channels, filters)
            }
            if bias:
                shapes["bias"] = (filters,)
            return shapes
        case BatchNormalization():
            return dict.fromkeys(("gamma", "beta", "mean", "variance"), (channels,))
        case Scale() | PositionalEncoding():
            return {"scale": ()}
    return {}


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights by canonical name, ``NODE.WEIGHT``, in execution order."""
    shapes = node_shapes(network)
    return {
        f"{node.name}.{weight}": shape
        for node in network.nodes
        if node.inputs
        for weight, shape in layer_weight_shapes(node.layer, shapes[node.inputs[0]][2]).items()
    }


def consumers(network: Network) -> dict[str, tuple[Node, ...]]:
    """The nodes that read each node's output."""
    readers: dict[str, tuple[Node, ...]] = {node.name: () for node in network.nodes}
    for node in network.nodes:
        for name in node.inputs:
            readers[name] += (node,)
    return readers


def temporal_convolutions(network: Network) -> Iterator[tuple[Node, int]]:
    """Convolutions over more than one frame, with the number of past frames that each keeps."""
    for node in network.nodes:
        if isinstance(node.layer, Convolution) and node.layer.kernel[0] > 1:
            yield node, node.layer.kernel[0] - 1


def receptive_field_frames(network: Network) -> int:
    """Frames that the temporal kernels see behind one output, the present one included.

    Cumulative pools see all frames since the reset; this counts the convolutions alone.
    """
    return 1 + sum(past_frames for _, past_frames in temporal_convolutions(network))


def with_horizon(network: Network, horizon_frames: int | None) -> Network:
    """The same network, all of whose running means forget after so many frames, or never."""
    mean = TemporalMean(horizon_frames)
    nodes = (
        replace(node, layer=mean) if isinstance(node.layer, TemporalMean) else node
        for node in network.nodes
    )
    return replace(network, nodes=tuple(nodes))


def horizon_of(network: Network) -> int | None:
    """After how many frames the network's running means forget; None: never, or it has none."""
    layers = (node.layer for node in network.nodes)
    horizons = {layer.horizon_frames for layer in layers if isinstance(layer, TemporalMean)}
    (horizon,) = horizons or {None}
    return horizon


def encoding_frequencies(channels: int) -> npt.NDArray[np.float32]:
    """Radians per frame of a positional encoding's channel pairs, (channels / 2,)."""
    power = np.arange(0, channels, 2, dtype=np.float32) / np.float32(channels)
    frequencies: npt.NDArray[np.float32] = np.float32(1) / np.power(np.float32(10_000), power)
    return frequencies
