"""What people look at: drawn frames, written videos, plots."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from movistream.drawing.annotate import annotate
from movistream.drawing.timeline import Timeline, plot_timeline
from movistream.drawing.video_writer import open_video_writer
from movistream.errors import OutputError
from movistream.sources import VideoFile, VideoFrame
from movistream.stream.preprocess import Region
from movistream.stream.result import Prediction, Result
from movistream.watch.events import Event
from movistream.watch.watcher import Step
from tests.sdk.videos import number_of, numbered_picture

BEST = [Prediction(0, "carving ice", 0.75), Prediction(1, "a label " * 20, 0.25)]
EVENT = Event("carving ice", 0, 1.0, 2.0, 0.9)


@pytest.mark.parametrize("size", [(172, 172), (480, 640), (1080, 1920), (90, 400), (35, 21)])
def test_drawn_frames(size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 77, np.uint8)
    drawn = annotate(picture, BEST, 3, "0.20 s: inference 1.5 ms", [EVENT])
    height, width = drawn.shape[:2]
    assert height % 2 == width % 2 == 0
    scale = width // size[1]
    assert min(size) * scale >= 360
    np.testing.assert_array_equal(drawn[: size[0] * scale, : size[1] * scale], 77)
    panel = drawn[size[0] * scale :]
    # Text and bars are there, and end before the edges.
    assert panel.std() > 5
    for edge in (panel[-2:], panel[:, :2], panel[:, -2:]):
        assert edge.std(axis=(0, 1)).max() == 0


def test_frames_of_one_video_keep_their_size() -> None:
    picture = numbered_picture(3)
    sizes = {
        annotate(picture, best, 3, "", events).shape
        for best, events in ((BEST, [EVENT]), ([], []), (BEST[:1], ()))
    }
    assert len(sizes) == 1


def test_bars_are_as_long_as_scores() -> None:
    lengths = []
    for score in (0.25, 0.5, 1.0):
        drawn = annotate(numbered_picture(0), [Prediction(0, "x", score)], 1, "")
        blue = (drawn == (66, 148, 255)).all(axis=2)
        lengths.append(int(blue.sum(axis=1).max()))
    assert lengths[1] == pytest.approx(2 * lengths[0], abs=2)
    assert lengths[2] == pytest.approx(4 * lengths[0], abs=8)


def test_a_region_is_framed() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    drawn = annotate(picture, [], 1, "", region=Region(100, 50, 200, 300))
    framed = drawn[:400, :400].any(axis=2)
    rows, columns = np.flatnonzero(framed.any(axis=1)), np.flatnonzero(framed.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (50, 349, 100, 299)


def test_written_videos(tmp_path: Path) -> None:
    path = tmp_path / "video.mkv"
    times_s = [0, 0.1, 0.15, 0.9, 2.0]
    with open_video_writer(path) as writer:
        for number, time_s in enumerate(times_s):
            writer.write(numbered_picture(number, 97 + number, 64), time_s)
        writer.write(numbered_picture(9), 1.0)
    with VideoFile(path) as video:
        frames = list(video)
    assert [frame.time_s for frame in frames] == pytest.approx(times_s, abs=1e-3)
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2, 3, 4]
    assert {frame.image.shape for frame in frames} == {(64, 96, 3)}


def test_a_video_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_video_writer(tmp_path / "video.mp4") as writer:
        writer.write(numbered_picture(0), 1 / 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--output", "--csv", "--plot", "--save-state"])
def test_a_full_disk(option: str, model_path: Path, clip: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    suffix = {"--output": "mp4", "--csv": "csv", "--plot": "png", "--save-state": "npz"}[option]
    output = tmp_path / f"output.{suffix}"
    output.write_text("what was there")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    command = [sys.executable, "-m", "movistream", "run", str(model_path), str(clip), "--force"]
    found = subprocess.run(
        [*command, option, str(output)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 1
    assert f"cannot write {output}: File too large" in found.stderr.splitlines()[-1]
    assert "Traceback" not in found.stderr
    assert output.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [output]


def step_at(time_s: float, scores: list[float]) -> Step:
    values = np.array(scores, np.float32)
    frame = VideoFrame(0, time_s, lambda: numbered_picture(0))
    return Step("a", frame, Result(0, time_s, values, 0, 0), values, (), None, 0, ())


def test_plots(tmp_path: Path) -> None:
    timeline = Timeline()
    for count in range(50):
        timeline.add(step_at(count / 10, [count / 50, 1 - count / 50, 0.3]))
    timeline.events.append(Event("$b$", 1, 0.5, 2.0, 0.9))
    timeline.resets_s.append(3.0)
    path = tmp_path / "plot.png"
    names = ("a" * 60, "$b$", "_c")
    plot_timeline(timeline, names, np.array([True, True, False]), "title $x$", path)
    with Image.open(path) as image:
        assert image.size[0] > 800
        image.load()


def test_long_timelines_are_bounded() -> None:
    timeline = Timeline()
    for count in range(40_000):
        timeline.add(step_at(count / 10, [0.5, 0.5]))
    assert 4000 < len(timeline.times_s) <= 8192
    assert timeline.times_s[0] == 0
    assert timeline.times_s[-1] > 3990
    assert np.ptp(np.diff(timeline.times_s)) < 1e-6


def test_a_name_that_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="must end in"), open_video_writer(tmp_path / "a.gif"):
        pass
