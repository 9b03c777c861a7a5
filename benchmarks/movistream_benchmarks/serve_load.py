"""What many watchers cost a server: inference rate and memory, without and with them.

python -m movistream_benchmarks.serve_load MODEL VIDEO
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

_START_S = 20
_SETTLE_S = 3.0


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--clients", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--seconds", type=click.IntRange(min=5), default=60, show_default=True)
@click.option("--fps", type=click.FloatRange(min=1), default=10.0, show_default=True)
def main(model: Path, video: Path, clients: int, seconds: int, fps: float) -> None:
    """Serve VIDEO through MODEL, first to nobody, then to many; one of them never reads."""
    with _served(model, video, fps) as url:
        alone = _measured(url, seconds)
        watchers = [
            sys.executable, "-m", "movistream_benchmarks.serve_load_clients",
            url.replace("http", "ws", 1), str(clients),
        ]  # fmt: skip
        with subprocess.Popen(watchers, stdout=subprocess.PIPE, text=True) as others:
            try:
                time.sleep(_SETTLE_S)
                first, crowded, last = _watchers(url), _measured(url, seconds), _watchers(url)
            finally:
                others.terminate()
            said = others.communicate()[0].strip()
    for name, found in (("nobody", alone), (f"{clients} clients", crowded)):
        rate, median_ms, first_mb, last_mb = found
        click.echo(
            f"{name:12} {rate:6.2f} steps/s, median step {median_ms:.2f} ms, resident memory"
            f" {first_mb:.0f} MB, {last_mb - first_mb:+.1f} MB after {seconds} s"
        )
    click.echo(f"rate with clients / without: {crowded[0] / alone[0]:.3f}")
    click.echo(f"{said}; of {first} connections, {last} are left")


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


def _measured(url: str, seconds: int) -> tuple[float, float, float, float]:
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
    main()
