"""Recordings on web servers that give no parts of a file, as Python's own is one."""

from __future__ import annotations

import logging
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from movistream.errors import VideoError
from movistream.sources import SourceOptions, open_source, web_video
from movistream.sources.web_video import WebVideo

FRAMES = 8
QUICK = SourceOptions(timeout_s=2, give_up_after_s=20)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An .mp4 with its index at the end, behind more than a reader keeps."""
    path = tmp_path_factory.mktemp("web") / "noise.mp4"
    noise = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=10, options={"preset": "ultrafast", "qp": "0"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(FRAMES):
            picture = noise.integers(0, 255, (240, 320, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert data.index(b"moov") > len(data) - 10_000
    assert len(data) > 500_000
    return data


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are fetched to; nothing may be left there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def web_server(
    data: bytes,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    pause_s: float = 0.0,
    says: int | None = None,
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Gives all of some data, in ten pieces; yields its address and what it was asked."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(dict(self.headers))
            self.send_response(status)
            all_headers = {"Content-Length": str(says or len(data)), **(headers or {})}
            for name, value in all_headers.items():
                self.send_header(name, value)
            self.end_headers()
            piece = len(data) // 10 + 1
            try:
                for start in range(0, len(data), piece):
                    self.wfile.write(data[start : start + piece])
                    time.sleep(pause_s)
            except OSError:
                pass

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/noise.mp4", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_all_of_it_is_fetched_first(
    video: bytes, temporary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with web_server(video) as (url, _), open_source(url, QUICK) as source:
        frames = [frame.image.shape for frame in source]
        assert frames == [(240, 320, 3)] * FRAMES
        assert source.seconds == pytest.approx(FRAMES / 10)
        assert not source.live
        assert list(temporary.rglob("video"))
    assert list(temporary.iterdir()) == []
    (told,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "gives no parts of a file: all of it is fetched first" in told
    assert "noise.mp4" not in told


def test_one_that_takes_long_to_open(video: bytes, temporary: Path) -> None:
    """All before the index has to be passed over: longer than any address may take to answer."""
    options = SourceOptions(timeout_s=0.5, give_up_after_s=20)
    with web_server(video, pause_s=0.1) as (url, _), open_source(url, options) as source:
        assert len(list(source)) == FRAMES


def test_a_stream_of_known_length_has_an_end(tmp_path: Path) -> None:
    """Also where its seconds are not known: it is no live stream that broke."""
    path = tmp_path / "x.ts"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with web_server(path.read_bytes()) as (url, _), open_source(url, QUICK) as source:
        assert not source.live
        assert len(list(source)) == FRAMES


def failure(url: str, options: SourceOptions = QUICK) -> str:
    with pytest.raises(VideoError) as caught, open_source(url, options) as source:
        list(source)
    return str(caught.value)


def test_what_is_not_fetched(
    video: bytes, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SourceOptions(timeout_s=2, give_up_after_s=0.3)
    with web_server(video, pause_s=0.1) as (url, _):
        assert "did not come within 0.3 s: download it, and name the file" in failure(url, slow)
    with (
        web_server(video[:-5000], says=len(video)) as (url, _),
        pytest.raises(VideoError, match="broke off, 5,000 bytes before the end"),
    ):
        WebVideo(url, None, timeout_s=2, give_up_after_s=20)
    with web_server(video, headers={"Content-Type": "text/html"}) as (url, _):
        assert "holds no frame that can be decoded" in failure(url)
    with web_server(video, status=206) as (url, _):
        assert "holds no frame that can be decoded" in failure(url)
    monkeypatch.setattr(web_video, "MOST_BYTES", 400_000)
    with web_server(video) as (url, _):
        told = failure(url)
        assert "more than the 0 MB that are fetched first: download it, and name the file" in told
    assert list(temporary.iterdir()) == []


def test_users_and_redirects(video: bytes, temporary: Path) -> None:
    with web_server(video) as (url, asked):
        named = url.replace("http://", "http://me:s%20cret@")
        with open_source(named, QUICK) as source:
            assert len(list(source)) == FRAMES
            assert source.name == url.removesuffix("/noise.mp4")
        expected = f"Basic {b64encode(b'me:s cret').decode()}"
        assert asked[-1]["Authorization"] == expected
        with web_server(b"", status=302, headers={"Location": url}) as (elsewhere, _):
            with open_source(elsewhere, QUICK) as source:
                assert len(list(source)) == FRAMES
            assert failure(elsewhere, SourceOptions(timeout_s=2, redirects=False))
