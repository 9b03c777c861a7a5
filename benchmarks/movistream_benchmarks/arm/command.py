"""``movistream bench-arm``: instructions per frame on the cores of Raspberry Pis, without one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from movistream.cli import parameters
from movistream.cli.help import option
from movistream.cli.options import arithmetic_option, engine_option
from movistream.errors import EngineError
from movistream.stream.agreement import cosine
from movistream_benchmarks.arm.emulator import CPUS, Count, count_all, set_up
from movistream_benchmarks.arm.pipeline_counted import PipelineRequest, answer_pipeline
from movistream_benchmarks.arm.pipeline_counts import (
    PipelineCount,
    count_pipelines,
    counts_table,
)
from movistream_benchmarks.arm.step_counted import Request, answer
from movistream_benchmarks.bench_command import print_table
from movistream_benchmarks.tables import BenchmarkTable

LEAST_COSINE = 0.99
"""ARM and x86 round a few quantised numbers otherwise; a file with random weights shows it most."""


@click.command("bench-arm")
@click.argument("models", type=parameters.MODEL, nargs=-1)
@option(
    "--published",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="A file to run by the published samples' loop; these come first.",
)
@option(
    "--pipeline",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="VIDEO",
    help="Count what watching this video with MODEL takes, stage by stage. May be given more than"
    " once.",
)
@option(
    "--seconds",
    type=click.FloatRange(min=0.5, max=600),
    default=2,
    show_default=True,
    help="With --pipeline: how much of each video is counted.",
)
@option(
    "--cpu",
    "cpus",
    type=click.Choice(CPUS),
    multiple=True,
    default=CPUS[:1],
    show_default=True,
    help="The core of a Raspberry Pi 5, or of a Raspberry Pi 4. May be given twice.",
)
@engine_option
@arithmetic_option
@option(
    "--frames",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Frames whose instructions are counted.",
)
@option(
    "--warm-up",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    help="Frames before those.",
)
@option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where the emulator is set up, once. [default: movistream/arm in the user's cache]",
)
@option("--json", "as_json", is_flag=True, help="Print one JSON object per count.")
def bench_arm(
    models: tuple[Path, ...],
    published: tuple[Path, ...],
    pipeline: tuple[Path, ...],
    seconds: float,
    cpus: tuple[str, ...],
    engine: str,
    arithmetic: str,
    frames: int,
    warm_up: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Count instructions per frame of MODELS on an emulated ARM core: the same on every machine.

    With --pipeline, count instead what a second of video takes, from its packets to the logits.

    Needs Debian 12 on x86-64, and a network the first time.
    """
    if pipeline and (len(models) != 1 or published):
        raise click.UsageError("--pipeline takes one model")
    if not models and not published:
        raise click.UsageError("name at least one model")
    folder = _cache_folder() if folder is None else folder
    cpus = tuple(dict.fromkeys(cpus))
    status = Console(stderr=True)
    if pipeline:
        model = str(models[0].resolve())
        videos = [
            PipelineRequest(model, str(path.resolve()), engine, arithmetic, seconds)
            for path in pipeline
        ]
        _count_videos(folder, cpus, videos, status, as_json=as_json)
        return
    _set_up(folder, status)
    contenders = [(path, True) for path in published] + [(path, False) for path in models]
    counts: list[tuple[Path, bool, str, Count, float]] = []
    for cpu in cpus:
        requests = [
            Request(str(path.resolve()), in_loop, engine, arithmetic, warm_up, frames)
            for path, in_loop in contenders
        ]
        found = count_all(folder, cpu, requests)
        for (path, in_loop), request in zip(contenders, requests, strict=True):
            with status.status(f"counting {path.name} on {cpu}"):
                counted = next(found)
            here = answer(request, None)
            likeness = cosine(
                np.asarray(counted.answer.logits, np.float32), np.asarray(here.logits, np.float32)
            )
            counts.append((path, in_loop, cpu, counted, likeness))
            if as_json:
                click.echo(json.dumps(_as_dictionary(*counts[-1])))
                sys.stdout.flush()
    if not as_json:
        print_table(_table(counts))
    for path, _, cpu, _, likeness in counts:
        if not likeness >= LEAST_COSINE:
            raise EngineError(f"{path} answers otherwise on {cpu}: cosine {likeness:.4f}")


def _count_videos(
    folder: Path,
    cpus: Sequence[str],
    requests: Sequence[PipelineRequest],
    status: Console,
    *,
    as_json: bool,
) -> None:
    # What is wrong with a video is known at once, and said as everywhere.
    here = [answer_pipeline(each, lambda *_: None) for each in requests]
    _set_up(folder, status)
    counts: list[PipelineCount] = []
    for cpu in cpus:
        found = count_pipelines(folder, cpu, requests, here)
        for request in requests:
            with status.status(f"counting {Path(request.video).name} on {cpu}"):
                counted = next(found)
            counts += counted
            if as_json:
                for each in counted:
                    click.echo(json.dumps(each.to_dict()))
                sys.stdout.flush()
    if not as_json:
        print_table(counts_table(counts))
    for each in counts:
        if not each.cosine_to_host >= LEAST_COSINE:
            raise EngineError(
                f"{each.video.source} is answered otherwise on {each.cpu}: cosine"
                f" {each.cosine_to_host:.4f}"
            )


def _set_up(folder: Path, status: Console) -> None:
    with status.status(f"setting up the emulator in {folder}"):
        set_up(folder)


def _cache_folder() -> Path:
    """As the XDG base directory specification has it."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "movistream" / "arm"


def _as_dictionary(
    path: Path, in_loop: bool, cpu: str, found: Count, likeness: float
) -> dict[str, Any]:
    return {
        "model": str(path),
        "published_loop": in_loop,
        "cpu": cpu,
        "engine": found.answer.engine,
        "arithmetic": found.answer.arithmetic,
        "median": found.median,
        "frames": found.frames,
        "engine_alone": found.engine_alone,
        "cosine_to_host": likeness,
    }


def _table(counts: list[tuple[Path, bool, str, Count, float]]) -> BenchmarkTable:
    first = counts[0][3].median
    rows = (
        (
            f"{path.stem}{', published loop' if in_loop else ''}",
            cpu,
            found.answer.arithmetic,
            f"{found.median / 1e6:.2f}",
            f"{min(found.frames) / 1e6:.2f}–{max(found.frames) / 1e6:.2f}",
            f"{min(found.engine_alone) / 1e6:.2f}" if found.engine_alone else "",
            f"{found.median / first:.2f}",
            f"{likeness:.4f}",
        )
        for path, in_loop, cpu, found, likeness in counts
    )
    return BenchmarkTable(
        "Instructions per frame, millions",
        (
            "model",
            "core",
            "arithmetic",
            "median",
            "range",
            "engine alone",
            "ratio",
            "cosine to host",
        ),
        tuple(rows),
        "From the written image to the logits, Python included, one thread. Instructions are not"
        " time: they leave out waiting for memory, and cores execute several at once.",
    )
