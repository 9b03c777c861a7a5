"""Weights of a .tflite file of this project: its manifest says which operator is which layer.

The lowering names an operator's result as the node that it computes. What it changed on the way is
undone here: kernels over frames, pairs of pixels, and what :mod:`movistream_converters.passes`
folded together. Scales that went into kernels stay there, and are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import msgspec
import numpy as np

from movistream.manifest import Manifest
from movistream_converters.errors import ConversionError
from movistream_converters.formats.recognition import (
    evidence_of_options,
    problem_of_options,
    recognise,
)
from movistream_converters.formats.source import Source
from movistream_converters.formats.tflite_graph import FloatArray, Operation, TracedGraph
from movistream_converters.formats.tflite_layers import LAYER_OPERATORS
from movistream_converters.formats.tflite_weights import NEUTRAL_VARIANCE
from movistream_converters.movinet import MovinetOptions, build_movinet
from movistream_converters.network import (
    HARD_SIGMOIDS,
    Activation,
    ActivationFunction,
    BatchNormalization,
    Convolution,
    Network,
    Node,
    PositionalEncoding,
    Scale,
    layer_weight_shapes,
    node_shapes,
    weight_shapes,
)
from movistream_converters.passes import fold
from movistream_converters.pixel_pairs import PAIR, unpaired_kernel
from movistream_converters.weights import Weights


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
    weights = _Reader(path, graph, network).weights()
    return Source(options, network, weights, findings, labels=manifest.labels)


def _options(path: Path, manifest: Manifest) -> MovinetOptions:
    # Without squeeze-excite there is none.
    gating = ActivationFunction.HARD_SIGMOID.value
    known = {field.name for field in fields(MovinetOptions)}
    if unknown := sorted(manifest.network.keys() - known):
        raise ConversionError(f"{path} describes its network with unknown options: {unknown}")
    try:
        options = msgspec.convert({"gating": gating, **manifest.network}, MovinetOptions)
    except msgspec.ValidationError as error:
        raise ConversionError(f"{path} does not describe its network: {error}") from None
    if (problem := problem_of_options(options)) is not None:
        raise ConversionError(f"{path} says that its network is {problem}")
    return options


class _Reader:
    """Takes the weights of a network from the operators that compute its nodes."""

    def __init__(self, path: Path, graph: TracedGraph, network: Network) -> None:
        self.path = path
        self.graph = graph
        self.network = network
        self.operations = {graph.tensors[index].name: o for index, o in graph.origins.items()}
        self.shapes = node_shapes(network)
        self.unread = {n for n, o in self.operations.items() if o.name in LAYER_OPERATORS}

    def weights(self) -> Weights:
        shapes = weight_shapes(self.network)
        ones = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
        folded, _ = fold(self.network, ones)
        weights: Weights = {}
        for node in folded.nodes:
            match node.layer:
                case Convolution():
                    kernel, bias = self.convolution(node, node.layer)
                    weights[f"{node.name}.kernel"], weights[f"{node.name}.bias"] = kernel, bias
                case PositionalEncoding():
                    weights[f"{node.name}.scale"] = self.scale(node)
        if self.unread:
            raise self.unlike(min(self.unread))
        self.unfold_gates(folded, weights)
        for node in self.network.nodes:
            match node.layer:
                case BatchNormalization():
                    bias = weights.pop(f"{node.inputs[0]}.bias")
                    weights[f"{node.name}.gamma"] = np.ones_like(bias)
                    weights[f"{node.name}.beta"] = bias
                    weights[f"{node.name}.mean"] = np.zeros_like(bias)
                    weights[f"{node.name}.variance"] = np.full_like(bias, NEUTRAL_VARIANCE)
                case Scale():
                    weights[f"{node.name}.scale"] = np.ones((), np.float32)
        return {name: weights[name].reshape(shape) for name, shape in shapes.items()}

    def unfold_gates(self, folded: Network, weights: Weights) -> None:
        """Undoes :func:`.passes.fold_hard_sigmoid`."""
        functions = {
            n.name: n.layer.function for n in folded.nodes if isinstance(n.layer, Activation)
        }
        for node in self.network.nodes:
            if (
                not isinstance(node.layer, Activation)
                or functions[node.name] == node.layer.function
            ):
                continue
            slope, factor = HARD_SIGMOIDS[node.layer.function]
            expand, block = node.inputs[0], node.name.partition(".")[0]
            weights[f"{expand}.kernel"] = weights[f"{expand}.kernel"] / np.float32(slope)
            bias = weights[f"{expand}.bias"]
            weights[f"{expand}.bias"] = (bias - np.float32(3)) / np.float32(slope)
            projection = f"{block}.projection.conv.kernel"
            weights[projection] = weights[projection] / np.float32(factor)

    def convolution(self, node: Node, layer: Convolution) -> tuple[FloatArray, FloatArray]:
        frames, *size = layer.kernel
        if frames == 1 or size == [1, 1]:
            kernel, bias = self.operands(node.name)
            return self.kernel(node, layer, kernel), bias[: layer.filters]
        taps = [self.operands(f"{node.name}.tap_{tap}") for tap in range(frames)]
        kernels = [self.kernel(node, layer, kernel) for kernel, _ in taps]
        return np.concatenate(kernels), taps[-1][1]

    def kernel(self, node: Node, layer: Convolution, stored: FloatArray) -> FloatArray:
        """A kernel, or one tap of it, in the axes of :class:`.network.Convolution`."""
        _, width, channels = self.shapes[node.inputs[0]]
        shape = layer_weight_shapes(layer, channels)["kernel"]
        if layer.kernel[1:] != (1, 1):
            shape = (1, *shape[1:])
        try:
            if stored.ndim == 2:
                stored = stored.T
            elif not layer.depthwise:
                stored = stored.transpose(1, 2, 3, 0)
            if stored.shape[-1] == PAIR * layer.filters:
                stored = unpaired_kernel(stored, layer.kernel[2], layer.stride, width)
            return stored.reshape(shape)
        except ValueError:
            raise self.unlike(node.name) from None

    def operands(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Kernel and bias of an operator."""
        operation = self.operation(name)
        self.unread.discard(name)
        kernel, bias = [*map(self.graph.constant, operation.inputs[1:3]), None, None][:2]
        if kernel is None or bias is None:
            raise self.unlike(name)
        return kernel, bias

    def scale(self, node: Node) -> FloatArray:
        for operand in self.operation(f"{node.name}.scaled").inputs:
            if (constant := self.graph.constant(operand)) is not None and constant.size == 1:
                return constant
        raise self.unlike(node.name)

    def operation(self, name: str) -> Operation:
        if name not in self.operations:
            raise self.unlike(name)
        return self.operations[name]

    def unlike(self, name: str) -> ConversionError:
        return ConversionError(
            f"{self.path} is not as its manifest describes it: {name} is missing, has other"
            " weights, or does not belong there"
        )
