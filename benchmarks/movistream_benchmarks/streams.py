"""What several frames, models and sources at once cost.

python -m movistream_benchmarks.streams pacing MODEL      a model slower than its camera
python -m movistream_benchmarks.streams ensemble A B      two models as one, and apart
python -m movistream_benchmarks.streams workers MODEL VIDEO...
python -m movistream_benchmarks.streams cameras MODEL VIDEO
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

import movistream
from movistream.cli import main as run
from movistream.sources import VideoFile, find_videos
from movistream.stream.ensemble import Ensemble, StreamLike
from movistream.stream.parts import Shown
from movistream_benchmarks.process_memory import read_memory

_WIDTH, _HEIGHT = 640, 480
_WARM_UP_SHARE = 0.2


class SteadyCamera(movistream.Source):
    """Pictures of noise at a steady pace, whether somebody takes them or not."""

    live = True

    def __init__(self, frames_per_second: float, frames: int) -> None:
        """So many frames."""
        self.name = "steady camera"
        self.frames_per_second = frames_per_second
        self._frames = frames
        generator = np.random.default_rng(0)
        self._pictures = generator.integers(0, 256, (8, _HEIGHT, _WIDTH, 3), np.uint8)

    def __iter__(self) -> Iterator[movistream.VideoFrame]:
        start_s = time.monotonic()
        assert self.frames_per_second is not None
        for index in range(self._frames):
            due_s = index / self.frames_per_second
            time.sleep(max(0.0, start_s + due_s - time.monotonic()))
            yield movistream.VideoFrame(
                index, due_s, self._pictures[index % len(self._pictures)].copy, time.monotonic()
            )


class ReplayedCamera(movistream.Source):
    """A video again and again, each frame when it is due, as a camera would send it."""

    live = True

    def __init__(
        self, video: Path, name: str, seconds: float, threads: int, wait_s: float = 0.0
    ) -> None:
        """So many seconds of it, decoded by so many threads, after a wait."""
        self.name = name
        self._video = video
        self._seconds = seconds
        self._wait_s = wait_s
        self._decode = movistream.DecodeOptions(threads=threads)
        with VideoFile(video) as opened:
            self.frames_per_second = opened.frames_per_second

    def __iter__(self) -> Iterator[movistream.VideoFrame]:
        assert self.frames_per_second is not None
        period_s = 1 / self.frames_per_second
        start_s: float | None = None
        index = 0
        while True:
            with VideoFile(self._video, decode=self._decode) as opened:
                frames = iter(opened)
                # A camera has begun before anybody watches it.
                start_s = time.monotonic() + self._wait_s if start_s is None else start_s
                while True:
                    due_s = index * period_s
                    if due_s >= self._seconds:
                        return
                    time.sleep(max(0.0, start_s + due_s - time.monotonic()))
                    frame = next(frames, None)
                    if frame is None:
                        break
                    yield movistream.VideoFrame(index, due_s, frame.decode, start_s + due_s)
                    index += 1


class SlowedModel:
    """A model whose steps take a given time at least."""

    def __init__(self, model: movistream.Model, step_s: float) -> None:
        """Waits behind each step until so many seconds have passed."""
        self._model = model
        self._step_s = step_s

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def stream(self, **options: Any) -> StreamLike:
        """A stream of the model, slowed."""
        stream = self._model.stream(**options)
        step = stream.step

        def slowed(image: Shown, **named: Any) -> movistream.Result:
            end_s = time.monotonic() + self._step_s
            result = step(image, **named)
            time.sleep(max(0.0, end_s - time.monotonic()))
            return result

        stream.step = slowed  # type: ignore[method-assign]
        return stream


@click.group()
def main() -> None:
    """Print what several frames, models and sources at once cost."""


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--seconds", type=click.IntRange(min=5), default=60, show_default=True)
@click.option("--camera-fps", type=click.FloatRange(min=1), default=30.0, show_default=True)
@click.option("--model-fps", type=click.FloatRange(min=0.5), default=5.0, show_default=True)
def pacing(model: Path, seconds: int, camera_fps: float, model_fps: float) -> None:
    """Watch a camera with MODEL, slowed; fails if frames are lost or come late."""
    frames, step_ms = round(seconds * camera_fps), 1e3 / model_fps
    options = movistream.WatchOptions(every=1)
    latencies_ms: list[float] = []
    memory_bytes: list[int] = []
    end: movistream.Ended | None = None
    with (
        movistream.load(model, threads=1) as loaded,
        movistream.StreamPool(
            SlowedModel(loaded, step_ms / 1e3), [SteadyCamera(camera_fps, frames)], options
        ) as pool,
    ):
        for item in pool:
            if isinstance(item, movistream.Step) and item.latency_ms is not None:
                latencies_ms.append(item.latency_ms)
                memory_bytes.append(read_memory().private_dirty_bytes)
            elif isinstance(item, movistream.Ended):
                end = item
    assert end is not None
    warm = memory_bytes[int(len(memory_bytes) * _WARM_UP_SHARE)]
    growth_mb = (memory_bytes[-1] - warm) / 1e6
    click.echo(f"{frames} frames in {seconds} s: {end.steps} looked at, {end.skipped} skipped")
    click.echo(
        f"from capture to result: median {statistics.median(latencies_ms):.0f} ms, at most"
        f" {max(latencies_ms):.0f} ms; a step takes {step_ms:.0f} ms"
    )
    click.echo(f"private memory: {warm / 1e6:.1f} MB after a fifth, {growth_mb:+.2f} MB at the end")
    if end.steps + end.skipped != frames or max(latencies_ms) > 2 * step_ms:
        sys.exit("frames were lost, or came late")


@main.command()
@click.argument("models", type=click.Path(path_type=Path), nargs=2)
@click.option("--frames", type=click.IntRange(min=20), default=300, show_default=True)
def ensemble(models: tuple[Path, Path], frames: int) -> None:
    """Time two MODELS apart and together, in turns."""
    pictures = np.random.default_rng(0).integers(0, 256, (8, _HEIGHT, _WIDTH, 3), np.uint8)
    with movistream.load(models[0], threads=1) as one, movistream.load(models[1], threads=1) as two:
        apart, together = (one.stream(), two.stream()), Ensemble([one, two]).stream()
        ratios = []
        for index in range(frames):
            picture = pictures[index % len(pictures)]
            apart_s = [_timed(apart, picture), _timed([together], picture)]
            ratios.append(apart_s[1] / apart_s[0])
    ratios = ratios[frames // 10 :]
    low, middle, high = statistics.quantiles(ratios, n=4)
    click.echo(f"together / apart: {middle:.3f}, its quartiles {low:.3f} to {high:.3f}")


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("videos", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--most", type=click.IntRange(min=2), default=3, show_default=True, help="Workers.")
@click.option("--rounds", type=click.IntRange(min=3), default=5, show_default=True)
def workers(model: Path, videos: tuple[Path, ...], most: int, rounds: int) -> None:
    """Time VIDEOS, files or folders of files, with one worker thread and with more, in turns."""
    files = [file for path in videos for file in (find_videos(path) if path.is_dir() else [path])]
    with movistream.load(model, threads=1) as loaded:
        seconds: dict[int, list[float]] = {count: [] for count in range(1, most + 1)}
        for _ in range(rounds):
            for count, taken in seconds.items():
                start = time.perf_counter()
                with movistream.StreamPool(loaded, files, workers=count) as pool:
                    steps = sum(map(_counted, pool))
                taken.append(time.perf_counter() - start)
    first = statistics.median(seconds[1])
    for count, taken in seconds.items():
        middle = statistics.median(taken)
        click.echo(
            f"{count} workers: {steps} steps in {middle:.2f} s, {middle / first:.2f} of the time of"
            " one"
        )


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--streams", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--seconds", type=click.IntRange(min=2), default=30, show_default=True)
def cameras(model: Path, video: Path, streams: int, seconds: int) -> None:
    """Watch as many cameras as --streams, each of which sends VIDEO, and one in a process alone.

    Fails if a frame is skipped, or answered later than the next one is due.
    """
    latencies_ms: list[float] = []
    skipped = 0
    with movistream.load(model) as loaded:
        threads = max(1, loaded.threads // streams)
        sources = [
            # Cameras do not keep step with each other.
            ReplayedCamera(video, f"camera {number}", seconds, threads, number / streams)
            for number in range(streams)
        ]
        rate = loaded.frames_per_second or sources[0].frames_per_second
        assert rate is not None
        with movistream.StreamPool(loaded, sources) as pool:
            for item in pool:
                if isinstance(item, movistream.Ended):
                    _counted(item)
                    skipped += item.skipped
                elif isinstance(item, movistream.Step) and item.latency_ms is not None:
                    latencies_ms.append(item.latency_ms)
    cpu_s = time.process_time()
    late = sum(latency > 1e3 / rate for latency in latencies_ms)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    click.echo(
        f"{streams} cameras, {seconds} s: {len(latencies_ms)} frames looked at, {skipped} skipped,"
        f" {late} later than {1e3 / rate:.0f} ms; median {statistics.median(latencies_ms):.0f} ms,"
        f" at most {max(latencies_ms):.0f} ms; {cpu_s:.2f} s of CPU time, {peak_mb:.0f} MB"
    )
    if streams > 1:
        program = [sys.executable, "-m", "movistream_benchmarks.streams", "cameras"]
        begin_s = _children_s()
        alone = [str(model), str(video), "--streams", "1", "--seconds", str(seconds)]
        if subprocess.run([*program, *alone], check=False).returncode:
            sys.exit("one camera alone is too much")
        alone_s = _children_s() - begin_s
        click.echo(f"{cpu_s / (streams * alone_s):.2f} of the CPU time of {streams} alone")
    if late or skipped:
        sys.exit("frames were skipped, or came late")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _counted(item: object) -> bool:
    """Whether it is a step. A source that fails would make all figures lies."""
    if isinstance(item, movistream.Ended) and item.error is not None:
        raise item.error
    return isinstance(item, movistream.Step)


def _timed(streams: Sequence[StreamLike], picture: npt.NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    for stream in streams:
        stream.step(picture)
    return time.perf_counter() - start


if __name__ == "__main__":
    run(command=main, name="streams")
