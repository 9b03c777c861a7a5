"""The report of a benchmark: one page that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from movistream.system.output import replaced_when_done
from movistream_benchmarks.plots import activations_plot, latency_plot, memory_plot, work_plot
from movistream_benchmarks.results import Benchmark
from movistream_benchmarks.tables import (
    BenchmarkTable,
    latency_table,
    memory_table,
    start_table,
    work_by_type_tables,
    work_table,
)


@dataclass(frozen=True)
class _Section:
    """A part of the page; plots are SVG elements, made here from numbers and escaped names."""

    title: str
    plot: str = ""
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""


def write_report(benchmark: Benchmark, path: Path) -> None:
    """Writes a page with all tables and plots, which opens without a network.

    Raises:
        OutputError: if it cannot be written.
    """
    results = benchmark.results
    sections = (
        _with(latency_table(benchmark), latency_plot(results)),
        _with(start_table(benchmark)),
        _with(memory_table(benchmark), memory_plot(results)),
        _Section(
            "Intermediate tensors along the graph",
            activations_plot(results),
            note="Bytes that have to be in memory at once while each operator runs, beside weights,"
            " states, image and logits.",
        ),
        _with(work_table(benchmark), work_plot(results)),
        *map(_with, work_by_type_tables(benchmark)),
    )
    environment = Environment(
        loader=PackageLoader("movistream_benchmarks", "data"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("report.html.j2").render(
        machine=benchmark.machine,
        rounds=benchmark.rounds,
        frames=benchmark.frames,
        warnings=benchmark.warnings,
        errors=benchmark.errors,
        sections=sections,
    )
    with replaced_when_done(path) as part:
        part.write_text(text, encoding="utf-8")


def _with(table: BenchmarkTable, plot: str = "") -> _Section:
    return _Section(table.title, plot, table.headings, table.rows, table.note)
