"""Half a minute of video through Python and through the command-line twin: the same lines.

    check_clip.py prepare FOLDER MODEL
    check_clip.py compare FOLDER MODEL...

PREPARE writes into FOLDER the demo's clip as raw frames: clip.yuv for the twin, clip.rgb, the same
by the core's rule of pixels (docs/android.md), for Python, and times.txt, other times for the same
frames: uneven, with a gap; and several.tflite, the model as one by which several classes may be at
once, and which says what counts as seen. COMPARE reads what the twin made of them with each model:
NAME.even.jsonl, 25 frames a second, smoothed; NAME.times.jsonl, those times, with resets.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from expectations import rgb
from msgspec.structs import replace

import movistream
from movistream.demo.clip import write_clip
from movistream.demo.motion_clip import demo_path, frames
from movistream.file.binding import bind
from movistream.file.graph import read_model_file
from movistream.file.manifest import METADATA_NAME, EventDefaults, encode, schema_version_of, seal
from movistream.sources.frame import Picture, Source, VideoFrame, as_it_is
from movistream.watch.events import EventOptions
from movistream.watch.pool import StreamPool
from movistream.watch.resets import ResetOptions
from movistream.watch.scores import ScoreOptions
from movistream.watch.watcher import Step, WatchOptions
from tests.converters.tflite_edits import edited

SIZE, FRAMES, RATE = 192, 750, 25
GAP_BEFORE, GAP_S = 300, 9.5
RESETS = ResetOptions(scene_cut=True, gap_s=2.0, every_s=7.0)
EVEN = WatchOptions(scores=ScoreOptions(smoothing_s=0.3), events=EventOptions(), top=3)
UNEVEN = WatchOptions(events=EventOptions(0.6, 0.4, shortest_s=0.2), resets=RESETS, top=3)
SEVERAL = "several"
SEVERAL_EVEN = WatchOptions(events=EventOptions(), top=3)
SEVERAL_UNEVEN = WatchOptions(
    scores=ScoreOptions(smoothing_s=0.1), events=EventOptions(leave=0.1), resets=RESETS, top=3
)
FLOAT_TOLERANCE, INT8_TOLERANCE = 1e-5, 1 / 127
"""Of the largest logit; as in ParityTest."""
SCORE_TOLERANCE = 2e-6
"""Of scores, which are written with 6 digits."""
OF_THE_RUN = ("source", "preprocess_ms", "inference_ms", "logits")


class Raw(Source):
    """The raw frames, at given times."""

    def __init__(self, file: Path, times_s: list[float], rate: float) -> None:
        self.name, self.frames_per_second = str(file), rate
        self._images = np.memmap(file, np.uint8, "r", shape=(len(times_s), SIZE, SIZE, 3))
        self._times_s = times_s

    def __iter__(self) -> Iterator[VideoFrame]:
        for index, time_s in enumerate(self._times_s):
            image: Picture = np.array(self._images[index])
            yield VideoFrame(index, time_s, partial(as_it_is, image))


def write_several(path: Path, model: Path) -> None:
    """A model's network under a manifest of version 3."""
    data = model.read_bytes()
    manifest = bind(read_model_file(data, model.name), data, model.name)
    enter = tuple(np.linspace(0.15, 0.95, manifest.logits.classes).tolist())
    events = EventDefaults(enter, tuple(score - 0.05 for score in enter), 0.2, smoothing_s=0.25)
    logits = replace(manifest.logits, activation="sigmoid")
    manifest = replace(manifest, logits=logits, events=events)
    manifest = replace(manifest, schema_version=schema_version_of(manifest))

    def tell(graph: Any) -> None:
        for entry in graph.metadata:
            if entry.name == METADATA_NAME.encode():
                graph.buffers[entry.buffer].data = np.frombuffer(encode(manifest), np.uint8)

    path.write_bytes(seal(edited(data, tell)))


def prepare(folder: Path, model: Path) -> None:
    """Renders the clip, decodes it once, and writes its frames."""
    write_several(folder / f"{SEVERAL}.tflite", model)
    clip = folder / "clip.mp4"
    clip.unlink(missing_ok=True)
    write_clip(frames(demo_path()), clip, lambda _: None)
    planes: list[bytes] = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            small = frame.reformat(SIZE, SIZE, "yuvj420p").to_ndarray()
            planes.append(small.astype(np.uint8).tobytes())
    pixels, half = SIZE * SIZE, SIZE // 2
    with (folder / "clip.yuv").open("wb") as yuv, (folder / "clip.rgb").open("wb") as colours:
        for index in range(FRAMES):
            data = planes[index % len(planes)]
            values = np.frombuffer(data, np.uint8)
            u, v = values[pixels:].reshape(2, half, half)
            yuv.write(data)
            colours.write(rgb(values[:pixels].reshape(SIZE, SIZE), u, v).tobytes())
    generator = np.random.default_rng(1)
    times = np.arange(FRAMES) / 24 + generator.uniform(0, 0.03, FRAMES)
    times[GAP_BEFORE:] += GAP_S
    times = np.maximum.accumulate(times - times[0])
    (folder / "times.txt").write_text("".join(f"{time_s:.3f}\n" for time_s in times))


def told(path: Path, source: Source, options: WatchOptions) -> list[dict[str, Any]]:
    """Python's lines, with the logits of steps."""
    lines = []
    with (
        movistream.load(path, threads=1, arithmetic="float32") as model,
        StreamPool(model, [source], options) as pool,
    ):
        for item in pool:
            line = item.to_dict()
            if isinstance(item, Step):
                line["logits"] = item.result.logits.tolist()
            lines.append(json.loads(json.dumps(line)))
    return lines


def read(text: str) -> list[dict[str, Any]]:
    """Lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]


def compare(found: list[dict[str, Any]], wanted: list[dict[str, Any]], tolerance: float) -> float:
    """The largest difference of a logit, in units of the largest; refuses other differences."""
    kinds = [line["type"] for line in wanted]
    assert [line["type"] for line in found] == kinds, "other lines, or in another order"
    largest = max(abs(value) for line in wanted for value in line.get("logits", [0]))
    error = 0.0
    for one, other in zip(found, wanted, strict=True):
        if "logits" in one and "logits" in other:
            error = max(error, float(np.abs(np.subtract(one["logits"], other["logits"])).max()))
        assert alike(stripped(one), stripped(other)), f"{one} is not {other}"
    assert error <= tolerance * largest, f"logits differ by {error}, the largest is {largest}"
    return error / max(largest, 1e-9)


def stripped(line: dict[str, Any]) -> dict[str, Any]:
    """A line without what is of one run."""
    return {name: value for name, value in line.items() if name not in OF_THE_RUN}


def alike(one: Any, other: Any, name: str = "") -> bool:
    """The same names in the same order, the same values; scores but for their last digit."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[key], other[key], key) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if name in ("score", "peak_score"):
        return abs(one - other) <= SCORE_TOLERANCE
    return bool(one == other)


def command_line(path: Path, folder: Path) -> list[dict[str, Any]]:
    """What ``movistream run`` prints of the even frames."""
    command = [sys.executable, "-m", "movistream", "run", str(path), "-"]
    command += ["--source-size", f"{SIZE}x{SIZE}", "--source-fps", str(RATE), "--json", "--events"]
    command += ["--top", "3", "--threads", "1", "--arithmetic", "float32"]
    command += [] if path.stem == SEVERAL else ["--smoothing", "0.3"]
    with (folder / "clip.rgb").open("rb") as frames:
        run = subprocess.run(command, stdin=frames, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return read(run.stdout)


def main(folder: Path, models: list[Path]) -> None:
    """Compares everything; prints what was found."""
    even = [index / RATE for index in range(FRAMES)]
    uneven = [float(line) for line in (folder / "times.txt").read_text().split()]
    frames = folder / "clip.rgb"
    for path in models:
        several = path.stem == SEVERAL
        tolerance = INT8_TOLERANCE if "int8" in path.stem else FLOAT_TOLERANCE
        twin = read((folder / f"{path.stem}.even.jsonl").read_text())
        compare(twin, command_line(path, folder), tolerance)
        options = SEVERAL_EVEN if several else EVEN
        errors = [compare(twin, told(path, Raw(frames, even, RATE), options), tolerance)]
        steps = [line for line in twin if line["type"] == "step"]
        ends = [line for line in twin if line.get("phase") == "end"]
        assert len(steps) == 300, len(steps)
        assert len(ends) > 5, ends
        assert any(len(step["going_on"]) > 1 for step in steps) == several
        twin = read((folder / f"{path.stem}.times.jsonl").read_text())
        options = SEVERAL_UNEVEN if several else UNEVEN
        errors.append(compare(twin, told(path, Raw(frames, uneven, RATE), options), tolerance))
        notices = {line["reason"] for line in twin if line["type"] == "notice"}
        assert len(notices) > 1, notices
        print(
            f"{path.name}: {FRAMES / RATE:g} s of video give Python's {len(steps)} frames and"
            f" {len(ends)} events, to the millisecond; with a gap and resets too; logits differ"
            f" by {max(errors):.1e} of the largest"
        )


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
