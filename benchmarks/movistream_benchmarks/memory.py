"""Memory that a model takes of its own, side by side, each in a process of its own.

    python -m movistream_benchmarks.memory A.tflite B.tflite --published PEER.tflite

Counted is *private dirty* memory, what a phone cannot take back without ending the process: pages
that belong to this process alone and are in no file. It is what loading a model and stepping it
twenty times adds to a process that has imported the runtime.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import movistream
from movistream_benchmarks.latency import (
    models_argument,
    movistream_step,
    published_option,
    published_step,
)

_STEPS = 20
_CHILD = (
    "import json, sys; from movistream_benchmarks.memory import Contender, added;"
    "print(json.dumps(added(Contender(**json.load(sys.stdin)))))"
)
_TABLE_WIDTH = 110


@dataclass(frozen=True)
class Contender:
    """A file and how it is run; a weight cache is a folder."""

    path: str
    published: bool = False
    weight_cache: str | None = None


def added(contender: Contender) -> tuple[int, int]:
    """(private dirty, resident) bytes that a model adds to this process."""
    import ai_edge_litert.compiled_model
    import ai_edge_litert.interpreter  # noqa: F401

    path = Path(contender.path)
    before = _memory()
    if contender.published:
        step, (height, width) = published_step(path, threads=1)
    else:
        model = movistream.load(path, threads=1, weight_cache=contender.weight_cache)
        image = model.manifest.input
        step, (height, width) = movistream_step(model), (image.height, image.width)
    frame = np.zeros((height, width, 3), np.uint8)
    for _ in range(_STEPS):
        step(frame)
    after = _memory()
    return after[0] - before[0], after[1] - before[1]


def _memory() -> tuple[int, int]:
    """(private dirty, resident) bytes of this process, as Linux accounts them."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return fields["Private_Dirty"], fields["Rss"]


def measure(contender: Contender) -> tuple[int, int]:
    """As :func:`added`, in a fresh process."""
    child = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=json.dumps(asdict(contender)),
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        reason = child.stderr.strip().rpartition("\n")[2]
        raise click.ClickException(f"{contender.path}: {reason}")
    dirty, resident = json.loads(child.stdout)
    return dirty, resident


@click.command()
@models_argument
@published_option
@click.option(
    "--weight-cache",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Measure MODELS also with weights that an earlier process has kept here.",
)
def main(models: tuple[Path, ...], published: tuple[Path, ...], weight_cache: Path | None) -> None:
    """Measure what MODELS take, in MB, and compare them with the first one named."""
    contenders = {
        f"{path.name} (published loop)": Contender(str(path), published=True) for path in published
    }
    contenders.update({path.name: Contender(str(path)) for path in models})
    if weight_cache is not None:
        for path in models:
            warm = Contender(str(path), weight_cache=str(weight_cache))
            measure(warm)
            contenders[f"{path.name} (warm weight cache)"] = warm
    if not contenders:
        raise click.UsageError("name at least one model")
    table = Table(box=box.SIMPLE_HEAD, title="Memory added by a model, MB")
    for heading in ("model", "private dirty", "ratio", "resident"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    first = 0
    for name, contender in contenders.items():
        dirty, resident = measure(contender)
        first = first or dirty
        figures = (f"{dirty / 1e6:.1f}", f"{dirty / first:.2f}", f"{resident / 1e6:.1f}")
        table.add_row(Text(name), *figures)
    Console(width=_TABLE_WIDTH).print(table)


if __name__ == "__main__":
    main()
