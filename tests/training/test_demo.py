"""The model in the box, at work."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from movistream.cli import command_line
from movistream.errors import MovistreamError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_options import options_of
from movistream_training.camera_motion.assets import PHOTOGRAPH, WEIGHTS
from movistream_training.camera_motion.motion import LABELS
from movistream_training.camera_motion.sources import PACKAGES, Use

MOST_WEIGHTS_BYTES = 3_000_000


def demo(*arguments: object) -> str:
    """What the command prints."""
    result = CliRunner().invoke(
        command_line, ["demo", *map(str, arguments)], catch_exceptions=False
    )
    return result.output


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the demo filled, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo("-o", folder)


def test_the_weights_are_small_and_say_what_they_are() -> None:
    assert WEIGHTS.stat().st_size < MOST_WEIGHTS_BYTES
    source = safetensors_file.read(WEIGHTS)
    assert source.labels == LABELS
    assert options_of(source).horizon_frames is not None


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


@pytest.mark.usefixtures("pattern_cameras")
def test_a_camera_is_watched(tmp_path: Path) -> None:
    """Until it gives no more frames."""
    with pytest.raises(MovistreamError, match="camera /dev/video0 gives no more frames"):
        demo("-o", tmp_path, "--camera", 0)


def test_no_camera(tmp_path: Path) -> None:
    with pytest.raises(MovistreamError, match="there is no camera /dev/video63"):
        demo("-o", tmp_path, "--camera", 63)


def test_nothing_is_judged_on_what_was_learnt() -> None:
    files = {
        use: {(p.name, name) for p in PACKAGES if p.use is use for name in p.files} for use in Use
    }
    assert not files[Use.TRAINING] & files[Use.JUDGING]
    assert ("scikit-image", f"{PHOTOGRAPH.stem}.png") in files[Use.JUDGING]
