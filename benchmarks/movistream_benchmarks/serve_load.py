"""What many watchers, or many who only hold connections, cost a server: its rate and memory.

python -m movistream_benchmarks.serve_load MODEL VIDEO
python -m movistream_benchmarks.serve_load MODEL VIDEO --hostile --seconds 600
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from movistream.cli import main as run
from movistream_benchmarks.serve_siege import HALF_SENT, HONEST, IDLE, TRICKLING

_START_S = 20
_SETTLE_S = 3.0
_SHARES = (0.5, 0.9, 0.99, 1.0)
_Measured = tuple[float, float, float, float]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--clients", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--seconds", type=click.IntRange(min=5), default=60, show_default=True)
@click.option("--fps", type=click.FloatRange(min=1), default=10.0, show_default=True)
@click.option(
    "--hostile",
    is_flag=True,
    help=f"Not watchers, but {IDLE} idle connections, {HALF_SENT} half-sent requests, {TRICKLING}"
    f" trickling uploads, and {HONEST} who ask once a second.",
)
def main(model: Path, video: Path, clients: int, seconds: int, fps: float, hostile: bool) -> None:
    """Serve VIDEO through MODEL, first to nobody, then to many; one of them never reads."""
    with _served(model, video, fps) as url:
        alone = _measured(url, seconds)
        others = _besieged if hostile else _watched
        crowded, said = others(url, clients, seconds)
        name = "hostile" if hostile else f"{clients} clients"
    for who, found in (("nobody", alone), (name, crowded)):
        rate, median_ms, first_mb, last_mb = found
        click.echo(
            f"{who:12} {rate:6.2f} steps/s, median step {median_ms:.2f} ms, resident memory"
            f" {first_mb:.0f} MB, {last_mb - first_mb:+.1f} MB after {seconds} s"
        )
    click.echo(f"rate with others / without: {crowded[0] / alone[0]:.3f}")
    click.echo(said)


def _watched(url: str, clients: int, seconds: int) -> tuple[_Measured, str]:
    command = [
        sys.executable, "-m", "movistream_benchmarks.serve_load_clients",
        url.replace("http", "ws", 1), str(clients),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as others:
        try:
            time.sleep(_SETTLE_S)
            first, crowded, last = _watchers(url), _measured(url, seconds), _watchers(url)
        finally:
            others.terminate()
        said = others.communicate()[0].strip()
    return crowded, f"{said}; of {first} connections, {last} are left"


def _besieged(url: str, _: int, seconds: int) -> tuple[_Measured, str]:
    command = [
        sys.executable, "-m", "movistream_benchmarks.serve_siege", url,
        str(seconds + 2 * _SETTLE_S),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as others:
        try:
            time.sleep(_SETTLE_S)
            crowded = _measured(url, seconds)
            found = json.loads(others.communicate(timeout=_START_S + seconds)[0])
        finally:
            others.terminate()
    times_ms = sorted(1000 * time_s for time_s in found["times_s"])
    quantiles = [f"{times_ms[int(share * (len(times_ms) - 1))]:.0f}" for share in _SHARES]
    return crowded, (
        f"answers to the honest ones by status (0 for none): {found['answers']};"
        f" {100 * found['fast_share']:.2f} % well within 1 s; ms at"
        f" {', '.join(f'{100 * share:g} %' for share in _SHARES)}: {', '.join(quantiles)}\n"
        f"others at once, at most: {found['most_held']}; disconnected: {found['disconnected']};"
        f" slow uploads: {found['refused_uploads']}"
    )


@contextmanager
def _served(model: Path, video: Path, fps: float) -> Iterator[str]:
    command = [sys.executable, "-u", "-m", "movistream", "serve", str(model), str(video)]
    command += ["--loop", "--port", "0", "--threads", "1", "--fps", str(fps)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip().rstrip("/")
            deadline = time.monotonic() + _START_S
            while time.monotonic() < deadline and not _feed(url)["steps"]:
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()


def _measured(url: str, seconds: int) -> _Measured:
    """Steps per second, median step in ms, resident MB at the start and the end."""
    first, start = _status(url), time.monotonic()
    time.sleep(seconds)
    last, end = _status(url), time.monotonic()
    steps = last["feeds"][0]["steps"] - first["feeds"][0]["steps"]
    return (
        steps / (end - start),
        last["feeds"][0]["latencies"]["median_ms"],
        first["system"]["resident_bytes"] / 1e6,
        last["system"]["resident_bytes"] / 1e6,
    )


def _watchers(url: str) -> int:
    """Connections that the server serves."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=_START_S) as answer:
        lines = answer.read().decode().splitlines()
    return int(
        float(next(line for line in lines if line.startswith("movistream_clients ")).split()[1])
    )


def _feed(url: str) -> dict[str, Any]:
    feed: dict[str, Any] = _status(url)["feeds"][0]
    return feed


def _status(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/api/status", timeout=_START_S) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


if __name__ == "__main__":
    run(command=main, name="serve_load")
