"""All that one benchmark found, as data for tables, JSON and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from movistream.file.activation_memory import ActivationMemory, activation_memory
from movistream.file.graph import map_file, read_model_file
from movistream.file.inspection import Inspection, inspect_file
from movistream.stream.agreement import cosine
from movistream_benchmarks.contender import Contender
from movistream_benchmarks.figures import (
    NOISY,
    Distribution,
    Ratio,
    disagreements,
    inference,
    noise,
    preprocessing,
    ratio,
)
from movistream_benchmarks.machine import Machine, describe_machine
from movistream_benchmarks.peak_rates import PeakRates, floor_ms, measure_peak_rates
from movistream_benchmarks.rounds import Measurement, measure
from movistream_benchmarks.work import Work, work_by_type
from movistream_benchmarks.worker import FrameMemory, Start


@dataclass(frozen=True)
class Result:
    """One contender's figures.

    Attributes:
        name: tells it from the others.
        file: what is in its file.
        inference: from the prepared image to the logits.
        preprocessing: from the frame to the prepared image.
        ratio: of inference to the first contender's.
        noise: see :func:`.figures.noise`.
        cosine_to_first: of its last answer to the first contender's; None where
            classes or streams differ.
        activations: memory of intermediate tensors.
        work: by operator name.
        floor_ms: see :func:`.peak_rates.floor_ms`.
    """

    name: str
    contender: Contender
    file: Inspection
    start: Start
    inference: Distribution
    preprocessing: Distribution
    ratio: Ratio
    noise: float
    cosine_to_first: float | None
    memory: FrameMemory
    activations: ActivationMemory
    work: dict[str, Work]
    floor_ms: float

    @property
    def frames_per_second(self) -> float:
        """That a process can do, all its streams together."""
        return 1e3 / (self.preprocessing.median + self.inference.median)


@dataclass(frozen=True)
class Benchmark:
    """One run.

    Attributes:
        rounds: that count.
        frames: of each round.
        peaks: by number of threads.
        results: in the order of the contenders.
        warnings: what makes the figures doubtful.
        errors: where an answer was not as it has to be.
    """

    machine: Machine
    rounds: int
    frames: int
    peaks: dict[int, PeakRates]
    results: tuple[Result, ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


def run_benchmark(
    contenders: Sequence[Contender],
    rounds: int,
    frames: int,
    on_turn: Callable[[], None] = lambda: None,
) -> Benchmark:
    """Measures contenders, and computes what their files need.

    Arguments are those of :func:`.rounds.measure`.

    Raises:
        MovistreamError: if a file or engine is refused, or its answers change from round to round.
    """
    files = [inspect_file(contender.path) for contender in contenders]
    machine = describe_machine()
    measurements = measure(contenders, rounds, frames, on_turn)
    peaks = {
        threads: measure_peak_rates("auto", threads)
        for threads in sorted({contender.threads for contender in contenders})
    }
    results = tuple(
        _result(name, file, measurement, measurements[0], peaks)
        for name, file, measurement in zip(_names(measurements), files, measurements, strict=True)
    )
    return Benchmark(
        machine=machine,
        rounds=rounds,
        frames=frames,
        peaks=peaks,
        results=results,
        warnings=_noise_warnings(results),
        errors=tuple(disagreements(measurements)),
    )


def one_of_each_file(results: Sequence[Result]) -> list[Result]:
    """Results for what a file alone decides, however often it was run."""
    return list({result.contender.path: result for result in results}.values())


def as_dictionary(benchmark: Benchmark) -> dict[str, Any]:
    """Plain JSON types."""
    return {
        "machine": asdict(benchmark.machine),
        "rounds": benchmark.rounds,
        "frames": benchmark.frames,
        "peak_rates": [asdict(peak) for peak in benchmark.peaks.values()],
        "results": [_as_dictionary(result) for result in benchmark.results],
        "warnings": list(benchmark.warnings),
        "errors": list(benchmark.errors),
    }


def _as_dictionary(result: Result) -> dict[str, Any]:
    contender = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(result.contender).items()
    }
    return {
        "name": result.name,
        "contender": contender,
        "network": result.file.manifest.name,
        "precision": result.file.quantization,
        "file_bytes": result.file.file_bytes,
        "weight_bytes": result.file.weight_bytes,
        "state_bytes": sum(result.file.state_bytes.values()),
        "frames_per_second": result.frames_per_second,
        "start": asdict(result.start),
        "inference_ms": asdict(result.inference),
        "preprocess_ms": asdict(result.preprocessing),
        "ratio": asdict(result.ratio),
        "noise": result.noise,
        "cosine_to_first": result.cosine_to_first,
        "memory_over_frames": asdict(result.memory),
        "activations": {
            **asdict(result.activations),
            "floor_bytes": result.activations.floor_bytes,
        },
        "work": {name: asdict(work) for name, work in result.work.items()},
        "floor_ms": result.floor_ms,
    }


def _result(
    name: str,
    file: Inspection,
    measurement: Measurement,
    first: Measurement,
    peaks: dict[int, PeakRates],
) -> Result:
    path = measurement.contender.path
    with map_file(path) as data:
        graph = read_model_file(data, str(path)).signatures[file.manifest.signature].graph
    answer, measure_of = measurement.rounds[-1].last_logits, first.rounds[-1].last_logits
    same_streams = measurement.contender.streams == first.contender.streams
    comparable = same_streams and answer.shape == measure_of.shape
    return Result(
        name=name,
        contender=measurement.contender,
        file=file,
        start=measurement.start,
        inference=inference(measurement),
        preprocessing=preprocessing(measurement),
        ratio=ratio(measurement, first),
        noise=noise(measurement),
        cosine_to_first=cosine(answer, measure_of) if comparable else None,
        memory=measurement.memory,
        activations=activation_memory(graph),
        work=work_by_type(graph),
        floor_ms=floor_ms(graph, peaks[measurement.contender.threads]),
    )


def _names(measurements: Sequence[Measurement]) -> list[str]:
    """Each contender's file, and what else it takes to tell it from the others."""
    contenders = [measurement.contender for measurement in measurements]
    own = [each.start.engine for each in measurements if not each.contender.published_loop]
    stems: dict[str, set[Path]] = {}
    for contender in contenders:
        stems.setdefault(contender.path.stem, set()).add(contender.path)
    names = []
    for measurement in measurements:
        contender, start = measurement.contender, measurement.start
        path = contender.path
        parts = [path.stem if len(stems[path.stem]) == 1 else f"{path.parent.name}/{path.stem}"]
        if contender.published_loop:
            parts.append("published loop")
        elif len(set(own)) > 1:
            parts.append(start.engine)
        if len({each.threads for each in contenders}) > 1:
            parts.append(f"{contender.threads} thread{'s' if contender.threads > 1 else ''}")
        if len({each.streams for each in contenders}) > 1:
            parts.append(f"{contender.streams} stream{'s' if contender.streams > 1 else ''}")
        if start.arithmetic != "float32":
            parts.append(f"{start.arithmetic} arithmetic")
        if contender.weight_cache is not None:
            parts.append("weight cache")
        names.append(", ".join(parts))
    return names


def _noise_warnings(results: Sequence[Result]) -> tuple[str, ...]:
    worst = max(results, key=lambda result: result.noise)
    if worst.noise <= NOISY:
        return ()
    return (
        f"this machine has other work: the middle half of the rounds of {worst.name} spreads over"
        f" {worst.noise:.0%} of their median; trust only ratios whose quartiles are near each"
        " other, or take more rounds",
    )
