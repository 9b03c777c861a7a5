"""Writes the two files whose steps tell a machine's peak rates.

    python benchmarks/peak_rates/make_files.py

Eight 1×1 convolutions, 128 channels in and out, on 32×32 pixels: large enough to keep every unit
busy, small enough to stay in a core's second-level cache.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from movistream_converters.tflite.builder import GraphBuilder, Quantization
from movistream_converters.tflite.operators import conv_2d
from movistream_converters.tflite.precision import Precision

DATA = Path(__file__).parents[1] / "movistream_benchmarks" / "data"
SHAPE = (1, 32, 32, 128)
LAYERS = 8


def convolutions(precision: Precision) -> bytes:
    """One file."""
    graph = GraphBuilder(precision)
    quantization = Quantization(0.05, 0) if precision is Precision.INT8 else None
    dtype = "int8" if quantization else "float32"
    x = graph.input("image", SHAPE, dtype, quantization)
    # A rotation by half the channels: nothing grows from layer to layer.
    kernel = np.roll(np.eye(SHAPE[3], dtype=np.float32), SHAPE[3] // 2, axis=1)[None, None]
    bias = np.zeros(SHAPE[3], np.float32)
    for layer in range(LAYERS):
        x = conv_2d(graph, x, f"layer{layer}", kernel, bias, (1, 1), quantization=quantization)
    graph.output("answer", x)
    return graph.pack("peak", {})


def main() -> None:
    """Writes them into the package."""
    for precision in (Precision.FLOAT32, Precision.INT8):
        (DATA / f"peak_{precision.value}.tflite").write_bytes(convolutions(precision))


if __name__ == "__main__":
    main()
