"""Parts of a decoded frame are those of its picture, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest

from movistream.errors import FrameError
from movistream.file.manifest import ImageInput
from movistream.sources import ArraySource, VideoFile, planes
from movistream.sources.planes import DecodedPicture
from movistream.stream.preprocess import FITS, Preprocessor, Region, View
from tests.sdk.videos import write_timed_video

SIZES = [(64, 48), (1920, 1080), (854, 480), (100, 51), (172, 172), (33, 17)]
FORMATS = ["yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "nv12", "yuv420p10le", "gray"]


def frame_of(width: int, height: int, pixel_format: str, **changes: Any) -> Any:
    generator = np.random.default_rng(width * height)
    image = generator.integers(0, 256, (height, width, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixel_format)
    for name, value in changes.items():
        setattr(frame, name, value)
    return frame


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", SIZES)
def test_parts_are_those_of_the_whole(size: tuple[int, int], pixel_format: str) -> None:
    frame = frame_of(*size, pixel_format)
    picture = DecodedPicture(frame)
    whole = picture()
    height, width = whole.shape[:2]
    assert picture.shape == whole.shape == (size[1], size[0], 3)
    generator = np.random.default_rng(7)
    for first, stop in ((0, width), (width // 3, width // 2 + 1), (width - 1, width), (0, 1)):
        rows, columns = generator.integers(0, height, 20), generator.integers(first, stop, 30)
        np.testing.assert_array_equal(picture.take(rows, columns), whole[rows][:, columns])


@pytest.mark.parametrize("colorspace", [1, 2, 5, 6, 9])
@pytest.mark.parametrize("color_range", [0, 1, 2])
def test_colours_are_what_the_frame_says(colorspace: int, color_range: int) -> None:
    frame = frame_of(320, 240, "yuv420p", colorspace=colorspace, color_range=color_range)
    picture = DecodedPicture(frame)
    rows, columns = np.arange(3, 200, 7), np.arange(10, 300, 3)
    np.testing.assert_array_equal(picture.take(rows, columns), picture()[rows][:, columns])


def test_a_converter_of_which_parts_differ_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another version of FFmpeg went by where in the frame a pixel is."""
    original = planes._rgb
    monkeypatch.setattr(planes, "_rgb", lambda frame: original(frame) ^ np.uint8(frame.height))
    planes._takes_parts.cache_clear()
    try:
        picture = DecodedPicture(frame_of(320, 240, "yuv420p"))
        rows, columns = np.arange(3, 200, 7), np.arange(10, 300, 3)
        np.testing.assert_array_equal(picture.take(rows, columns), picture()[rows][:, columns])
    finally:
        planes._takes_parts.cache_clear()


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_frame(quarters: int) -> None:
    frame = frame_of(320, 240, "yuv420p")

    class Turned:
        rotation = 90 * quarters

        def __getattr__(self, name: str) -> Any:
            return getattr(frame, name)

    picture = DecodedPicture(Turned())
    whole = picture()
    assert picture.shape == whole.shape
    np.testing.assert_array_equal(whole, np.rot90(frame.to_ndarray(format="rgb24"), quarters))
    part = picture.take(np.array([4, 9]), np.array([5, 5, 77]))
    np.testing.assert_array_equal(part, whole[[4, 9]][:, [5, 5, 77]])


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("region", [None, Region(101, 37, 300, 222), Region(0, 0, 9, 9)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("is_int8", [False, True])
def test_what_a_network_is_shown(
    fit: Any, region: Region | None, channels: int, is_int8: bool
) -> None:
    picture = DecodedPicture(frame_of(640, 360, "yuv420p"))
    image = ImageInput(tensor="image", shape=(1, 48, 40, channels), dtype="float32")
    if is_int8:
        image = msgspec.structs.replace(image, dtype="int8", value_range=(-128.0, 127.0))
    expected = Preprocessor(image, View(fit, region))(picture()).copy()
    np.testing.assert_array_equal(Preprocessor(image, View(fit, region))(picture), expected)


def test_a_network_of_the_frames_own_size() -> None:
    picture = DecodedPicture(frame_of(40, 48, "yuv420p"))
    preprocess = Preprocessor(ImageInput(tensor="image", shape=(1, 48, 40, 3), dtype="float32"))
    expected = preprocess(picture()).copy()
    np.testing.assert_array_equal(preprocess(picture), expected)


def test_a_network_of_other_channels() -> None:
    picture = DecodedPicture(frame_of(64, 48, "yuv420p"))
    preprocess = Preprocessor(ImageInput(tensor="image", shape=(1, 8, 8, 2), dtype="float32"))
    with pytest.raises(FrameError, match="as many channels"):
        preprocess(picture)


def test_frames_of_files_have_parts_and_those_of_arrays_none(tmp_path: Path) -> None:
    write_timed_video(tmp_path / "clip.mp4", [0, 100])
    with VideoFile(tmp_path / "clip.mp4") as video:
        for frame in video:
            assert not isinstance(frame.shown, np.ndarray)
            assert frame.shown.shape == frame.image.shape
    (frame,) = ArraySource([np.zeros((4, 4, 3), np.uint8)])
    assert frame.shown is frame.image
