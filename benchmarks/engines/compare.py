"""Steps of one network in other engines beside this project's: time, ARM instructions, answers.

    python -m engines.compare FOLDER… --environments build/venvs --arm build/arm \
        --arm-packages build/engines/arm --json build/engines/engines.json --page docs/engines.md

Each FOLDER is what :mod:`engines.export` wrote, with this project's files of every precision
beside it. Engines have environments of their own (:mod:`engines.variants`). All run in turn on this
machine, in CPU time, with one thread; then each in the emulator, for the instructions of a step on
a Cortex-A76. Every engine's answers are held against the float32 reference; one that says something
else is named, without a figure.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from engines.page import write_tables
from engines.variants import ENGINES, LEAST_COSINE, Engine, Variant
from movistream_benchmarks.arm.emulator import (
    emulator_command,
    emulator_environment,
    instructions,
    marks_by_request,
)
from peers.compare import Peer

CPU = "cortex-a76"
COUNTED_STEPS = 5
_BENCHMARKS = Path(__file__).resolve().parent.parent
_SDK = _BENCHMARKS.parent / "sdk"


@dataclass(frozen=True)
class Likeness:
    """What the answers to all frames have in common with the reference's.

    Attributes:
        cosine: the lowest of all frames.
        difference: the largest, as a share of the reference's largest logit.
    """

    cosine: float
    difference: float


@dataclass(frozen=True)
class Figure:
    """One variant of an engine, for one network.

    Attributes:
        refused: why it has no figures; empty if it has.
        time_ratio: CPU time as a share of this project's float32 in the same round, or None.
        time_ms: CPU time of a step.
        instructions: of a step on the emulated core, or None.
        x86: how it answered there, or None.
        arm: likewise.
    """

    network: str
    engine: str
    version: str
    variant: str
    precision: str
    refused: str = ""
    time_ratio: float | None = None
    time_ms: float | None = None
    instructions: int | None = None
    x86: Likeness | None = None
    arm: Likeness | None = None


class WrongAnswerError(ValueError):
    """An engine that computes something else."""


def likeness(logits: Sequence[Sequence[float]], reference: np.ndarray) -> Likeness:
    """How answers (frames, classes) compare with the reference's.

    Raises:
        WrongAnswerError: if they are of another shape, or no numbers.
    """
    found = np.asarray(logits, np.float64)
    if found.shape != reference.shape:
        raise WrongAnswerError(f"it answers {found.shape}, not {reference.shape}")
    if not np.isfinite(found).all():
        raise WrongAnswerError("it answers what is no number")
    expected = reference.astype(np.float64)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(1) / np.maximum(lengths, np.finfo(float).tiny)
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    return Likeness(float(cosines.min()), float(difference))


def check(logits: Sequence[Sequence[float]], reference: np.ndarray, precision: str) -> Likeness:
    """The likeness, if it is what a precision may cost.

    Raises:
        WrongAnswerError: if it is not.
    """
    found = likeness(logits, reference)
    least = LEAST_COSINE[precision]  # type: ignore[index]
    if not found.cosine >= least:
        raise WrongAnswerError(f"it computes something else: cosine {found.cosine:.5f} < {least}")
    return found


@dataclass(frozen=True)
class Places:
    """Where engines are installed.

    Attributes:
        environments: folder of their environments here.
        arm: the emulator.
        arm_packages: folder of their packages for ARM.
    """

    environments: Path
    arm: Path
    arm_packages: Path

    def python(self, engine: Engine) -> Path:
        """Of an engine, here."""
        if not engine.environment:
            return Path(sys.executable)
        return self.environments / engine.environment / "bin/python"

    def arm_path(self, engine: Engine) -> tuple[Path, ...]:
        """The packages of an engine, there."""
        if not engine.environment:
            return (_SDK, self.arm / "site-packages")
        return (self.arm_packages / engine.environment,)


def _environment() -> dict[str, str]:
    paths = f"{_BENCHMARKS}:{_SDK}"
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def _arguments(engine: Engine, folder: Path, variant: Variant) -> list[str]:
    return ["-m", f"engines.{engine.module}", str(folder.resolve()), variant.name]


def build(places: Places, engine: Engine, folder: Path, variant: Variant) -> str:
    """Writes an engine's file of a variant; returns why it could not be, or nothing."""
    command = [str(places.python(engine)), *_arguments(engine, folder, variant), "--build"]
    done = subprocess.run(
        command, env=_environment(), capture_output=True, text=True, errors="replace", check=False
    )
    return _last_line(done.stderr) if done.returncode else ""


def timed(
    places: Places, folder: Path, variants: Sequence[tuple[Engine, Variant]], rounds: int
) -> list[tuple[dict[str, Any], list[float]]]:
    """Runs variants in turn, the first as the measure.

    Returns:
        Of each, what it says of itself, and the median CPU time of a step in each round. One that
        fails says ``failed``.
    """
    with ExitStack() as opened:
        peers: list[Peer | str] = []
        for engine, variant in variants:
            command = [str(places.python(engine)), *_arguments(engine, folder, variant)]
            try:
                peer = Peer(command, _environment())
            except click.ClickException as error:
                peers.append(error.message)
                continue
            opened.callback(peer.close)
            peers.append(peer)
        for turn in range(rounds + 1):
            for peer in peers:
                if isinstance(peer, Peer):
                    peer.ask(10 if turn == 0 else 40)
        return [
            (peer.about, [statistics.median(times) for times in peer.rounds[1:]])
            if isinstance(peer, Peer)
            else ({"failed": _last_line(peer)}, [])
            for peer in peers
        ]


def counted(
    places: Places, folder: Path, engine: Engine, variant: Variant
) -> tuple[dict[str, Any], int]:
    """Runs a variant in the emulator.

    Returns:
        What it says of itself, and the instructions of a step; the lower median, one that was
        counted. One that fails says ``failed``.
    """
    arm = places.arm.resolve()
    with tempfile.TemporaryDirectory() as home:
        own = Path(home, "own")
        own.mkdir()
        (own / "engines").symlink_to(_BENCHMARKS / "engines")
        marks = Path(home, "marks")
        command = emulator_command(arm, CPU, marks, *_arguments(engine, folder, variant), "--marks")
        path = (own, *(each.resolve() for each in places.arm_path(engine)))
        done = subprocess.run(
            command,
            env={**emulator_environment(arm, Path(home), path), "OMP_NUM_THREADS": "1"},
            input=f"{COUNTED_STEPS}\n",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        said = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not said:
            reason = _last_line(done.stderr) or f"exit code {done.returncode}"
            return {"failed": reason}, 0
        (own_marks,) = marks_by_request(marks.read_text(encoding="ascii"))
        frames, _ = instructions(own_marks)
        return json.loads(said[0]), statistics.median_low(frames)


def measure(
    places: Places,
    network: str,
    folder: Path,
    variants: Sequence[tuple[Engine, Variant]],
    rounds: int,
    console: Console,
) -> list[Figure]:
    """All figures of a network. The first variant is the measure."""
    reference = np.load(folder / "logits.npy", allow_pickle=False)
    figures = []
    for engine, variant in variants:
        with console.status(f"{network}: building {engine.name} {variant.name}"):
            refused = build(places, engine, folder, variant)
        figures.append(
            Figure(network, engine.name, "", variant.name, variant.precision, refused=refused)
        )

    def wanted(machine: str) -> list[int]:
        return [
            index
            for index, (_, variant) in enumerate(variants)
            if machine in variant.machines and not figures[index].refused
        ]

    def settle(index: int, about: dict[str, Any], **measured: Any) -> None:
        """Keeps what was measured, if the answers are right."""
        machine = "x86" if "time_ms" in measured else "arm"
        figure = replace(figures[index], version=about.get("version", figures[index].version))
        try:
            if "failed" in about:
                raise WrongAnswerError(about["failed"])
            found = check(about["logits"], reference, figure.precision)
            figures[index] = replace(figure, **measured, **{machine: found})
        except WrongAnswerError as error:
            figures[index] = replace(figure, refused=f"{machine}: {error}")

    here = wanted("x86")
    with console.status(f"{network}: timing {len(here)} variants"):
        results = timed(places, folder, [variants[index] for index in here], rounds)
    measure_ms = results[0][1]
    for index, (about, times_ms) in zip(here, results, strict=True):
        ratios = [own / first for own, first in zip(times_ms, measure_ms, strict=False)]
        settle(
            index,
            about,
            time_ms=statistics.median(times_ms) if times_ms else None,
            time_ratio=statistics.median(ratios) if ratios else None,
        )
    for index in wanted("arm"):
        engine, variant = variants[index]
        with console.status(f"{network}: counting {engine.name} {variant.name}"):
            about, count = counted(places, folder, engine, variant)
        settle(index, about, instructions=count)
    return figures


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][-200:]


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--environments", type=click.Path(path_type=Path), required=True)
@click.option("--arm", type=click.Path(path_type=Path), required=True)
@click.option("--arm-packages", type=click.Path(path_type=Path), required=True)
@click.option("--rounds", type=click.IntRange(min=3), default=11, show_default=True)
@click.option("--only", multiple=True, help="Renew these engines' figures alone.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), required=True)
@click.option("--page", type=click.Path(exists=True, path_type=Path), help="To write tables into.")
def main(
    folders: tuple[Path, ...],
    environments: Path,
    arm: Path,
    arm_packages: Path,
    rounds: int,
    only: tuple[str, ...],
    json_file: Path,
    page: Path | None,
) -> None:
    """Compare engines on the networks in FOLDERS."""
    places = Places(environments, arm, arm_packages)
    console = Console(stderr=True)
    measure_of_all = (ENGINES[0], ENGINES[0].variants[0])
    variants = [
        (engine, variant)
        for engine in ENGINES
        for variant in engine.variants
        if not only or engine.name in only or (engine, variant) == measure_of_all
    ]
    figures = [
        asdict(figure)
        for folder in folders
        for figure in measure(places, folder.name, folder, variants, rounds, console)
    ]
    if only:
        known = json.loads(json_file.read_text("utf-8")) if json_file.is_file() else []
        figures = renewed(known, [each for each in figures if each["engine"] in only])
    json_file.write_text(json.dumps(figures, indent=1), "utf-8")
    write_tables(figures, page)


def renewed(known: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures of an earlier run, those of some engines replaced; in the order of all engines."""
    again = {(each["network"], each["engine"]) for each in found}
    kept = [each for each in known if (each["network"], each["engine"]) not in again]
    networks = list(dict.fromkeys(each["network"] for each in (*known, *found)))
    names = [engine.name for engine in ENGINES]
    return sorted(
        [*kept, *found],
        key=lambda each: (networks.index(each["network"]), names.index(each["engine"])),
    )


if __name__ == "__main__":
    main()
