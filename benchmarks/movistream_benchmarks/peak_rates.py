"""How fast this machine can be: the rates that a step's work is compared with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Literal

import numpy as np

from movistream.engines import open_engine
from movistream.engines.options import EngineOptions
from movistream.file.graph import Graph, map_file, read_model_file
from movistream.file.inspection import multiply_adds

Arithmetic = Literal["float32", "int8"]

_COPIED_BYTES = 2**26
_SECONDS = 0.4


@dataclass(frozen=True)
class PeakRates:
    """The best of many tries.

    Attributes:
        threads: that computed.
        multiply_adds_per_s: of 1×1 convolutions with 128 channels, in the same engine, by the
            arithmetic of their kernels.
        bytes_per_s: read and written by one thread that copies memory beyond the caches.
    """

    threads: int
    multiply_adds_per_s: dict[Arithmetic, float]
    bytes_per_s: float


def measure_peak_rates(engine: str, threads: int) -> PeakRates:
    """Takes about a second.

    Raises:
        EngineError: if the engine cannot be had.
    """
    source, target = np.ones(_COPIED_BYTES, np.uint8), np.zeros(_COPIED_BYTES, np.uint8)
    copied_s = _shortest_s(lambda: np.copyto(target, source))
    return PeakRates(
        threads=threads,
        multiply_adds_per_s={
            "float32": _convolution_rate("float32", engine, threads),
            "int8": _convolution_rate("int8", engine, threads),
        },
        bytes_per_s=2 * _COPIED_BYTES / copied_s,
    )


def multiply_adds_by_arithmetic(graph: Graph) -> dict[Arithmetic, int]:
    """A graph's multiply-adds by what their kernels are: int8 (int4 too), or float."""
    counts: dict[Arithmetic, int] = {"float32": 0, "int8": 0}
    for operator in graph.operators:
        if count := multiply_adds(graph, operator):
            kernel = graph.tensors[operator.inputs[1]].dtype
            counts["int8" if kernel in ("int8", "int4") else "float32"] += count
    return counts


def floor_ms(graph: Graph, peak: PeakRates) -> float:
    """A step that did nothing but its multiply-adds, each at the peak rate."""
    counts = multiply_adds_by_arithmetic(graph)
    return 1e3 * math.fsum(
        count / peak.multiply_adds_per_s[arithmetic] for arithmetic, count in counts.items()
    )


def _convolution_rate(arithmetic: Arithmetic, engine: str, threads: int) -> float:
    resource = files("movistream_benchmarks") / "data" / f"peak_{arithmetic}.tflite"
    with as_file(resource) as path:
        with map_file(path) as data:
            graph = read_model_file(data, str(path)).signatures["peak"].graph
        _, opened = open_engine(engine, path, "peak", EngineOptions(threads))
        inputs = [opened.create_input(name) for name in opened.input_names]
        outputs = [opened.create_output(name) for name in opened.output_names]
        tensor = graph.tensors[graph.inputs[0]]
        opened.write(inputs[0], np.ones(tensor.shape, tensor.dtype))
        shortest_s = _shortest_s(lambda: opened.run(inputs, outputs))
        opened.close()
    return sum(multiply_adds_by_arithmetic(graph).values()) / shortest_s


def _shortest_s(act: Callable[[], None]) -> float:
    """Of the times that it takes while it is tried again and again."""
    shortest, end = math.inf, time.perf_counter() + _SECONDS
    while (begin := time.perf_counter()) < end or shortest == math.inf:
        act()
        shortest = min(shortest, time.perf_counter() - begin)
    return shortest
