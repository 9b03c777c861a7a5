"""From arrays in Model Garden's names and axes to a network and its weights.

Most kinds of files are brought to this form: arrays by the normalised paths of
:mod:`.names`, kernels in any of the shapes that checkpoints have.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden.names import stored_kernel_shapes, variable_paths
from movistream_converters.formats.recognition import Evidence, looks_like, recognise
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import Convolution
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.weights import Mismatch, Weights, non_finite
from movistream_converters.networks.movinet import build_movinet

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


def shapes_of(arrays: Arrays) -> dict[str, tuple[int, ...]]:
    """By path."""
    return {path: array.shape for path, array in arrays.items()}


def read_network(
    path: Path,
    arrays: Arrays,
    unused: tuple[str, ...],
    evidence: Evidence,
    architecture: str | None,
    overrides: Mapping[str, object] | None,
) -> Source:
    """Recognises the network of some arrays, and takes its weights.

    Args:
        path: of the file, for messages.
        arrays: of a MoViNet's layers.
        unused: names of what the file holds besides.
        evidence: of the arrays' shapes, and of what else the file shows.

    Raises:
        ConversionError: if it is no MoViNet stream model, does not fit the architecture or the
            overrides, or its weights are no finite numbers.
    """
    options, findings = recognise(path, evidence, architecture, overrides or {})
    network = build_movinet(options)
    return Source(
        network,
        _weights(path, arrays, network),
        frames_per_second=options.frames_per_second,
        findings=findings,
        unused=unused,
    )


def _weights(path: Path, arrays: Arrays, network: Network) -> Weights:
    """A network's weights under their canonical names."""
    shapes = shapes_of(arrays)
    layers = {node.name: node.layer for node in network.nodes}
    paths = variable_paths(network)
    expected_shapes = weight_shapes(network)
    missing, wrong_shape = [], []
    for name, expected in expected_shapes.items():
        found = shapes.get(paths[name])
        node, _, weight = name.rpartition(".")
        layer = layers[node]
        forms = [expected]
        if isinstance(layer, Convolution) and weight == "kernel":
            forms = stored_kernel_shapes(layer, expected)
        if found is None:
            missing.append(name)
        elif found not in forms:
            nearest = next((form for form in forms if len(form) == len(found)), forms[0])
            wrong_shape.append((name, nearest, found))
    unexpected = sorted(set(shapes) - set(paths.values()))
    mismatch = Mismatch(tuple(missing), tuple(unexpected), tuple(wrong_shape))
    if mismatch:
        raise ConversionError(
            f"{path} does not fit {network.name}{looks_like(shapes, network)}:\n"
            + mismatch.describe()
        )
    weights: Weights = {}
    for name, expected in expected_shapes.items():
        value = arrays[paths[name]]
        # bfloat16 is not numpy's own.
        if value.dtype.kind != "f" and value.dtype.name != "bfloat16":
            raise ConversionError(f"{path} holds {value.dtype} numbers in {name}")
        weights[name] = np.asarray(value, np.float32).reshape(expected)
    if names := non_finite(weights):
        raise ConversionError(f"{path} holds NaN or infinite weights, first in {names[0]}")
    return weights
