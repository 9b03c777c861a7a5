"""Steps one stream for a long time and watches the process's memory.

python -m movistream_benchmarks.soak MODEL --steps 10000
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

import movistream
from movistream.model import MOST_THREADS

GROWTH_LIMIT_BYTES = 1_000_000
"""What the allocator's own housekeeping may add; a leak of 100 bytes a step is more."""


@dataclass(frozen=True)
class Memory:
    """The process's memory after a number of steps, in bytes."""

    steps: int
    resident_bytes: int
    peak_resident_bytes: int


def read_memory(steps: int) -> Memory:
    """The memory of this process now, as Linux accounts it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    resident, peak = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return Memory(steps, resident, peak)


def soak(path: Path, steps: int, marks: tuple[int, ...], threads: int) -> Iterator[Memory]:
    """Steps noise through a model and yields the memory at each mark."""
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (16, 240, 320, 3), np.uint8)
    with movistream.load(path, threads=threads) as model, model.stream() as stream:
        for step in range(1, steps + 1):
            stream.step(frames[step % len(frames)])
            if step in marks:
                yield read_memory(step)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(min=2000), default=10_000, show_default=True)
@click.option(
    "--threads", type=click.IntRange(min=1, max=MOST_THREADS), default=1, show_default=True
)
def main(model: Path, steps: int, threads: int) -> None:
    """Print resident memory after 100, 1,000 … steps of MODEL, and the growth between the last."""
    marks = tuple(mark for mark in (100, 1_000, 10_000, 100_000, steps) if mark <= steps)
    found = []
    for memory in soak(model, steps, marks, threads):
        found.append(memory)
        click.echo(
            f"{memory.steps:7d} steps: resident {memory.resident_bytes / 1e6:.2f} MB,"
            f" peak {memory.peak_resident_bytes / 1e6:.2f} MB"
        )
    first = next(memory for memory in found if memory.steps == 1_000)
    growth = found[-1].resident_bytes - first.resident_bytes
    click.echo(f"growth from step 1000 to step {steps}: {growth / 1e3:.1f} kB")
    if growth > GROWTH_LIMIT_BYTES:
        raise click.ClickException(f"memory grew by more than {GROWTH_LIMIT_BYTES / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
