"""What ``movistream run`` takes as a whole: CPU time, memory, and the time to its first line.

    python -m movistream_benchmarks.run_cost MODEL VIDEO...

Each video is run exactly, fast, and as if every frame were decoded and made RGB as a whole
(:mod:`.plain_run`), in turn. Fails if the exact answers are not those of the plain way, to the bit.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from movistream.cli import main as run
from movistream.errors import MovistreamError
from movistream_benchmarks.bench_command import print_table
from movistream_benchmarks.tables import BenchmarkTable

_RUN = ("-m", "movistream", "run")
_WAYS = {
    "plain": ("-m", "movistream_benchmarks.plain_run"),
    "exact": _RUN,
    "fast": (*_RUN, "--decode", "fast"),
}


@dataclass(frozen=True)
class RunCost:
    """One run of a process.

    Attributes:
        cpu_s: of all its threads.
        peak_bytes: the most memory that was resident.
        first_line_s: from its start to its first line.
        lines: what it said.
    """

    cpu_s: float
    peak_bytes: int
    first_line_s: float
    lines: bytes


def run_once(arguments: Sequence[str]) -> RunCost:
    """Runs Python with these arguments.

    Raises:
        MovistreamError: if it fails.
    """
    with tempfile.TemporaryFile() as errors:
        begin_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=errors
        )
        assert process.stdout is not None
        lines = process.stdout.readline()
        first_line_s = time.perf_counter() - begin_s
        lines += process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            raise MovistreamError(f"{' '.join(arguments)}: {said or process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return RunCost(cpu_s, usage.ru_maxrss * 1024, first_line_s, lines)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("videos", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
def main(model: Path, videos: tuple[Path, ...], threads: int, rounds: int) -> None:
    """Run MODEL on VIDEOS, and print what that takes; medians of all rounds."""
    rows: list[tuple[str, ...]] = []
    for video in videos:
        costs: dict[str, list[RunCost]] = {way: [] for way in _WAYS}
        for _ in range(rounds):
            for way, program in _WAYS.items():
                options = (str(model), str(video), "--threads", str(threads), "--json")
                costs[way].append(run_once([*program, *options]))
        if answers(costs["exact"][0].lines) != answers(costs["plain"][0].lines):
            raise MovistreamError(f"{video}: exact decoding gives other answers than a plain one")
        plain_s = statistics.median([cost.cpu_s for cost in costs["plain"]])
        for way, found in costs.items():
            cpu_s = statistics.median([cost.cpu_s for cost in found])
            peak_bytes = max(cost.peak_bytes for cost in found)
            first_s = statistics.median([cost.first_line_s for cost in found])
            told = (f"{cpu_s:.2f}", f"{cpu_s / plain_s:.2f}", f"{peak_bytes / 1e6:.0f}")
            rows.append((video.name, way, *told, f"{first_s:.2f}"))
    print_table(
        BenchmarkTable(
            "movistream run",
            ("video", "decoded", "CPU s", "ratio", "peak MB", "first line s"),
            tuple(rows),
            "CPU time of all threads, and the time to the first line, are medians; the peak of"
            " resident memory is the highest. The exact answers are those of the plain way.",
        )
    )


def answers(lines: bytes) -> list[dict[str, Any]]:
    """JSON lines without the times that it took."""
    return [
        {key: value for key, value in json.loads(line).items() if not key.endswith("_ms")}
        for line in lines.splitlines()
    ]


if __name__ == "__main__":
    run(command=main, name="run_cost")
