"""Plots of a benchmark, as SVG that a page can hold."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure

from movistream_benchmarks.results import Result, one_of_each_file

_WIDTH = 9.0
_COLORS = ("#1f6feb", "#d1495b", "#2a9d5c", "#e09f3e", "#7b52ab", "#00798c", "#8d6a4f", "#555555")
_MOST_OPERATOR_TYPES = 8

_METADATA = ("Creator", "Date", "Format", "Type")
"""What matplotlib would write into every picture; without all of it, it writes none."""


def latency_plot(results: Sequence[Result]) -> str:
    """Inference times: middle half as a box, 5 % to 95 % as whiskers, the median written beside."""
    figure = Figure(figsize=(_WIDTH, 0.8 + 0.42 * len(results)), layout="constrained")
    axes = figure.subplots()
    times = [result.inference for result in results]
    boxes = [
        {
            "label": result.name,
            "med": result.inference.median,
            "q1": result.inference.p25,
            "q3": result.inference.p75,
            "whislo": result.inference.p5,
            "whishi": result.inference.p95,
        }
        for result in results
    ]
    positions = range(len(results))
    drawn = axes.bxp(
        boxes, positions, orientation="horizontal", showfliers=False, patch_artist=True, widths=0.55
    )
    for index, (patch, line) in enumerate(zip(drawn["boxes"], drawn["medians"], strict=True)):
        patch.set(facecolor=_color(index), alpha=0.6)
        line.set(color="black", linewidth=1.6)
    for position, own in zip(positions, times, strict=True):
        axes.annotate(
            f"{own.median:.2f}",
            (own.p95, position),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.invert_yaxis()
    axes.set(
        xlabel="inference per frame, ms: 5 %, quartiles, median, 95 %",
        xlim=(0, 1.1 * max(own.p95 for own in times)),
    )
    axes.grid(axis="x", alpha=0.3)
    return _svg(figure)


def memory_plot(results: Sequence[Result]) -> str:
    """Resident memory of each process during every frame, as its highest."""
    figure = Figure(figsize=(_WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    for index, result in enumerate(results):
        peaks = [value / 1e6 for value in result.memory.peak_bytes]
        axes.plot(
            range(1, len(peaks) + 1),
            peaks,
            "-" if index < len(_COLORS) else "--",
            label=result.name,
            color=_color(index),
        )
    axes.set(xlabel="frame", ylabel="peak resident memory, MB", ylim=(0, None))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return _svg(figure)


def activations_plot(results: Sequence[Result]) -> str:
    """Bytes of intermediate tensors that are alive during each operator, for each file once."""
    files = one_of_each_file(results)
    size = (_WIDTH, 0.7 + 0.85 * len(files))
    figure = Figure(figsize=size, layout="constrained")
    rows = figure.subplots(len(files), sharex=True, sharey=True, squeeze=False)[:, 0]
    for index, (axes, result) in enumerate(zip(rows, files, strict=True)):
        live = [count / 1e6 for count in result.activations.live_bytes]
        along = [position / len(live) for position in range(len(live))]
        axes.fill_between(along, live, step="post", color=_color(index), alpha=0.6, linewidth=0)
        axes.text(
            0.995,
            0.9,
            f"{result.contender.path.stem}: at most {max(live):.2f} MB",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=8,
        )
        axes.grid(alpha=0.3)
    rows[-1].set(xlabel="operators, from the first to the last", xlim=(0, 1), ylim=(0, None))
    rows[-1].xaxis.set_major_formatter(lambda share, _position: f"{share:.0%}")
    figure.supylabel("alive at once, MB", fontsize=10)
    return _svg(figure)


def work_plot(results: Sequence[Result]) -> str:
    """Bytes that operators of each type read and write, for each file once."""
    files = one_of_each_file(results)
    totals: dict[str, int] = {}
    for result in files:
        for name, work in result.work.items():
            totals[name] = totals.get(name, 0) + work.bytes_moved
    largest = sorted(totals, key=lambda name: -totals[name])[:_MOST_OPERATOR_TYPES]
    figure = Figure(figsize=(_WIDTH, 1.2 + 0.42 * len(files)), layout="constrained")
    axes = figure.subplots()
    begins = [0.0] * len(files)
    for index, name in enumerate((*largest, "others")):
        widths = [
            sum(
                work.bytes_moved / 1e6
                for kind, work in result.work.items()
                if (kind if kind in largest else "others") == name
            )
            for result in files
        ]
        color = _color(index) if name != "others" else "#cccccc"
        axes.barh(range(len(files)), widths, left=begins, label=name.lower(), color=color)
        begins = [begin + width for begin, width in zip(begins, widths, strict=True)]
    axes.set_yticks(range(len(files)), [result.contender.path.stem for result in files])
    axes.invert_yaxis()
    axes.set(xlabel="MB read and written per frame, by operator type")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return _svg(figure)


def _color(index: int) -> str:
    return _COLORS[index % len(_COLORS)]


def _svg(figure: Figure) -> str:
    """The figure as an element of a page: text as text, no header, the same bytes every time."""
    target = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "movistream"}):
        figure.savefig(target, format="svg", metadata=dict.fromkeys(_METADATA))
    text = target.getvalue()
    return text[text.index("<svg") :]
