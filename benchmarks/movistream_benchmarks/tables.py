"""The tables of a benchmark, as text for the terminal and the report alike."""

from __future__ import annotations

from dataclasses import dataclass

from movistream_benchmarks.contender import CAMERA_SIZE
from movistream_benchmarks.results import Benchmark, one_of_each_file
from movistream_benchmarks.work import total


@dataclass(frozen=True)
class BenchmarkTable:
    """Headings, and rows that begin with a contender's name; the note says what is what."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


def latency_table(benchmark: Benchmark) -> BenchmarkTable:
    """Inference per frame, and its ratio to the first contender's."""
    rows = []
    for result in benchmark.results:
        times, ratio = result.inference, result.ratio
        shown = (times.min, times.p5, times.median, times.p95, times.p99, times.max)
        rows.append(
            (
                result.name,
                *(f"{value:.2f}" for value in shown),
                f"{ratio.median:.2f}",
                f"{ratio.lower:.2f}–{ratio.upper:.2f}",
            )
        )
    return BenchmarkTable(
        "Inference per frame, ms",
        ("model", "min", "p5", "median", "p95", "p99", "max", "ratio", "quartiles"),
        tuple(rows),
        f"From the prepared image to the logits, {benchmark.rounds} rounds of {benchmark.frames}"
        " frames. Ratio: of the median to the first model's in the same round, the middle one of"
        " all rounds, and its quartiles.",
    )


def start_table(benchmark: Benchmark) -> BenchmarkTable:
    """What runs it, and the times before inference."""
    rows = []
    for result in benchmark.results:
        start, likeness = result.start, result.cosine_to_first
        rows.append(
            (
                result.name,
                start.engine,
                start.arithmetic,
                f"{start.load_ms:.1f}",
                f"{start.first_step_ms:.1f}",
                f"{result.preprocessing.median:.2f}",
                f"{result.frames_per_second:.0f}",
                "–" if likeness is None else f"{likeness:.4f}",
            )
        )
    height, width = CAMERA_SIZE
    return BenchmarkTable(
        "Start and preparation, ms",
        (
            *("model", "engine", "arithmetic", "load", "first", "prepare", "frames/s"),
            "cosine to first",
        ),
        tuple(rows),
        f"Prepare: fitting a frame of {width} × {height} to the model; in the published loop,"
        " dividing one that has the model's size by 255. Frames/s: of medians, preparation"
        " included, all streams together. Cosine: of the last frame's logits, where both have the"
        " same classes and streams.",
    )


def memory_table(benchmark: Benchmark) -> BenchmarkTable:
    """What each takes of the machine's memory, and what its file needs at least."""
    rows = []
    first = benchmark.results[0].start.added.private_dirty_bytes
    for result in benchmark.results:
        added = result.start.added.private_dirty_bytes
        sizes = (
            result.file.file_bytes,
            result.file.weight_bytes,
            sum(result.file.state_bytes.values()),
            result.activations.floor_bytes,
            result.activations.planned_bytes,
            added,
        )
        rows.append(
            (
                result.name,
                *(f"{size / 1e6:.2f}" for size in sizes),
                f"{added / first:.2f}",
                f"{max(result.memory.peak_bytes) / 1e6:.1f}",
                f"{result.memory.grown_bytes / 1e6:.2f}",
            )
        )
    peak = (
        "during a frame"
        if all(result.memory.peak_is_of_frame for result in benchmark.results)
        else "in its life, as this kernel does not let it be reset"
    )
    return BenchmarkTable(
        "Memory, MB",
        (
            *("model", "file", "weights", "states", "floor", "planned"),
            *("private", "ratio", "peak", "growth"),
        ),
        tuple(rows),
        "Floor: intermediate tensors alive at once, so the least that any runtime needs for them;"
        " planned: in one arena. Private: dirty memory that loading and the first frames add to the"
        f" process. Peak: highest resident memory of the process {peak}. Growth: of private memory"
        f" over {benchmark.frames} more frames.",
    )


def work_table(benchmark: Benchmark) -> BenchmarkTable:
    """What a step does at least, and how far the machine could be driven."""
    rows = []
    for result in benchmark.results:
        whole = total(result.work)
        rows.append(
            (
                result.name,
                str(whole.operators),
                f"{whole.multiply_adds / 1e6:.1f} M",
                f"{whole.bytes_moved / 1e6:.1f} MB",
                f"{result.floor_ms:.2f} ms",
                f"{result.floor_ms / result.inference.median:.0%}",
            )
        )
    rates = (
        f"{_threads(peak.threads)}: float32 {peak.multiply_adds_per_s['float32'] / 1e9:.3g} G,"
        f" int8 {peak.multiply_adds_per_s['int8'] / 1e9:.3g} G multiply-adds/s"
        for peak in benchmark.peaks.values()
    )
    copied = max(peak.bytes_per_s for peak in benchmark.peaks.values())
    return BenchmarkTable(
        "Work per frame",
        ("model", "operators", "multiply-adds", "moved", "at peak rate", "reached"),
        tuple(rows),
        f"Peak rates of this machine, of large 1×1 convolutions in the same engine, with"
        f" {'; '.join(rates)}; it copies {copied / 1e9:.3g} GB/s read and written. Moved: what"
        " operators read and write, from memory or from caches.",
    )


def work_by_type_tables(benchmark: Benchmark) -> tuple[BenchmarkTable, ...]:
    """The work of each file, operator type by operator type."""
    return tuple(
        BenchmarkTable(
            f"Operators of {result.contender.path.stem}",
            ("operator", "how many", "multiply-adds", "moved"),
            tuple(
                (
                    name,
                    str(work.operators),
                    f"{work.multiply_adds / 1e6:.2f} M" if work.multiply_adds else "",
                    f"{work.bytes_moved / 1e6:.2f} MB",
                )
                for name, work in result.work.items()
            ),
            "",
        )
        for result in one_of_each_file(benchmark.results)
    )


def tables(benchmark: Benchmark) -> tuple[BenchmarkTable, ...]:
    """All that the terminal shows."""
    makers = (latency_table, start_table, memory_table, work_table)
    return tuple(make(benchmark) for make in makers)


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"
