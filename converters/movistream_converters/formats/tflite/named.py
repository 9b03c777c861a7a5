"""Weights of a graph whose results are named as the nodes of a network.

The lowering names an operator's result as the node that it computes, or as a part of it. What it
changed on the way is undone here: kernels over frames, groups, pairs of pixels, smaller numbers.
:data:`READERS` has one row for each layer that has weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from movistream_converters.errors import ConversionError
from movistream_converters.formats.tflite.graph import (
    FloatArray,
    Operation,
    TracedGraph,
    kernel_and_bias,
)
from movistream_converters.formats.tflite.layers import LAYER_OPERATORS
from movistream_converters.ir.layers import (
    BatchNormalization,
    ChannelNormalization,
    Convolution,
    Dense,
    Layer,
    ParametricRelu,
    PositionalEncoding,
    Scale,
    Shape,
)
from movistream_converters.ir.network import Network, Node, node_shapes
from movistream_converters.ir.weights import Weights, neutral_batch_norm
from movistream_converters.tflite.pixel_pairs import PAIR, unpaired_kernel


@dataclass(frozen=True)
class NamedGraph:
    """A graph whose operators are known by the names of their results.

    Attributes:
        path: for messages.
        operations: by name; names are not unique in every file.
    """

    path: Path
    graph: TracedGraph
    operations: Mapping[str, tuple[Operation, ...]]

    def operation(self, name: str, *kinds: str) -> Operation:
        """The operator of one of these kinds that gives a result of that name.

        Raises:
            ConversionError: if there is not exactly one.
        """
        found = [o for o in self.operations.get(name, ()) if o.name in kinds]
        if len(found) != 1:
            raise self.unlike(name)
        return found[0]

    def has_layer(self, name: str) -> bool:
        """Whether an operator with a kernel gives a result of that name."""
        return any(o.name in LAYER_OPERATORS for o in self.operations.get(name, ()))

    def constant(self, name: str, kind: str, size: int) -> FloatArray:
        """The constant operand of an operator, which has so many numbers.

        Raises:
            ConversionError: if there is none.
        """
        for operand in self.operation(name, kind).inputs:
            value = self.graph.constant(operand)
            if value is not None and value.size == size:
                return value.reshape(-1)
        raise self.unlike(name)

    def unlike(self, name: str) -> ConversionError:
        """Says that a file does not hold the network that it says it holds."""
        return ConversionError(
            f"{self.path} is not as its manifest describes it: {name} is missing, has other"
            " weights, or does not belong there"
        )


_Reader: TypeAlias = Callable[[NamedGraph, Node, Shape], Weights]
"""Takes a node and the shape of what it reads; returns its weights by short name."""


def named_graph(path: Path, graph: TracedGraph) -> NamedGraph:
    """A graph with its operators by name.

    Args:
        path: of the file, for messages.
    """
    operations: dict[str, list[Operation]] = {}
    for index, operation in graph.origins.items():
        operations.setdefault(graph.tensors[index].name, []).append(operation)
    return NamedGraph(path, graph, {name: tuple(found) for name, found in operations.items()})


def folded_weights(file: NamedGraph, folded: Network) -> Weights:
    """Weights of the network that a graph was lowered from.

    Args:
        folded: the network, as :func:`.ir.passes.fold` leaves it.

    Raises:
        ConversionError: if the graph has other layers.
    """
    _check_layers(file, folded)
    shapes = node_shapes(folded)
    return {
        f"{node.name}.{weight}": value
        for node in folded.nodes
        if type(node.layer) in READERS
        for weight, value in READERS[type(node.layer)](file, node, shapes[node.inputs[0]]).items()
    }


def _check_layers(file: NamedGraph, folded: Network) -> None:
    """Refuses a graph with other layers than the network's."""
    found = {name for name in file.operations if file.has_layer(name)}
    expected = {
        name
        for node in folded.nodes
        if isinstance(node.layer, Convolution | Dense)
        for name in _operator_names(file, node)
    }
    if different := found ^ expected:
        raise file.unlike(min(different))


def _operator_names(file: NamedGraph, node: Node) -> Iterator[str]:
    """The operators with a kernel that compute a node."""
    if not isinstance(node.layer, Convolution):
        yield node.name
        return
    for tap in _taps(file, node, node.layer):
        yield from _parts(file, tap, node.layer)


def _taps(file: NamedGraph, node: Node, layer: Convolution) -> list[str]:
    """One name for all frames of a kernel, or one for each."""
    frames, *size = layer.kernel
    if frames == 1 or (size == [1, 1] and file.has_layer(node.name)):
        return [node.name]
    return [f"{node.name}.tap_{tap}" for tap in range(frames)]


def _parts(file: NamedGraph, name: str, layer: Convolution) -> list[str]:
    """One name for all groups of a kernel, or one for each."""
    if layer.groups == 1 or file.has_layer(name):
        return [name]
    return [f"{name}.{group}" for group in range(layer.groups)]


def _convolution(file: NamedGraph, node: Node, source: Shape) -> Weights:
    layer = node.layer
    assert isinstance(layer, Convolution)
    taps = _taps(file, node, layer)
    kernels, biases = [], []
    for tap in taps:
        parts = _parts(file, tap, layer)
        read = [_kernel(file, name, layer, source, len(taps), len(parts)) for name in parts]
        kernels.append(np.concatenate([kernel for kernel, _ in read], axis=-1))
        biases.append(np.concatenate([bias for _, bias in read]))
    # The sum over frames is the sum of their biases too.
    return {"kernel": np.concatenate(kernels), "bias": np.sum(biases, axis=0, dtype=np.float32)}


def _kernel(
    file: NamedGraph, name: str, layer: Convolution, source: Shape, taps: int, parts: int
) -> tuple[FloatArray, FloatArray]:
    """Kernel and bias of one operator, in the axes of :class:`.ir.layers.Convolution`.

    Args:
        taps: operators that the frames of the kernel are divided among.
        parts: operators that the groups are divided among.
    """
    frames, height, width = layer.kernel[0] // taps, *layer.kernel[1:]
    filters, channels = layer.filters // parts, source[2]
    operation = file.operation(name, *LAYER_OPERATORS)
    constants = kernel_and_bias(file.graph, operation)
    if constants is None:
        raise file.unlike(name)
    stored, bias = constants
    read = channels if layer.depthwise else channels // layer.groups
    if operation.name == "DEPTHWISE_CONV_2D":
        # One frame, or frames that lie along the height.
        form: tuple[int, ...] = (1, height * frames, width, filters)
    elif operation.name == "FULLY_CONNECTED":
        form, stored = (height * width * frames * read, filters), stored.T
    else:
        form, stored = (height, width, read, filters), stored.transpose(1, 2, 3, 0)
        if parts == 1 and stored.shape[-1] == PAIR * filters and len(bias) == PAIR * filters:
            stored = _unpaired(file, name, stored, layer, source)
            bias = bias[:filters]
    if stored.shape != form or len(bias) != filters:
        raise file.unlike(name)
    axes = (filters,) if layer.depthwise else (read, filters)
    return stored.reshape(frames, height, width, *axes), bias


def _unpaired(
    file: NamedGraph, name: str, stored: FloatArray, layer: Convolution, source: Shape
) -> FloatArray:
    try:
        return unpaired_kernel(stored, layer.kernel[2], layer.stride[0], source[1])
    except ValueError:
        raise file.unlike(name) from None


def _dense(file: NamedGraph, node: Node, source: Shape) -> Weights:
    layer = node.layer
    assert isinstance(layer, Dense)
    constants = kernel_and_bias(file.graph, file.operation(node.name, "FULLY_CONNECTED"))
    if constants is None:
        raise file.unlike(node.name)
    stored, bias = constants
    if stored.shape != (layer.units, int(np.prod(source))) or len(bias) != layer.units:
        raise file.unlike(node.name)
    return {"kernel": stored.T.reshape(*source, layer.units), "bias": bias}


def _parametric_relu(file: NamedGraph, node: Node, source: Shape) -> Weights:
    return {"slope": file.constant(node.name, "PRELU", source[2])}


def _batch_normalization(file: NamedGraph, node: Node, source: Shape) -> Weights:
    """The factor and the offset that its four numbers of a channel come down to."""
    assert isinstance(node.layer, BatchNormalization)
    factor = file.constant(f"{node.name}.scaled", "MUL", source[2])
    norm = neutral_batch_norm(file.constant(node.name, "ADD", source[2]), node.layer.epsilon)
    return {**norm, "gamma": norm["gamma"] * factor}


def _channel_normalization(file: NamedGraph, node: Node, source: Shape) -> Weights:
    return {
        "gamma": file.constant(f"{node.name}.scaled", "MUL", source[2]),
        "beta": file.constant(node.name, "ADD", source[2]),
    }


def _scale(file: NamedGraph, node: Node, _: Shape) -> Weights:
    return {"scale": file.constant(node.name, "MUL", 1)}


def _positional_encoding(file: NamedGraph, node: Node, _: Shape) -> Weights:
    return {"scale": file.constant(f"{node.name}.scaled", "MUL", 1)}


READERS: dict[type[Layer], _Reader] = {
    Convolution: _convolution,
    Dense: _dense,
    ParametricRelu: _parametric_relu,
    BatchNormalization: _batch_normalization,
    ChannelNormalization: _channel_normalization,
    Scale: _scale,
    PositionalEncoding: _positional_encoding,
}
