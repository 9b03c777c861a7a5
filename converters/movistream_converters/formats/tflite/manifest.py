"""Weights of a .tflite file of this project: its manifest says which operator is which layer.

The lowering names an operator's result as the node that it computes. What it changed on the way is
undone here: kernels over frames, pairs of pixels, and what :mod:`movistream_converters.ir.passes`
folded together. Scales that went into kernels stay there, and are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
import numpy as np

from movistream.file.manifest import Manifest
from movistream_converters.errors import ConversionError
from movistream_converters.formats.recognition import (
    evidence_of_options,
    problem_of_options,
    recognise,
)
from movistream_converters.formats.source import Source
from movistream_converters.formats.tflite.graph import (
    FloatArray,
    Operation,
    TracedGraph,
    kernel_and_bias,
)
from movistream_converters.formats.tflite.layers import LAYER_OPERATORS
from movistream_converters.ir.layers import (
    RULES,
    ActivationFunction,
    Convolution,
    PositionalEncoding,
    Shape,
)
from movistream_converters.ir.network import Network, Node, node_shapes, weight_shapes
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import MovinetOptions, build_movinet
from movistream_converters.tflite.pixel_pairs import PAIR, unpaired_kernel


@dataclass(frozen=True)
class _File:
    """A graph whose operators are known by the names of their results.

    Attributes:
        path: for messages.
    """

    path: Path
    graph: TracedGraph
    operations: Mapping[str, Operation]

    def operation(self, name: str) -> Operation:
        if name not in self.operations:
            raise self.unlike(name)
        return self.operations[name]

    def unlike(self, name: str) -> ConversionError:
        return ConversionError(
            f"{self.path} is not as its manifest describes it: {name} is missing, has other"
            " weights, or does not belong there"
        )


def read(
    path: Path,
    graph: TracedGraph,
    manifest: Manifest,
    architecture: str | None,
    overrides: Mapping[str, object],
) -> Source:
    """The network that a manifest describes, with the weights of its graph.

    Args:
        path: of the file, for messages.
        manifest: that fits the graph.

    Raises:
        ConversionError: if the graph is not as the manifest describes it, or does not fit the
            architecture or the overrides.
    """
    described = _options(path, manifest)
    evidence = evidence_of_options(described, "the manifest", guessed=())
    options, findings = recognise(path, evidence, architecture, overrides)
    network = build_movinet(options)
    operations = {graph.tensors[index].name: o for index, o in graph.origins.items()}
    weights = _weights(_File(path, graph, operations), network)
    return Source(options, network, weights, findings, labels=manifest.labels)


def _options(path: Path, manifest: Manifest) -> MovinetOptions:
    known = {field.name for field in fields(MovinetOptions)}
    if unknown := sorted(manifest.network.keys() - known):
        raise ConversionError(f"{path} describes its network with unknown options: {unknown}")
    # Without squeeze-excite there is none.
    gating = ActivationFunction.HARD_SIGMOID.value
    try:
        options = msgspec.convert({"gating": gating, **manifest.network}, MovinetOptions)
    except msgspec.ValidationError as error:
        raise ConversionError(f"{path} does not describe its network: {error}") from None
    if (problem := problem_of_options(options)) is not None:
        raise ConversionError(f"{path} describes its network wrongly: {problem}")
    return options


def _weights(file: _File, network: Network) -> Weights:
    shapes = weight_shapes(network)
    # Only the form of the folded network is of interest.
    folded, _ = fold(network, {name: np.ones(shape, np.float32) for name, shape in shapes.items()})
    _check_layers(file, folded)
    frames = node_shapes(network)
    weights: Weights = {}
    for node in folded.nodes:
        match node.layer:
            case Convolution() as layer:
                kernel, bias = _convolution(file, node, layer, frames[node.inputs[0]])
                weights[f"{node.name}.kernel"], weights[f"{node.name}.bias"] = kernel, bias
            case PositionalEncoding():
                weights[f"{node.name}.scale"] = _scale(file, node)
    return unfold(network, weights)


def _check_layers(file: _File, folded: Network) -> None:
    """Refuses a graph with other layers than the network's."""
    found = {name for name, o in file.operations.items() if o.name in LAYER_OPERATORS}
    expected = {
        name
        for node in folded.nodes
        if isinstance(node.layer, Convolution)
        for name in _operator_names(node, node.layer)
    }
    if different := found ^ expected:
        raise file.unlike(min(different))


def _operator_names(node: Node, layer: Convolution) -> Iterator[str]:
    """The operators that compute a convolution: one, or one for each frame of a joint kernel."""
    frames, *size = layer.kernel
    if frames == 1 or size == [1, 1]:
        yield node.name
    else:
        yield from (f"{node.name}.tap_{tap}" for tap in range(frames))


def _convolution(
    file: _File, node: Node, layer: Convolution, source: Shape
) -> tuple[FloatArray, FloatArray]:
    """Kernel and bias; the newest frame's operator has the bias."""
    kernels = []
    for name in _operator_names(node, layer):
        constants = kernel_and_bias(file.graph, file.operation(name))
        if constants is None:
            raise file.unlike(name)
        stored, bias = constants
        try:
            kernels.append(_kernel(layer, stored, source))
        except ValueError:
            raise file.unlike(name) from None
    if len(bias) < layer.filters:
        raise file.unlike(node.name)
    return np.concatenate(kernels), bias[: layer.filters]


def _kernel(layer: Convolution, stored: FloatArray, source: Shape) -> FloatArray:
    """A kernel, or one frame of it, in the axes of :class:`.ir.network.Convolution`.

    Raises:
        ValueError: if it has another shape.
    """
    width = source[1]
    shape = RULES[Convolution].weights(layer, (source,))["kernel"]
    if layer.kernel[1:] != (1, 1):
        shape = (1, *shape[1:])
    if stored.ndim == 2:
        stored = stored.T
    elif not layer.depthwise:
        stored = stored.transpose(1, 2, 3, 0)
    if stored.shape[-1] == PAIR * layer.filters:
        stored = unpaired_kernel(stored, layer.kernel[2], layer.stride[0], width)
    kernel: FloatArray = stored.reshape(shape)
    return kernel


def _scale(file: _File, node: Node) -> FloatArray:
    for operand in file.operation(f"{node.name}.scaled").inputs:
        constant = file.graph.constant(operand)
        if constant is not None and constant.size == 1:
            return constant
    raise file.unlike(node.name)
