"""How what an archive costs grows with its videos, and with the nodes that share it.

python -m movistream_benchmarks.archives.growth videos MODEL --count 300 --count 3000
python -m movistream_benchmarks.archives.growth nodes MODEL CLIPS --nodes 1 --nodes 2 --nodes 4

Nodes are simulated: they share this machine's cores, so that more of them than there are cores
show what more nodes cost, and not what they gain.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

import click
import psutil

from movistream.cli import main as run_command
from movistream.system.cpu import usable_cores
from movistream_benchmarks.archives.clips import make_clips
from movistream_benchmarks.archives.nodes import Nodes, nodes_of
from movistream_benchmarks.archives.timed import children, timed
from movistream_benchmarks.bench_command import print_table
from movistream_benchmarks.tables import BenchmarkTable

_OPTIONS = ("--events", "--threads", "1")
_DIFFERENT = 300
"""Clips that are encoded; further ones are links to these."""
_NOTE = "The most resident memory of a worker, and of all processes of the command together."


@click.group()
def main() -> None:
    """What an archive costs."""


@main.command()
@click.argument("model")
@click.option("--count", "counts", multiple=True, type=int, default=(300, 3000))
@click.option("--workers", type=click.IntRange(1), default=usable_cores)
def videos(model: str, counts: tuple[int, ...], workers: int) -> None:
    """Archives of so many clips of a second, by processes."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        clips = Path(temporary, "clips")
        make_clips(clips, count=_DIFFERENT, bad=0, seconds=1.0, size=(160, 120))
        made = sorted(path for path in clips.rglob("*") if path.is_file())
        for count in counts:
            sources, folder = Path(temporary, f"{count}"), Path(temporary, f"{count}-archive")
            for number in range(count):
                below = sources / f"{number // 1000:03}"
                below.mkdir(parents=True, exist_ok=True)
                clip = made[number % len(made)]
                os.link(clip, below / f"{number:06}{clip.suffix}")
            arguments = ("archive", model, str(sources), "-o", str(folder), *_OPTIONS)
            first = timed((*arguments, "--workers", str(workers)), children)
            again = timed((*arguments, "--workers", str(workers)), children)
            rows.append(
                (
                    f"{count:,}",
                    f"{first.seconds:.1f}",
                    f"{1000 * first.seconds / count:.1f}",
                    f"{first.worker_bytes / 1e6:.0f}",
                    f"{first.all_bytes / 1e6:.0f}",
                    f"{again.seconds:.1f}",
                )
            )
            click.echo(f"{count} videos: {first.seconds:.1f} s", err=True)
    print_table(
        BenchmarkTable(
            f"Clips of a second, {workers} processes",
            ("videos", "seconds", "ms a video", "worker, MB", "all, MB", "again, s"),
            tuple(rows),
            f"{_NOTE} Again: the same command, when nothing is left.",
        )
    )


@main.command()
@click.argument("model")
@click.argument("clips")
@click.option("--on", "kind", type=click.Choice(("ray", "dask")), default="ray")
@click.option("--nodes", "counts", multiple=True, type=int, default=(1, 2, 4, 8))
def nodes(model: str, clips: str, kind: str, counts: tuple[int, ...]) -> None:
    """The same archive on so many nodes of a core each."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for count in counts:
            folder = Path(temporary, str(count))
            with nodes_of(kind, count) as cluster:
                found = timed(
                    (
                        *("archive", model, clips, "-o", str(folder), *_OPTIONS),
                        *("--on", kind, "--address", cluster.address),
                    ),
                    partial(_workers_of, cluster),
                )
            worker_mb = found.worker_bytes / 1e6
            rows.append((str(count), f"{found.seconds:.1f}", f"{worker_mb:.0f}"))
            click.echo(f"{count} nodes: {found.seconds:.1f} s", err=True)
    print_table(
        BenchmarkTable(
            f"{clips} on {kind}, {usable_cores()} cores for all nodes",
            ("nodes", "seconds", "worker, MB"),
            tuple(rows),
            "Of the command, on nodes that run; the most resident memory of a worker.",
        )
    )


def _workers_of(cluster: Nodes, _: psutil.Process) -> list[psutil.Process]:
    return cluster.workers()


if __name__ == "__main__":
    run_command(command=main, name="growth")
