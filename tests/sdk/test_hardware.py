"""Decoders in hardware: there are none here, so another of FFmpeg's stands in for one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from movistream.errors import VideoError
from movistream.sources import DecodeOptions, VideoFile, hardware
from movistream.sources.hardware import HARDWARE, Hardware
from movistream.sources.picking import Picking, at_rate, one_in
from tests.sdk.test_selecting import write

PICKINGS = {"5 a second": at_rate(5), "all": one_in(1)}


@pytest.fixture(autouse=True)
def nothing_was_told() -> Iterator[None]:
    hardware._tell_of_none.cache_clear()
    yield
    hardware._tell_of_none.cache_clear()


def seen(path: Path, picking: Picking, name: Hardware | None = None) -> list[tuple[int, bytes]]:
    with VideoFile(path, decode=DecodeOptions(hardware=name)) as video:
        return [(frame.index, frame.image.tobytes()) for frame in video.picked(picking)]


@pytest.mark.parametrize(("kind", "decoder"), [("h264", "h264"), ("vp9", "libvpx-vp9")])
@pytest.mark.parametrize("picking", PICKINGS)
def test_another_decoder_gives_the_same_frames(
    kind: str, decoder: str, picking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "video", kind)
    expected = seen(path, PICKINGS[picking])
    asked = []

    def named(codec: Any, name: str) -> str:
        asked.append(f"{codec.codec.canonical_name}_{name}")
        return decoder

    monkeypatch.setattr(hardware, "_decoder_name", named)
    assert seen(path, PICKINGS[picking], "v4l2m2m") == expected
    assert asked == [f"{kind}_v4l2m2m"]


@pytest.mark.parametrize("name", HARDWARE)
def test_where_there_is_none_the_cpu_decodes_and_it_is_told_once(
    name: Hardware, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "video", "mpeg-4")
    with caplog.at_level(logging.WARNING):
        expected = seen(path, at_rate(5))
        assert not caplog.records
        for _ in range(2):
            assert seen(path, at_rate(5), name) == expected
    if name == "cuda" and any(Path("/dev").glob("nvidia[0-9]")):
        return
    (told,) = (record.getMessage() for record in caplog.records)
    assert told.startswith(f"{name} does not decode here (")


def test_a_device_that_helps_is_asked_for_and_a_file_that_is_none_still_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from av.codec import hwaccel

    asked: list[dict[str, Any]] = []

    def opening(**more: Any) -> Any:
        asked.append(more)
        return av.open(str(path))

    monkeypatch.setattr(hwaccel, "hwdevices_available", lambda: ["vaapi"])
    path = write(tmp_path / "video", "h264")
    hardware.opened_with_help(opening, "vaapi").close()
    assert isinstance(asked[0]["hwaccel"], hwaccel.HWAccel)
    path = tmp_path / "notes.mp4"
    path.write_text("notes")
    with pytest.raises(VideoError, match="is no video, but text"):
        VideoFile(path, decode=DecodeOptions(hardware="vaapi"))


def test_hardware_of_no_kind() -> None:
    with pytest.raises(
        VideoError, match="hardware is v4l2m2m, vaapi, cuda, videotoolbox, not 'tpu'"
    ):
        DecodeOptions(hardware="tpu")  # type: ignore[arg-type]
