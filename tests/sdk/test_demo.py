"""The model in the box, at work."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import movistream
from movistream.demo import command, motion_clip
from movistream.demo.motion import LABELS, Segment, Shake, camera_path
from movistream.demo.motion_clip import demo_path, frames
from movistream.errors import LabelsError, MovistreamError, OutputError


def demo(*arguments: object) -> str:
    """What the command prints."""
    result = CliRunner().invoke(command.demo, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the demo filled, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo("-o", folder)


def test_the_demo_tells_the_motion(output: tuple[Path, str]) -> None:
    folder, printed = output
    with (folder / "timeline.csv").open() as file:
        rows = list(csv.DictReader(file))
    judged = [row for row in rows if float(row["time_s"]) >= 1]
    right = np.mean([row["truth"] == row["answer"] for row in judged])
    assert right >= 0.9
    assert f"{right:.1%} of the frames after 1 s are right" in printed
    assert {row["truth"] for row in rows} == set(LABELS)


def test_the_demo_leaves_pictures(output: tuple[Path, str]) -> None:
    folder, printed = output
    assert (folder / "timeline.png").read_bytes().startswith(b"\x89PNG")
    videos = [cv2.VideoCapture(str(folder / name)) for name in ("clip.mp4", "annotated.mp4")]
    counts = [video.get(cv2.CAP_PROP_FRAME_COUNT) for video in videos]
    assert counts[0] == counts[1] > 0
    for name in ("annotated.mp4", "timeline.png", "timeline.csv"):
        assert name in printed


def test_without_matplotlib_the_timeline_is_printed(tmp_path: Path) -> None:
    """And one line says what the picture needs; neither TensorFlow nor OpenCV is there."""
    script = (
        "import sys\n"
        "for name in ('matplotlib', 'tensorflow', 'cv2'): sys.modules[name] = None\n"
        "from movistream.demo import command, motion_clip\n"
        "motion_clip.SCRIPT = motion_clip.SCRIPT[:2]\n"
        f"command.demo(['-o', {str(tmp_path)!r}])\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(movistream.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "truth  ····" in found.stdout
    (line,) = [line for line in found.stdout.splitlines() if "pip install" in line]
    assert "movistream[plot]" in line
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "annotated.mp4",
        "clip.mp4",
        "timeline.csv",
    ]


@pytest.mark.parametrize(
    ("label", "moves"),
    [("pan right", (-1, 0)), ("pan left", (1, 0)), ("tilt up", (0, 1)), ("tilt down", (0, -1))],
)
def test_pictures_move_against_the_camera(label: str, moves: tuple[int, int]) -> None:
    """At 0.3 widths per second, and between frames that are a tenth of a second apart."""
    path = camera_path([Segment(label, 1.0, 0.3)], Shake(), np.random.default_rng(0))
    first, *_, last = (
        cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float64)
        for frame in islice(frames(path), 10, 13)
    )
    shift, _ = cv2.phaseCorrelate(first, last, cv2.createHanningWindow(first.shape, cv2.CV_64F))
    np.testing.assert_allclose(shift, np.multiply(moves, 0.3 * 0.1 * first.shape[1]), atol=0.5)


def frame_after_a_second(label: str) -> np.ndarray:
    path = camera_path([Segment(label, 2.0, 0.3)], Shake(), np.random.default_rng(0))
    return next(islice(frames(path), 20, None))


def test_a_zoom_and_a_roll_keep_the_middle() -> None:
    """And move the edges: the picture grows, or turns against the camera."""
    still, zoomed, rolled = map(frame_after_a_second, ("static", "zoom in", "roll clockwise"))
    middle = slice(176, 184)
    for moved in (zoomed, rolled):
        inner = np.abs(moved[middle, middle].mean((0, 1)) - still[middle, middle].mean((0, 1)))
        outer = np.abs(moved.astype(int) - still).mean()
        assert inner.max() < 12
        assert outer > 15


def test_nothing_black_is_seen_beyond_the_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a camera sees there is mirrored: of a white picture, all that it takes is white."""
    white = np.full((512, 512, 3), 255, np.uint8)
    monkeypatch.setattr(motion_clip, "read_image", lambda _: white)
    monkeypatch.setattr(motion_clip, "FRAMES_PER_SECOND", 2)
    widest = camera_path(
        [Segment("zoom out", 2.0, 0.3), Segment("pan left", 2.0, 0.4)],
        Shake(),
        np.random.default_rng(0),
    )
    for path in (demo_path(), widest):
        for frame in frames(path):
            assert frame.min() > 255 - 6 * 3


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file is a file, and a folder is needed"):
        demo("-o", tmp_path / "file")


@pytest.mark.usefixtures("pattern_cameras")
def test_a_camera_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it gives no more frames; nothing is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MovistreamError, match="camera /dev/video0 gives no more frames"):
        demo("--camera", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_camera_is_opened_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the model was loaded before the camera was opened")

    monkeypatch.setattr(command, "load", refuse)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MovistreamError, match="there is no camera /dev/video63"):
        demo("--camera", 63)


def test_a_model_of_other_classes_is_refused(tmp_path: Path, model_path: Path) -> None:
    with pytest.raises(
        LabelsError, match="other classes than those of camera motion or camera health"
    ):
        demo("--model", model_path, "-o", tmp_path / "output")
    assert list(tmp_path.iterdir()) == []
