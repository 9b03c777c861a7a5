"""Latency of steps, side by side: every model takes its turn in every round.

    python -m movistream_benchmarks.latency A.tflite B.tflite --published PEER.tflite

Machines drift, so a figure alone says little. The first model is the measure: in each round its
median is compared with the others', and the median of these ratios is what counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import movistream
from movistream.errors import EngineError
from movistream.loading import MOST_THREADS
from movistream.native_stderr import native_stderr_captured

Step = Callable[[npt.NDArray[np.uint8]], float]
"""Runs one frame and returns its milliseconds, from the prepared input to the logits."""

_TABLE_WIDTH = 120

models_argument = click.argument("models", type=click.Path(path_type=Path), nargs=-1)
published_option = click.option(
    "--published",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A published file, run by the published samples' loop; the first one is the measure.",
)


@dataclass(frozen=True)
class Latency:
    """One contender's figures.

    Attributes:
        round_medians_ms: the median step of each round.
        steps_ms: all steps.
    """

    name: str
    round_medians_ms: tuple[float, ...]
    steps_ms: tuple[float, ...]

    def ratio(self, measure: Latency) -> tuple[float, float, float]:
        """Median, lowest and highest of the rounds' ratios to another's."""
        pairs = zip(self.round_medians_ms, measure.round_medians_ms, strict=True)
        ratios = [own / other for own, other in pairs]
        return statistics.median(ratios), min(ratios), max(ratios)


def movistream_step(model: movistream.Model) -> Step:
    """This project's runtime, as its results time themselves."""
    stream = model.stream()
    return lambda frame: stream.step(frame).inference_ms


def published_step(path: Path, threads: int) -> tuple[Step, tuple[int, int]]:
    """The loop of the published samples: signature runner, outputs fed back by name.

    Returns:
        The step, and (height, width) of its frames.

    Raises:
        EngineError: if the file is missing, damaged, or not of that form.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        with native_stderr_captured():
            runner = Interpreter(str(path), num_threads=threads).get_signature_runner()
        details = runner.get_input_details()
        shape = details["image"]["shape"]
    except (ValueError, RuntimeError, KeyError) as error:
        raise EngineError(f"{path} cannot be run as a published file: {error}") from None
    states: dict[str, Any] = {
        name: np.zeros(entry["shape"], entry["dtype"])
        for name, entry in details.items()
        if name != "image"
    }

    def step(frame: npt.NDArray[np.uint8]) -> float:
        nonlocal states
        image = (frame.astype(np.float32) / 255).reshape(shape)
        start = time.perf_counter()
        outputs = runner(**states, image=image)
        outputs.pop("logits")
        states = outputs
        return (time.perf_counter() - start) * 1e3

    return step, (int(shape[-3]), int(shape[-2]))


def measure(
    contenders: dict[str, tuple[Step, tuple[int, int]]], rounds: int, steps: int
) -> Iterator[Latency]:
    """Runs all contenders in turn; the first round warms up and is not counted."""
    generator = np.random.default_rng(0)
    frames = {
        name: generator.integers(0, 256, (8, *size, 3), np.uint8)
        for name, (_, size) in contenders.items()
    }
    timings: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, (step, _) in contenders.items():
            timings[name].append([step(frames[name][index % 8]) for index in range(steps)])
    for name, all_rounds in timings.items():
        counted = all_rounds[1:]
        yield Latency(
            name,
            tuple(statistics.median(values) for values in counted),
            tuple(value for values in counted for value in values),
        )


@click.command()
@models_argument
@published_option
@click.option(
    "--threads",
    type=click.IntRange(min=1, max=MOST_THREADS),
    multiple=True,
    default=(1,),
    show_default=True,
    help="Given twice, every model runs with both.",
)
@click.option("--rounds", type=click.IntRange(min=3), default=15, show_default=True)
@click.option("--steps", type=click.IntRange(min=5), default=30, show_default=True)
def main(
    models: tuple[Path, ...],
    published: tuple[Path, ...],
    threads: tuple[int, ...],
    rounds: int,
    steps: int,
) -> None:
    """Time steps of MODELS, in milliseconds, and compare them with the first one named."""
    try:
        latencies = _measured(models, published, threads, rounds, steps)
    except movistream.MovistreamError as error:
        raise click.ClickException(str(error)) from None
    table = Table(
        box=box.SIMPLE_HEAD, title=f"Steps in ms, threads: {', '.join(map(str, threads))}"
    )
    for heading in ("model", "p5", "median", "p95", "ratio", "lowest", "highest"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for latency in latencies:
        low, middle, high = np.percentile(latency.steps_ms, (5, 50, 95))
        figures = (low, middle, high, *latency.ratio(latencies[0]))
        table.add_row(Text(latency.name), *(f"{figure:.3f}" for figure in figures))
    Console(width=_TABLE_WIDTH).print(table)


def _measured(
    models: tuple[Path, ...],
    published: tuple[Path, ...],
    threads: tuple[int, ...],
    rounds: int,
    steps: int,
) -> list[Latency]:
    with ExitStack() as opened:
        contenders: dict[str, tuple[Step, tuple[int, int]]] = {}
        for count in threads:
            with_threads = f", threads: {count}" if len(threads) > 1 else ""
            for path in published:
                name = f"{path.name} (published loop){with_threads}"
                contenders[name] = published_step(path, count)
            for path in models:
                model = opened.enter_context(movistream.load(path, threads=count))
                image = model.manifest.input
                step = movistream_step(model), (image.height, image.width)
                arithmetic = "" if model.arithmetic == "float32" else f" in {model.arithmetic}"
                contenders[f"{path.name}{arithmetic}{with_threads}"] = step
        if not contenders:
            raise click.UsageError("name at least one model")
        return list(measure(contenders, rounds, steps))


if __name__ == "__main__":
    main()
