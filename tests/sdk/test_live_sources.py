"""Live sources that were closed, come back late, or have no times; files of no known codec."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

import movistream
from movistream.errors import VideoError
from movistream.sources import NetworkStream, VideoFile, VideoFrame, live
from movistream.sources.capture import Capture
from movistream.sources.container import Container, MediaError
from movistream.sources.frame import Picture, Undecoded
from movistream.sources.planes import UndecodedPicture
from movistream.sources.selecting import Clock
from tests.sdk.test_selecting import HEIGHT, WIDTH, write
from tests.sdk.videos import MjpegServer, write_timed_video


def in_time(work: Callable[[], Any]) -> Any:
    """What a function returns, or a failure if it hangs."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(20)
    assert found, "it hangs, or has failed"
    return found[0]


def test_a_closed_source_gives_nothing() -> None:
    with MjpegServer() as server:
        source = NetworkStream(server.url)
        frames = iter(source)
        next(frames)
        frames.close()
        source.close()
        assert in_time(lambda: list(source)) == []
        never_read = NetworkStream(server.url)
        never_read.close()
        assert in_time(lambda: list(never_read)) == []
        never_read.close()


def test_frames_are_timed_by_when_they_come() -> None:
    """From the first one on, whatever the clock said then."""

    class Doorbell(live.LiveSource):
        def _captured(self) -> Iterator[VideoFrame]:
            for captured_s in (100.0, 100.5, 103.25):
                yield VideoFrame(99, 77.0, lambda: np.zeros((2, 2, 3), np.uint8), captured_s, None)

        def _free(self) -> None:
            pass

    frames = list(Doorbell("door"))
    assert [(frame.index, frame.time_s, frame.captured_s) for frame in frames] == [
        (0, 0.0, 100.0),
        (1, 0.5, 100.5),
        (2, 3.25, 103.25),
    ]


def test_how_long_a_recording_is(tmp_path: Path) -> None:
    path = tmp_path / "recording.mp4"
    write_timed_video(path, [0, 500, 1000, 1500])
    container = Container(str(path))
    assert container.seconds == pytest.approx(1.5, abs=0.6)
    container.close()


class Waits:
    """In place of the event that a source is closed by: notes for how long it is waited."""

    def __init__(self, most: int) -> None:
        self.waits_s: list[float] = []
        self._most = most

    def wait(self, timeout: float) -> bool:
        self.waits_s.append(timeout)
        return len(self.waits_s) > self._most


def test_how_long_until_it_connects_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout_s: float, **named: object) -> Container:
        raise VideoError("refused")

    monkeypatch.setattr(live, "open_address", refuse)
    stream = NetworkStream(
        "rtsp://camera", opened=SimpleNamespace(frames_per_second=5.0, tracks=())
    )  # type: ignore[arg-type]
    stream.closed = waits = Waits(8)  # type: ignore[assignment]
    assert stream._reconnect("gone", float("inf")) == 0
    assert waits.waits_s == [0.5, 1, 2, 4, 8, 15, 15, 15, 15]


@pytest.mark.parametrize(
    ("given", "times_s"),
    [
        ([None, None, None, None], [0, 0.25, 0.5, 0.75]),
        ([3.0, 3.5, None, None], [0, 0.5, 0.75, 1.0]),
        ([None, None, 7.0, 7.5], [0, 0.25, 0.5, 1.0]),
    ],
)
def test_frames_without_times(given: list[float | None], times_s: list[float]) -> None:
    """They come as the frame rate says, never back."""
    clock = Clock(0.25)
    assert [clock.at(time_s) for time_s in given] == pytest.approx(times_s)


def test_a_codec_that_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "unknown.mp4"
    write_timed_video(path, [0, 100])
    data = path.read_bytes()
    path.write_bytes(data.replace(b"avc1", b"zzzz"))
    with pytest.raises(MediaError, match="codec is not known"):
        Container(str(path))
    with pytest.raises(VideoError, match="cannot be opened as a video"):
        VideoFile(path)


def test_the_file_that_crashed_the_server(reference: Callable[[str], Path]) -> None:
    with pytest.raises(VideoError, match="cannot be opened as a video"):
        VideoFile(reference("hostile/unknown_codec_i.mpg"))


class Playing(movistream.Source):
    """A recording that comes as if from a camera."""

    live = True
    name = "playing"
    frames_per_second = 30.0

    def __init__(self, path: Path, spoils: Callable[[int], bool] = lambda index: False) -> None:
        self.container = Container(str(path))
        self.decoded: list[int] = []
        self._spoils = spoils

    def __iter__(self) -> Iterator[VideoFrame]:
        for index, shown in enumerate(self.container.pictures()):
            assert isinstance(shown, UndecodedPicture)
            yield VideoFrame(index, index / 30, self._noted(index, shown))

    def _noted(self, index: int, shown: Undecoded) -> Undecoded:
        source = self

        class Noted(Undecoded):
            def decoded(self) -> Callable[[], Picture]:
                source.decoded.append(index)
                if source._spoils(index):
                    raise VideoError("a picture is damaged")
                return shown.decoded()

        return Noted()


def test_pictures_that_stand_alone_are_decoded_if_they_are_wanted(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", "mjpeg")
    with VideoFile(path) as video:
        expected = {frame.index: frame.image for frame in video}
    source = Playing(path)
    taken: list[VideoFrame] = []
    with Capture(source, lambda frame: frame.index % 6 == 0, lambda: None) as capture:
        while not capture.ended:
            frame = capture.take(0.1)
            taken += [] if frame is None else [frame]
    assert source.decoded == list(range(0, len(expected), 6))
    assert taken
    for frame in taken:
        assert not isinstance(frame.shown, np.ndarray)
        np.testing.assert_array_equal(frame.image, expected[frame.index])


def test_one_that_is_damaged_is_passed_over_and_many_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", "mjpeg")
    source = Playing(path, lambda index: index % 2 == 0)
    seen: list[int] = []
    with Capture(source, lambda frame: True, lambda: None) as capture:
        while not capture.ended:
            frame = capture.take(0.1)
            seen += [] if frame is None else [frame.index]
    assert seen
    assert all(index % 2 for index in seen)
    broken = Playing(path, lambda index: True)
    with (
        Capture(broken, lambda frame: True, lambda: None) as capture,
        pytest.raises(VideoError, match="damaged"),
    ):
        capture.take(20)
    assert len(broken.decoded) == 25


def test_a_packet_that_is_no_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", "mjpeg")
    container = Container(str(path))
    shown = next(container.pictures())
    assert isinstance(shown, UndecodedPicture)
    spoilt = UndecodedPicture(shown._codec, av.Packet(b"no picture"))
    with pytest.raises(VideoError, match="a picture is damaged"):
        spoilt()
    assert shown().shape == (HEIGHT, WIDTH, 3)
