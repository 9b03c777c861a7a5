"""The kernels that a file holds: those of its network, rounded to its precision.

A network magnifies what rounding takes from its weights, an untrained one a hundred times. A file
is therefore compared with the network that has the file's own kernels, so that what they differ by
is the arithmetic of the file alone; and its kernels are compared with the network's one by one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from movistream.file.graph import read_model_file
from movistream_converters.errors import UnfaithfulError
from movistream_converters.formats.tflite.graph import trace
from movistream_converters.formats.tflite.named import folded_weights, named_graph
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights, node_and_weight
from movistream_converters.tflite.builder import INT4_HIGHEST, INT8_HIGHEST
from movistream_converters.tflite.precision import Precision

_HALF_A_STEP = {
    Precision.FLOAT32: 0.0,
    Precision.FLOAT16: 2.0**-11,
    Precision.DYNAMIC: 0.5 / INT8_HIGHEST,
    Precision.INT8: 0.5 / INT4_HIGHEST,
}
"""Of the largest number of a kernel's output channel; int8 files hold some kernels as int4."""
_FLOAT32_STEP = 2.0**-20
_SMALLEST_HALF_STEP = 2.0**-25
"""Of float16, whose numbers do not become finer below 2⁻¹⁴."""


def with_stored_kernels(
    path: Path, network: Network, weights: Weights, precision: Precision
) -> Weights:
    """The weights of a network, with the kernels as a file holds them.

    Args:
        path: of a file that was lowered from the network.
        network: folded, as it was lowered.

    Raises:
        ConversionError: if the file has other layers.
        UnfaithfulError: if a kernel is not the network's, rounded.
    """
    data = path.read_bytes()
    file = read_model_file(data, str(path))
    graph = named_graph(path, trace(file, file.graphs[0], data, str(path)))
    stored = {
        name: value
        for name, value in folded_weights(graph, network).items()
        if node_and_weight(name)[1] == "kernel"
    }
    for name, kernel in stored.items():
        expected = weights[name]
        largest = np.abs(expected).max(axis=tuple(range(expected.ndim - 1)))
        lost = np.abs(kernel - expected).max(axis=tuple(range(expected.ndim - 1)))
        most = largest * (_HALF_A_STEP[precision] + _FLOAT32_STEP) + _SMALLEST_HALF_STEP
        if not (lost <= most).all():
            raise UnfaithfulError(f"{name} is not the network's, rounded to {precision.value}")
    return {**weights, **stored}
