"""Kills what works on an archive at random moments, until it is finished, and counts its rows.

python -m movistream_benchmarks.archives.clips CLIPS --count 300 --bad 8
python -m movistream_benchmarks.archives.kills MODEL CLIPS --runs 50

Each run has two nodes of a cluster, and a clip that kills whoever opens it. Some calls of the
command lose something to SIGKILL: a worker, a node with all its processes, the driver, or the
process that keeps a node's objects. Then it goes on or the same command is called again, until one
ends by itself. Fails if a table is not that of an archive in peace, if a video is not in it once,
or if the clip that kills has cost more deaths than two and one for each further call.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import click
import psutil

from movistream.cli import main as run_command
from movistream.errors import MovistreamError
from movistream_benchmarks.archives.nodes import Nodes, nodes_of
from movistream_benchmarks.archives.rows import Row, differences, not_once, rows_of

Victim = Literal["worker", "node", "driver", "objects"]
VICTIMS: tuple[Victim, ...] = ("worker", "node", "driver", "objects")

_POISON = "poison"
DIES_OF_POISON = f"""
import os, signal
from movistream.sources import video_file
really = video_file.VideoFile.__init__
def init(self, path, **rest):
    if "{_POISON}" in path.name:
        os.kill(os.getpid(), signal.SIGKILL)
    really(self, path, **rest)
video_file.VideoFile.__init__ = init
"""
"""What a program does at its start, so that a clip kills it as some kill a decoder."""

_DEATHS = re.compile(r"has died (\d+) times")
_MOST_CALLS = 12
_LONGEST_S = 240.0
_LATEST_S = 6.0


def write_poison(folder: Path) -> Path:
    """A clip that kills who opens it; it is never read."""
    path = folder / f"{_POISON}.mp4"
    path.write_bytes(b"poison")
    return path


@contextmanager
def poisoned() -> Iterator[None]:
    """Programs that are started meanwhile die of clips whose names have ``poison`` in them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sitecustomize.py").write_text(DIES_OF_POISON, encoding="utf-8")
        before = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, *filter(None, sys.path)])
        try:
            yield
        finally:
            os.environ["PYTHONPATH"] = before


def bring_to_its_end(
    arguments: Sequence[str],
    nodes: Nodes,
    victims: Sequence[Victim],
    chance: random.Random,
    latest_s: float,
) -> int:
    """Calls ``movistream archive`` until it ends by itself; returns how often that was.

    Args:
        victims: what each of the first calls loses.
        latest_s: when, after workers have begun.

    Raises:
        MovistreamError: if it hangs, or does not come to its end.
    """
    command = [sys.executable, "-m", "movistream", "archive", *arguments]
    left = list(victims)
    for calls in range(1, _MOST_CALLS + 1):
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as driver:
            killed = left.pop(0) if left else None
            if killed is not None and _is_at_work(driver, nodes, chance.uniform(0.0, latest_s)):
                _kill(killed, driver, nodes, chance)
            try:
                _, told = driver.communicate(timeout=_LONGEST_S)
            except subprocess.TimeoutExpired:
                os.killpg(driver.pid, signal.SIGKILL)
                raise MovistreamError(f"it hangs after the death of a {killed}") from None
        if killed is None and driver.returncode in (0, 1) and "error:" not in told:
            return calls
    raise MovistreamError(f"{_MOST_CALLS} calls were not enough: {told}")


def _is_at_work(driver: subprocess.Popen[str], nodes: Nodes, wait_s: float) -> bool:
    """Waits until workers are, and then so long; False if it ends before."""
    while driver.poll() is None and not nodes.workers():
        time.sleep(0.05)
    with suppress(subprocess.TimeoutExpired):
        driver.wait(wait_s)
    return driver.poll() is None


def _kill(
    victim: Victim, driver: subprocess.Popen[str], nodes: Nodes, chance: random.Random
) -> None:
    if victim == "driver":
        os.killpg(driver.pid, signal.SIGKILL)
    elif victim == "worker":
        if workers := nodes.workers():
            with suppress(psutil.Error):
                chance.choice(workers).kill()
    else:
        nodes.kill_node(chance.randrange(2), objects_alone=victim == "objects")
        time.sleep(chance.uniform(0.0, 3.0))
        nodes.add()


def check(rows: Sequence[Row], expected: Sequence[Row], calls: int) -> None:
    """Refuses a table that is not as it is in peace, but for how often a clip has killed.

    Raises:
        MovistreamError: if it is not.
    """
    if twice := not_once(rows):
        raise MovistreamError(f"{len(twice)} videos are not in it once, as {twice[0]}")
    deaths = [int(found[1]) for row in rows if (found := _DEATHS.search(row["error"] or ""))]
    if len(deaths) != 1 or not 2 <= deaths[0] <= 1 + calls:
        raise MovistreamError(f"in {calls} calls, a clip has killed {deaths} times")
    one, other = ([_without_deaths(row) for row in each] for each in (expected, rows))
    if wrong := list(differences(one, other, 1e-6)):
        raise MovistreamError(f"{len(wrong)} rows differ: {wrong[0]}")


def _without_deaths(row: Row) -> Row:
    return {**row, "error": _DEATHS.sub("has died", row["error"])} if row["error"] else row


def run_with_deaths(
    sources: Sequence[str],
    folder: Path,
    kind: str,
    victims: Sequence[Victim],
    chance: random.Random,
    latest_s: float = _LATEST_S,
) -> int:
    """An archive on two nodes, whose first calls lose something each; returns how many there were.

    Args:
        latest_s: when a death comes, after workers have begun.

    Raises:
        MovistreamError: if it hangs, or does not come to its end.
    """
    with nodes_of(kind, 2) as nodes:
        cluster = ("--on", kind, "--address", nodes.address)
        arguments = (*sources, "-o", str(folder), *cluster)
        return bring_to_its_end(arguments, nodes, victims, chance, latest_s)


def in_peace(sources: Sequence[str], folder: Path) -> list[Row]:
    """The rows of the same archive, by processes and without deaths but those of the poison."""
    command = [sys.executable, "-m", "movistream", "archive", *sources, "-o", str(folder)]
    subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    rows = rows_of(folder)
    check(rows, rows, 1)
    return rows


@click.command()
@click.argument("model")
@click.argument("clips", type=click.Path(path_type=Path, exists=True))
@click.option("--on", "kind", type=click.Choice(("ray", "dask")), default="ray")
@click.option("--runs", type=click.IntRange(1), default=50, show_default=True)
@click.option("--deaths", type=click.IntRange(1, _MOST_CALLS - 1), default=2, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(model: str, clips: Path, kind: str, runs: int, deaths: int, seed: int) -> None:
    """Runs them."""
    with tempfile.TemporaryDirectory() as temporary, poisoned():
        poison = write_poison(Path(temporary))
        sources = (model, str(clips), str(poison), "--events", "--threads", "1")
        expected = in_peace(sources, Path(temporary, "peace"))
        for run in range(runs):
            chance = random.Random(f"{seed} {run}")
            victims = chance.choices(VICTIMS, k=deaths)
            folder = Path(temporary, str(run))
            began_s = time.monotonic()
            calls = run_with_deaths(sources, folder, kind, victims, chance)
            check(rows_of(folder), expected, calls)
            click.echo(
                f"run {run + 1}: {', '.join(victims)} killed, {calls} calls,"
                f" {time.monotonic() - began_s:.0f} s, {len(expected):,} rows as in peace"
            )


if __name__ == "__main__":
    run_command(command=main, name="kills")
