"""Sources: files, folders, arrays, pipes, cameras and the network."""

from __future__ import annotations

import io
import logging
import math
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from movistream.errors import FrameError, VideoError
from movistream.sources import (
    ArraySource,
    ImageFolder,
    PiCamera,
    RawSource,
    Source,
    SourceOptions,
    VideoFile,
    VideoFrame,
    is_recorded,
    open_source,
)
from movistream.sources import live as live_sources
from movistream.sources.cameras import CameraAddress, camera_address, cameras_there
from movistream.sources.picking import at_rate, pick_at_rate
from movistream.sources.video_file import find_videos
from movistream.watch.resets import SceneCutDetector
from tests.sdk.videos import (
    HEIGHT,
    WIDTH,
    MjpegServer,
    RtspServer,
    number_of,
    numbered_picture,
    turned,
    write_timed_video,
)


def all_frames(source: Source) -> tuple[list[VideoFrame], VideoError | None]:
    """The frames that come, and the error that ends them."""
    frames = []
    try:
        for frame in source:
            frames.append(frame)  # noqa: PERF402 - those before the error count
    except VideoError as error:
        return frames, error
    return frames, None


VARIABLE_MS = [0, 100, 150, 433, 500, 900, 1000, 1050, 1480, 2100]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_frame_rate(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"variable{suffix}"
    write_timed_video(path, VARIABLE_MS)
    with VideoFile(path) as video:
        frames = list(video)
    assert [round(frame.time_s * 1000) for frame in frames] == VARIABLE_MS
    assert [number_of(frame.image) for frame in frames] == list(range(len(VARIABLE_MS)))
    # Every 0.2 s: 1.2 is nearest to 1.05, which 1.0 took not; 1.4 and 1.6 to 1.48; 1.8 to 2.1.
    with VideoFile(path) as video:
        chosen = [(frame.index, number_of(frame.image)) for frame in pick_at_rate(video, 5)]
    assert [index for index, _ in chosen] == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert all(index == number for index, number in chosen)


def test_times_begin_with_the_video(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    write_timed_video(path, [7000, 7100, 7250])
    with VideoFile(path) as video:
        assert [round(frame.time_s, 3) for frame in video] == [0, 0.1, 0.25]


def test_the_real_clip(reference: Callable[[str], Path]) -> None:
    with VideoFile(reference("clips/carving_ice.mp4")) as video:
        assert video.frames_per_second == pytest.approx(29.6, abs=0.01)
        assert video.seconds == pytest.approx(4.36, abs=0.01)
        chosen = [frame.index for frame in pick_at_rate(video, 5)]
    # The file says 29.6 frames per second, but its frames come 30 times per second.
    assert chosen == list(range(0, 131, 6))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_rotation_is_obeyed(quarters: int, tmp_path: Path) -> None:
    path, rotated = tmp_path / "upright.mp4", tmp_path / "turned.mp4"
    write_timed_video(path, [0, 100])
    rotated.write_bytes(turned(path.read_bytes(), quarters))
    with VideoFile(path) as upright, VideoFile(rotated) as video:
        for plain, frame in zip(upright, video, strict=True):
            np.testing.assert_array_equal(frame.image, np.rot90(plain.image, -quarters))


def test_a_file_that_is_damaged_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    write_timed_video(path, [40 * number for number in range(60)])
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    end = data.index(b"moov")
    third = (end - start) // 3
    data[start + third : start + 2 * third] = bytes(third)
    path.write_bytes(data)
    with VideoFile(path) as video:
        frames, error = all_frames(video)
    numbers = [number_of(frame.image) for frame in frames]
    assert numbers == list(range(len(numbers)))
    assert 5 < len(numbers) < 40
    assert f"damaged after frame {len(numbers) - 1}" in str(error)


@pytest.mark.parametrize("picked", [True, False])
def test_a_picture_that_the_end_cuts_off_is_none(picked: bool, clip: Path, tmp_path: Path) -> None:
    """What is not there of it would be what was in memory; where others need it, it stays."""
    data = clip.read_bytes()
    last = data.rindex(b"00dc", 0, data.index(b"idx1"))
    path = tmp_path / "cut.avi"
    for kept in (data.index(b"idx1"), last + 2000, last + 100):
        path.write_bytes(data[:kept])
        with VideoFile(path) as video:
            found = list(video.picked(at_rate(10)) if picked else video)
        assert len(found) == (30 if kept > last + 2000 else 29)


def test_playlists_are_not_followed(tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    write_timed_video(video, [0, 100])
    for name, text in {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{video}\n#EXT-X-ENDLIST\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile {video.name}\n",
        "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 9 RTP/AVP 96\n",
    }.items():
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(VideoError, match="is no video, but text"):
            VideoFile(path)


@pytest.mark.parametrize("name", ["concat:a.mp4|b.mp4", "pipe:0", "file:///etc/passwd", "data:,x"])
def test_names_are_not_protocols(name: str) -> None:
    with pytest.raises(VideoError):
        open_source(name)


def test_a_folder_of_images(tmp_path: Path) -> None:
    pictures = [numbered_picture(number) for number in range(12)]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"shot{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    with open_source(tmp_path, SourceOptions(image_files_per_second=4)) as source:
        frames = list(source)
    assert [frame.time_s for frame in frames] == [number / 4 for number in range(12)]
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.image, picture)


def test_kinds_of_images(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    half = np.dstack([rgb, np.full((8, 8), 128, np.uint8)])
    Image.fromarray(grey).save(tmp_path / "1.png")
    Image.fromarray(grey.astype(np.uint16) * 256).save(tmp_path / "2.png")
    Image.fromarray(half).save(tmp_path / "3.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "4.png")
    turned_image = Image.fromarray(np.ascontiguousarray(rgb[:4]))
    exif = turned_image.getexif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    turned_image.save(tmp_path / "5.png", exif=exif)
    with ImageFolder(tmp_path, 1) as source:
        images = [frame.image for frame in source]
    np.testing.assert_array_equal(images[0], rgb)
    np.testing.assert_array_equal(images[1], rgb)
    np.testing.assert_allclose(images[2], rgb / 2, atol=1)
    np.testing.assert_array_equal(images[3], rgb)
    np.testing.assert_array_equal(images[4], np.rot90(rgb[:4], -1))


def test_an_image_of_a_few_bytes_and_many_pixels(tmp_path: Path) -> None:
    """A GIF says its size in four bytes."""
    data = (
        b"GIF87a"
        + (8000).to_bytes(2, "little") * 2
        + bytes(3)
        + b","
        + bytes(4)
        + b"\4\0\3\0\0\x08\x02\0\0\0;"
    )
    (tmp_path / "1.png").write_bytes(data)
    with (
        ImageFolder(tmp_path, 1) as source,
        pytest.raises(VideoError, match="64000000 pixels, more"),
    ):
        _ = [frame.image for frame in source]


def test_an_image_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with ImageFolder(tmp_path, 1) as source, pytest.raises(VideoError, match=r"1\.png"):
        _ = [frame.image for frame in source]


@pytest.mark.parametrize("names", [("1.png", "a.mp4", "b.MKV"), ("a.mp4",)])
def test_a_folder_of_videos_is_no_video(names: tuple[str, ...], tmp_path: Path) -> None:
    """Nobody wants the one picture beside them."""
    for name in names:
        (tmp_path / name).touch()
    counts = rf"holds videos \({2 if len(names) > 1 else 1}\) and images \({len(names) // 2}\)"
    with pytest.raises(VideoError, match=counts + ".*run them all with --output-dir"):
        ImageFolder(tmp_path, 1)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="holds no image"):
        ImageFolder(tmp_path, 1)
    with pytest.raises(VideoError, match="holds no video"):
        find_videos(tmp_path)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 7)])
def test_arrays_of_any_number_of_channels(shape: tuple[int, ...]) -> None:
    """A model knows which it takes; what looks for cuts takes all."""
    images = np.zeros((2, *shape), np.uint8)
    images[1] = 255
    detector = SceneCutDetector()
    with ArraySource(images, 5) as source:
        found = [frame.image for frame in source]
    assert [detector.is_cut(image) for image in found] == [False, True]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros(4, np.uint8),
        np.zeros((4, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.uint16),
        np.full((4, 4, 3), np.nan, np.float32),
        "picture.png",
    ],
)
def test_arrays_that_are_no_frames(image: Any) -> None:
    with ArraySource([image], 5) as source, pytest.raises(FrameError, match="a frame"):
        _ = next(iter(source)).image


def test_arrays() -> None:
    pictures = np.stack([numbered_picture(number) for number in range(3)])
    with ArraySource(pictures, 10) as source:
        assert source.seconds == pytest.approx(0.3)
        assert [number_of(frame.image) for frame in source] == [0, 1, 2]


def test_raw_frames() -> None:
    pictures = [numbered_picture(number) for number in range(3)]
    data = b"".join(picture.tobytes() for picture in pictures)
    source = RawSource(io.BytesIO(data), WIDTH, HEIGHT, 10, "pipe")
    frames = list(source)
    assert [frame.time_s for frame in frames] == [0, 0.1, 0.2]
    np.testing.assert_array_equal(frames[2].image, pictures[2])
    broken = RawSource(io.BytesIO(data[:-1]), WIDTH, HEIGHT, 10, "pipe")
    with pytest.raises(VideoError, match="ends within frame 2"):
        list(broken)


def test_raw_frames_need_a_size() -> None:
    with pytest.raises(VideoError, match="--source-size"):
        open_source("-")


def test_names_of_live_sources() -> None:
    live = ("0", "camera:2", "/dev/video0", "picamera", "picamera:1", "rtsp://a/b", "http://a")
    assert not any(map(is_recorded, live))
    assert all(map(is_recorded, ("-", "a.mp4", "./0", "folder/0")))


@pytest.mark.parametrize("name", ["7", "/dev/video99", "camera:12"])
def test_a_camera_that_is_not_there(name: str) -> None:
    with pytest.raises(VideoError, match="there is no camera /dev/video"):
        open_source(name)


def test_a_camera_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "video0"
    path.write_bytes(b"no device")
    with pytest.raises(VideoError, match="cannot be used"):
        live_sources.Camera(CameraAddress("camera 0", str(path)))


@pytest.mark.parametrize(
    ("system", "name", "device", "format_name"),
    [
        ("linux", "0", "/dev/video0", "v4l2"),
        ("linux", "camera:2", "/dev/video2", "v4l2"),
        ("linux", "/dev/video4", "/dev/video4", "v4l2"),
        ("darwin", "1", "1", "avfoundation"),
        ("win32", "0", "0", "vfwcap"),
        ("win32", "video=USB Camera", "video=USB Camera", "dshow"),
    ],
)
def test_cameras_of_each_system(system: str, name: str, device: str, format_name: str) -> None:
    address = camera_address(name, system)
    assert address is not None
    assert (address.device, address.format_name) == (device, format_name)


def test_what_a_camera_is_called_and_asked_for() -> None:
    assert camera_address("0", "darwin") == CameraAddress("camera 0", "0", "avfoundation", 30.0)
    assert camera_address("video=Eye", "win32") == CameraAddress("Eye", "video=Eye", "dshow")
    assert camera_address("3", "linux") == CameraAddress("/dev/video3", "/dev/video3", "v4l2", None)


def test_cameras_are_listed_where_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [Path("/dev/video1"), Path("/dev/video0")])
    assert cameras_there() == "; there are /dev/video0, /dev/video1"
    monkeypatch.setattr(Path, "glob", lambda *_: [])
    assert cameras_there() == "; there is none at all"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cameras_there() == ""


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("linux", "video=USB Camera"),
        ("linux", "clip.mp4"),
        ("darwin", "/dev/video0"),
        ("win32", "C:\\clips\\0.mp4"),
    ],
)
def test_what_is_no_camera_of_a_system(system: str, name: str) -> None:
    assert camera_address(name, system) is None


@pytest.mark.usefixtures("pattern_cameras")
def test_a_camera_and_its_end() -> None:
    options = SourceOptions(size=(64, 48), frames_per_second=20)
    with open_source("0", options) as camera:
        assert camera.live
        assert camera.frames_per_second == 20
        frames, error = all_frames(camera)
    assert "gives no more frames" in str(error)
    assert len(frames) == 20
    assert frames[0].image.shape == (48, 64, 3)
    assert frames[0].time_s == 0
    assert frames[-1].time_s == pytest.approx(0.95, abs=0.3)
    now_s = time.monotonic()
    assert all(frame.captured_s and frame.captured_s <= now_s for frame in frames)


def test_a_pi_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[Any] = []

    class Picamera2:
        def __init__(self, number: int) -> None:
            if number > 1:
                raise IndexError("list index out of range")
            self.frames = 0

        def create_video_configuration(self, **asked: Any) -> dict[str, Any]:
            return asked

        def configure(self, asked: dict[str, Any]) -> None:
            log.append(asked)

        def start(self) -> None:
            log.append("start")

        def capture_array(self, name: str) -> np.ndarray:
            self.frames += 1
            if self.frames > 3:
                raise RuntimeError("camera frontend has timed out")
            return numbered_picture(self.frames)

        def stop(self) -> None:
            log.append("stop")

        def close(self) -> None:
            log.append("close")

    with pytest.raises(VideoError, match="python3-picamera2"):
        PiCamera()
    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    with open_source("picamera:1", SourceOptions(frames_per_second=15)) as camera:
        frames, error = all_frames(camera)
    assert "timed out" in str(error)
    assert [number_of(frame.image) for frame in frames] == [1, 2, 3]
    main = {"size": (640, 480), "format": "BGR888"}
    assert log == [{"main": main, "controls": {"FrameRate": 15}}, "start", "stop", "close"]
    with pytest.raises(VideoError, match="picamera:3 cannot be used"):
        open_source("picamera:3")


@pytest.mark.parametrize("server_class", [MjpegServer, RtspServer])
def test_a_network_stream_that_comes_back(
    server_class: type[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_sources, "FIRST_WAIT_S", 0.05)
    caplog.set_level(logging.WARNING, "movistream.sources")
    server = server_class()
    try:
        with open_source(server.url) as source:
            assert source.live
            interruptions = []
            for count, frame in enumerate(source):
                assert frame.image.shape == (HEIGHT, WIDTH, 3)
                if count == 5:
                    server.close()
                    server = server_class(port=server.port)
                if frame.interruption is not None:
                    interruptions.append(frame.interruption)
                if interruptions and count > 10:
                    break
    finally:
        server.close()
    (interruption,) = interruptions
    assert "connection lost" in interruption
    assert "attempt" in interruption
    assert "connecting again" in caplog.text


def test_a_network_stream_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sources, "FIRST_WAIT_S", 0.05)
    with MjpegServer() as server:
        url = server.url.replace("http://", "http://me:secret@")
        source = open_source(url, SourceOptions(give_up_after_s=0.3))
        frames = iter(source)
        next(frames)
    with source, pytest.raises(VideoError, match=r"given up 0\.3 s after") as caught:
        list(frames)
    assert "@" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_network_stream_that_falls_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sources, "FIRST_WAIT_S", 0.05)
    with RtspServer(stalls_after=20) as server:
        with open_source(server.url, SourceOptions(timeout_s=1.0)) as source:
            for frame in source:
                if frame.interruption is not None:
                    break
        assert "it does not answer in time" in (frame.interruption or "")
        # One that connects again and sends nothing is given up too.
        options = SourceOptions(timeout_s=1.0, give_up_after_s=2.5)
        with open_source(server.url, options) as source:
            frames = iter(source)
            next(frames)
            server._stalls_after = 0
            with pytest.raises(VideoError, match=r"given up 2\.5 s after"):
                list(frames)


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_web_server_that_refuses(status: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://me:secret@127.0.0.1:{server.server_address[1]}/x"
        with pytest.raises(VideoError, match="cannot be opened") as caught:
            open_source(url)
        server.shutdown()
        thread.join()
    assert "secret" not in str(caught.value)


def test_times_that_jump_back(tmp_path: Path) -> None:
    """Two recordings joined: the second goes on where the first ends."""
    parts = []
    for number in range(2):
        part = tmp_path / f"{number}.ts"
        write_timed_video(part, [200 * count for count in range(10)])
        parts.append(part.read_bytes())
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(parts))
    with VideoFile(joined) as video:
        times_s = [frame.time_s for frame in video]
    assert len(times_s) == 20
    assert times_s == sorted(times_s)
    assert times_s[-1] > 3


def test_nobody_answers() -> None:
    with pytest.raises(VideoError, match="cannot be opened: Connection refused"):
        open_source("rtsp://127.0.0.1:9/stream")
    with pytest.raises(VideoError, match=r"begins with gopher://"):
        open_source("gopher://127.0.0.1/")
    with pytest.raises(VideoError, match="cannot be"):
        open_source("rtsp://[bad")


def test_a_recording_on_a_web_server(tmp_path: Path) -> None:
    write_timed_video(tmp_path / "video.mkv", [0, 100, 200])
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split(" ")[0]
        try:
            with open_source(f"http://127.0.0.1:{port}/video.mkv") as source:
                assert not source.live
                assert [number_of(frame.image) for frame in source] == [0, 1, 2]
        finally:
            server.terminate()


@pytest.mark.parametrize(
    ("images", "rate", "message"),
    [
        ("clip.mp4", 5, "must be an array or give pictures, not str"),
        (7, 5, "must be an array or give pictures, not int"),
        ([], 0, "must be a number above 0 and at most 1000, not 0"),
        ([], -5, "must be a number above 0 and at most 1000, not -5"),
        ([], 1001, "must be a number above 0 and at most 1000, not 1001"),
        ([], math.nan, "must be a number above 0 and at most 1000, not nan"),
    ],
)
def test_what_is_no_array_of_pictures(images: Any, rate: float, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        ArraySource(images, rate)
