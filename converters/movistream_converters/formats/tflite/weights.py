"""Weights and options of a network that was found in the graph of a .tflite file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from movistream.file.graph import Signature
from movistream_converters.formats.model_garden.arrays import read_network, shapes_of
from movistream_converters.formats.model_garden.names import BATCH_NORM_VARIABLES, variable_paths
from movistream_converters.formats.movinet_table import with_strides
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.source import Source
from movistream_converters.formats.tflite.graph import TracedGraph, UnlikeError
from movistream_converters.formats.tflite.layers import Linear
from movistream_converters.formats.tflite.network import FoundNetwork, find_network
from movistream_converters.formats.tflite.states import check_states
from movistream_converters.ir.layers import BatchNormalization, Convolution
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights, neutral_batch_norm
from movistream_converters.networks.movinet import SqueezeExciteType

_Kind = TypeVar("_Kind")


def read(
    path: Path,
    graph: TracedGraph,
    signature: Signature | None,
    architecture: str | None,
    overrides: Mapping[str, object],
) -> Source:
    """Recognises the network of a graph that carries no manifest.

    Args:
        path: of the file, for messages.
        signature: of the graph, which says what states are called.

    Raises:
        UnlikeError: if it is no MoViNet stream model.
        ConversionError: if it does not fit the architecture or the overrides.
    """
    found = find_network(graph)
    inputs, outputs = ({}, {}) if signature is None else (signature.inputs, signature.outputs)
    check_states(graph, found.image, inputs, outputs)
    layers = _layers(found)
    arrays = _arrays(layers) | _scales(found)
    evidence = evidence_of_shapes(shapes_of(arrays))
    strides = [block.feature.stride for block in found.blocks]
    evidence = replace(
        evidence,
        table=None if evidence.table is None else with_strides(evidence.table, strides),
        strides_are_shown=True,
        where="the graph",
        se_types=(_one("squeeze-excite", _se_types(found)),),
        shown=_shown_options(found, graph.tensors[found.image].shape),
    )
    source = read_network(path, arrays, (), evidence, architecture, overrides)
    _check_geometry(layers, source.network)
    return source


def _layers(found: FoundNetwork) -> dict[str, Linear]:
    """By the paths of their kernels (:mod:`.formats.model_garden.names`)."""
    layers = {"0/_stem/_conv": found.stem}
    for number, block in enumerate(found.blocks, 1):
        layers[f"{number}/_expansion/_conv"] = block.expansion
        layers[f"{number}/_feature/_conv"] = block.feature
        if block.temporal is not None:
            layers[f"{number}/_feature/_conv_temporal"] = block.temporal
        if block.gate is not None:
            layers[f"{number}/_attention/_se_reduce/_conv"] = block.gate.reduce
            layers[f"{number}/_attention/_se_expand/_conv"] = block.gate.expand
        layers[f"{number}/_projection/_conv"] = block.projection
        if block.skip is not None:
            layers[f"{number}/_skip/_projection/_conv"] = block.skip
    layers[f"{len(found.blocks) + 1}/_project/_conv"] = found.project
    return layers | {"_head/_conv": found.hidden, "_classifier/_conv": found.classifier}


def _arrays(layers: Mapping[str, Linear]) -> Weights:
    """Kernels, and biases where Model Garden has them; elsewhere batch norms that only add one."""
    arrays: Weights = {}
    for path, layer in layers.items():
        arrays[f"{path}/kernel"] = layer.kernel
        if path.startswith("_") or "/_attention/" in path:
            arrays[f"{path}/bias"] = layer.bias
            continue
        for variable, value in neutral_batch_norm(layer.bias, BatchNormalization().epsilon).items():
            name = BATCH_NORM_VARIABLES.get(variable, variable)
            arrays[f"{path.replace('_conv', '_batch_norm')}/{name}"] = value
    return arrays


def _scales(found: FoundNetwork) -> Weights:
    scales = {}
    for number, block in enumerate(found.blocks, 1):
        scales[f"{number}/_mobile_bottleneck/_rezero"] = block.scale
        if block.gate is not None and block.gate.position_scale is not None:
            scales[f"{number}/_attention/_pos_encoding/_rezero"] = block.gate.position_scale
    return {f"{path}/scale": np.array(scale, np.float32) for path, scale in scales.items()}


def _se_types(found: FoundNetwork) -> set[SqueezeExciteType]:
    return {
        SqueezeExciteType.NONE if block.gate is None else block.gate.kind for block in found.blocks
    }


def _shown_options(found: FoundNetwork, image_shape: tuple[int, ...]) -> dict[str, object]:
    height, width, _ = image_shape[-3:]
    if height != width:
        raise UnlikeError(f"it takes frames of {width} x {height} pixels, not square ones")
    gates = [block.gate for block in found.blocks if block.gate is not None]
    shown: dict[str, object] = {
        "activation": _one("activation", {layer.function for layer in _trunk(found)}),
        "head_activation": found.hidden.function,
        "image_size": height,
    }
    if gates:
        shown["gating"] = _one("gating", {gate.expand.function for gate in gates})
    return shown


def _trunk(found: FoundNetwork) -> Iterator[Linear]:
    """The layers that have the activation of the blocks."""
    yield from (found.stem, found.project)
    for block in found.blocks:
        yield from (block.expansion, block.feature)
        if block.temporal is not None:
            yield block.temporal
        if block.gate is not None:
            yield block.gate.reduce


def _one(what: str, kinds: set[_Kind]) -> _Kind:
    """What all blocks have."""
    if len(kinds) != 1:
        names = ", ".join(sorted(str(getattr(kind, "value", kind)) for kind in kinds))
        raise UnlikeError(f"it mixes kinds of {what}: {names or 'none'}")
    return next(iter(kinds))


def _check_geometry(layers: Mapping[str, Linear], network: Network) -> None:
    """Strides and paddings, which shapes of weights do not show."""
    names = {path: name for name, path in variable_paths(network).items()}
    expected = {node.name: node.layer for node in network.nodes}
    for path, layer in layers.items():
        name = names[f"{path}/kernel"].removesuffix(".kernel")
        convolution = expected[name]
        assert isinstance(convolution, Convolution)
        frames, *size = convolution.kernel
        # A temporal kernel lies along the height, and is not padded; one pixel needs no padding.
        padded = frames == 1
        if (layer.stride, layer.stride) != convolution.stride:
            raise UnlikeError(f"{name} has stride {layer.stride}, not {convolution.stride[0]}")
        if layer.same_padding != padded and (frames, *size) != (1, 1, 1):
            raise UnlikeError(f"{name} has {'no' if padded else 'SAME'} padding")
