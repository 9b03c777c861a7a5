"""Weights and options of a network that was found in the graph of a .tflite file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.source import Source
from movistream_converters.formats.tensorflow_variables import array_variables, read_network
from movistream_converters.formats.tflite_graph import TracedGraph
from movistream_converters.formats.tflite_layers import Linear, UnlikeError
from movistream_converters.formats.tflite_network import FoundNetwork, find_network
from movistream_converters.movinet import SqueezeExciteType
from movistream_converters.network import BatchNormalization, Convolution, Network

_Kind = TypeVar("_Kind")
Arrays = dict[str, npt.NDArray[np.float32]]

NEUTRAL_VARIANCE = np.float32(1.0 - BatchNormalization().epsilon)
"""With it, a batch norm divides by one."""


def read(
    path: Path,
    graph: TracedGraph,
    architecture: str | None,
    overrides: Mapping[str, object],
) -> Source:
    """Recognises the network of a graph that carries no manifest.

    Args:
        path: of the file, for messages.

    Raises:
        ConversionError: if it is no MoViNet stream model, or does not fit the architecture or the
            overrides.
    """
    try:
        found = find_network(graph)
    except UnlikeError as error:
        raise ConversionError(f"{path} is no MoViNet stream model: {error}") from None
    variables = array_variables(_by_model_garden_path(found))
    evidence = replace(
        evidence_of_shapes(variables.shapes),
        where="the graph",
        se_types=(_one(path, "squeeze-excite", _se_types(found)),),
        shown=_shown_options(path, found),
    )
    source = read_network(path, variables, evidence, architecture, overrides)
    _check_strides(path, found, source.network)
    return source


def _se_types(found: FoundNetwork) -> set[SqueezeExciteType]:
    return {
        SqueezeExciteType.NONE if block.gate is None else block.gate.kind for block in found.blocks
    }


def _by_model_garden_path(found: FoundNetwork) -> Arrays:
    """Weights in Model Garden's names and axes (:mod:`.model_garden_names`)."""
    arrays = _normalised("0/_stem", found.stem)
    for number, block in enumerate(found.blocks, 1):
        arrays |= _normalised(f"{number}/_expansion", block.expansion)
        arrays |= _normalised(f"{number}/_feature", block.feature)
        if block.temporal is not None:
            arrays |= _normalised(f"{number}/_feature", block.temporal, "_temporal")
        if block.gate is not None:
            arrays |= _plain(f"{number}/_attention/_se_reduce", block.gate.reduce)
            arrays |= _plain(f"{number}/_attention/_se_expand", block.gate.expand)
            if block.gate.position_scale is not None:
                name = f"{number}/_attention/_pos_encoding/_rezero/scale"
                arrays[name] = np.array(block.gate.position_scale, np.float32)
        arrays |= _normalised(f"{number}/_projection", block.projection)
        name = f"{number}/_mobile_bottleneck/_rezero/scale"
        arrays[name] = np.array(block.scale, np.float32)
        if block.skip is not None:
            arrays |= _normalised(f"{number}/_skip/_projection", block.skip)
    arrays |= _normalised(f"{len(found.blocks) + 1}/_project", found.project)
    return arrays | _plain("_head", found.hidden) | _plain("_classifier", found.classifier)


def _plain(path: str, layer: Linear) -> Arrays:
    return {f"{path}/_conv/kernel": layer.kernel, f"{path}/_conv/bias": layer.bias}


def _normalised(path: str, layer: Linear, suffix: str = "") -> Arrays:
    """A layer and a batch norm that only adds its bias."""
    norm = f"{path}/_batch_norm{suffix}"
    return {
        f"{path}/_conv{suffix}/kernel": layer.kernel,
        f"{norm}/gamma": np.ones_like(layer.bias),
        f"{norm}/beta": layer.bias,
        f"{norm}/moving_mean": np.zeros_like(layer.bias),
        f"{norm}/moving_variance": np.full_like(layer.bias, NEUTRAL_VARIANCE),
    }


def _shown_options(path: Path, found: FoundNetwork) -> dict[str, object]:
    height, width, _ = found.image_shape[-3:]
    if height != width:
        raise ConversionError(f"{path} takes frames of {width} x {height} pixels, not square ones")
    gates = [block.gate for block in found.blocks if block.gate is not None]
    shown: dict[str, object] = {
        "activation": _one(path, "activation", {layer.function for layer in _trunk(found)}),
        "head_activation": found.hidden.function,
        "image_size": height,
    }
    if gates:
        shown["gating"] = _one(path, "gating", {gate.expand.function for gate in gates})
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


def _one(path: Path, what: str, kinds: set[_Kind]) -> _Kind:
    """What all blocks have."""
    if len(kinds) > 1:
        names = ", ".join(sorted(str(getattr(kind, "value", kind)) for kind in kinds))
        raise ConversionError(f"{path} mixes kinds of {what}: {names}")
    return next(iter(kinds))


def _check_strides(path: Path, found: FoundNetwork, network: Network) -> None:
    """Shapes of weights do not show them."""
    layers = {node.name: node.layer for node in network.nodes}
    shown = [("stem.conv", "stem.conv", found.stem.stride)]
    features = [name for name in layers if name.endswith(".feature.conv")]
    for name, block in zip(features, found.blocks, strict=True):
        shown.append((name, name, block.feature.stride))
        shown.append((name.replace(".feature.conv", ".skip"), name, block.skip_stride))
    for name, of, stride in shown:
        layer = layers[of]
        assert isinstance(layer, Convolution)
        if stride != layer.stride:
            raise ConversionError(
                f"{path} has stride {stride} in {name}, and {network.name} {layer.stride}"
            )
