"""Videos, and parts of them, as a network sees them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from movistream.errors import VideoError
from movistream_converters.quantise.videos import Part, image_input, read_clips, read_frames
from tests.conftest import IMAGE_SIZE, small_checkpoint

RATE = 10
IMAGE = image_input(small_checkpoint().network, 5.0)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, every frame brighter than the one before by 10 grey levels."""
    path = tmp_path_factory.mktemp("video") / "steps.avi"
    codec = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), codec, RATE, (IMAGE_SIZE, IMAGE_SIZE))
    for index in range(2 * RATE):
        writer.write(np.full((IMAGE_SIZE, IMAGE_SIZE, 3), 10 * index, np.uint8))
    writer.release()
    return path


def indices(video: Path | Part) -> list[int]:
    """Which frames were read, told by their brightness."""
    return [round(frame.mean() / 10) for frame in read_frames(video, IMAGE)]


def test_a_video_at_the_rate_of_the_network(video: Path) -> None:
    assert indices(video) == list(range(0, 20, 2))


def test_a_part_has_the_frames_of_its_time(video: Path) -> None:
    assert indices(Part(video, 0.4, 1.2)) == [4, 6, 8, 10]
    assert indices(Part(video, 1.5)) == [16, 18]
    (clip,) = read_clips((Part(video, 0.4, 1.2),), IMAGE, most_frames=3)
    assert (clip.name, len(clip.frames)) == ("steps.avi", 3)


def test_of_many_videos_some_are_seen_for_a_while(video: Path) -> None:
    """A stream says little after one frame, and a folder's first videos may be of one class."""
    parts = tuple(Part(video, 0.0, end / 100) for end in range(60, 200))
    clips = read_clips(parts, IMAGE, most_frames=32)
    assert [len(clip.frames) for clip in clips] == [3, 5, 7, 8]
    clips = read_clips(parts[-3:], IMAGE, most_frames=240)
    assert [len(clip.frames) for clip in clips] == [10, 10, 10]


@pytest.mark.parametrize("part", [(0.55, 0.58), (5.0, None)])
def test_a_part_without_frames(video: Path, part: tuple[float, float | None]) -> None:
    with pytest.raises(VideoError, match="holds no frame"):
        indices(Part(video, *part))
