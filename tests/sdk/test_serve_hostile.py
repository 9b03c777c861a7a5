"""The server under what is valid and hostile: an answer each, never a 500, nothing left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.sdk.serving import Server, serving
from tests.sdk.videos import write_timed_video
from tests.sdk.waiting import wait_until


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps what it is sent."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def server(model_path: Path, clip: Path, temporary: Path) -> Iterator[Server]:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with serving(model_path, clip, "--loop", environment=environment) as running:
        running.wait_for_steps()
        yield running
        assert [feed["id"] for feed in running.feeds()] == ["source-1"]
    assert not list(temporary.iterdir())


def post(server: Server, content: bytes) -> httpx.Response:
    return server.http.post("/api/uploads", params={"name": "x"}, content=content)


def one_picture(path: Path, width: int, height: int) -> bytes:
    """A video of one picture, without loss."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        picture = np.zeros((height, width, 3), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("size", [(16, 70_000), (70_000, 16)])
def test_pictures_longer_than_jpeg_allows(
    size: tuple[int, int], server: Server, tmp_path: Path
) -> None:
    answer = post(server, one_picture(tmp_path / "long.mkv", *size))
    assert answer.status_code == 201, answer.text
    path = f"/api/feeds/{answer.json()['id']}"
    with connect(f"{server.socket_url}{path}/live") as live:
        wait_until(lambda: server.http.get(path).json()["steps"] == 1)
        picture = server.http.get(f"{path}/picture")
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
        while not isinstance(live.recv(timeout=10), bytes):
            pass
    assert server.http.delete(path).status_code == 204


def test_codecs_that_are_not_known(server: Server, tmp_path: Path) -> None:
    write_timed_video(tmp_path / "x.mp4", [0, 100])
    assert (
        post(server, (tmp_path / "x.mp4").read_bytes().replace(b"avc1", b"zzzz")).status_code == 422
    )


def test_the_file_that_crashed_the_server(server: Server, reference: Callable[[str], Path]) -> None:
    data = reference("hostile/unknown_codec_i.mpg").read_bytes()
    assert post(server, data).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"allow": ' + b"[" * 50_000 + b"]" * 9_000 + b"}",
        b'{"a":' * 10_000,
        b'{"enter": 1e999}',
        b'{"allow": ["' + b"\xff" * 9 + b'"]}',
        b'{"enter": NaN}',
        b"null",
        b"",
    ],
)
def test_settings_that_are_none(body: bytes, server: Server) -> None:
    path = f"/api/feeds/{server.feeds()[0]['id']}/settings"
    for kind in ("application/json", "application/msgpack", "text/plain", "x"):
        answer = server.http.put(path, content=body, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500, answer.text
        assert "detail" in answer.json()


def read_on(live: ClientConnection) -> None:
    """Reads until it is closed."""
    for _ in range(1000):
        live.recv(timeout=20)


@pytest.mark.parametrize("text", ['{"shown":' + "[" * 200_000, "[" * 500_000, '{"shown": 1e400}'])
def test_messages_that_are_too_deep(text: str, server: Server) -> None:
    with connect(f"{server.socket_url}/api/feeds/source-1/live") as live:
        live.send(text)
        with pytest.raises(ConnectionClosed):
            read_on(live)
    server.wait_for_steps()


@pytest.mark.parametrize("query", ["pictures=" + "x" * 900, "pictures", "pictures=%ff", "a=" * 99])
def test_queries_of_sockets(query: str, server: Server) -> None:
    try:
        with connect(f"{server.socket_url}/api/feeds/source-1/live?{query}") as live:
            live.recv(timeout=10)
    except (ConnectionClosed, InvalidStatus):
        pass
    server.wait_for_steps()


def test_head_is_answered_as_get(server: Server) -> None:
    for path in ("/", "/healthz", "/metrics", "/api/status", "/static/app.js", "/nothing"):
        got, head = server.http.get(path), server.http.head(path)
        assert head.status_code == got.status_code
        assert head.headers["content-type"] == got.headers["content-type"]
        assert not head.content
        assert int(head.headers["content-length"]) > 0
    assert server.http.head("/api/uploads").status_code == 405


def test_slow_uploads_give_their_places_back(model_path: Path, clip: Path, tmp_path: Path) -> None:
    """Four of them hold all places, but not for long, and nobody else waits for anything else."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    limits = {"upload_window_s": 1.0, "upload_window_bytes": 16_000}
    with ExitStack() as stack:
        server = stack.enter_context(serving(model_path, environment=environment, limits=limits))
        address = httpx.URL(server.url)
        head = f"POST /api/uploads HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
        slow = []
        for _ in range(4):
            connection = socket.create_connection((address.host, address.port or 80), 20)
            slow.append(stack.enter_context(connection))
            connection.sendall(f"{head}Content-Length: 9999999\r\n\r\n".encode())
        wait_until(lambda: len(list(tmp_path.rglob("upload-*"))) == 4)
        answer = post(server, clip.read_bytes())
        assert answer.status_code == 409
        deadline = time.monotonic() + 20
        while answer.status_code == 409:
            assert time.monotonic() < deadline
            assert server.http.get("/api/status").status_code == 200
            for connection in slow:
                with suppress(ConnectionError):
                    connection.sendall(bytes(500))
            time.sleep(0.1)
            answer = post(server, clip.read_bytes())
        assert answer.status_code == 201
        refusals = []
        for connection in slow:
            with suppress(ConnectionError):
                refusals.append(connection.recv(1000))
    assert any(b" 408 " in refusal and b"16 kB/s" in refusal for refusal in refusals)


def test_a_full_disk(model_path: Path, clip: Path, tmp_path: Path) -> None:
    """Here: no file may grow any more. Feeds go on, and so do uploads when there is room again."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with serving(model_path, clip, "--loop", environment=environment) as running:
        for limit in (1000, 0):
            resource.prlimit(running.child.pid, resource.RLIMIT_FSIZE, (limit, -1))
            answer = post(running, clip.read_bytes())
            assert answer.status_code == 507
            assert "cannot be kept" in answer.json()["detail"]
            assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        resource.prlimit(running.child.pid, resource.RLIMIT_FSIZE, (-1, -1))
        assert post(running, clip.read_bytes()).status_code == 201
        running.wait_for_steps()


def test_what_a_killed_server_leaves_goes_with_the_next(
    model_path: Path, clip: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    other = tmp_path / "movistream-something-else"
    other.mkdir()
    with serving(model_path, clip, "--loop", environment=environment) as running:
        assert post(running, clip.read_bytes()).status_code == 201
        left = [path for path in tmp_path.iterdir() if path != other]
        assert left
        running.child.send_signal(signal.SIGKILL)
        running.child.wait(20)
        assert all(path.exists() for path in left)
        with serving(model_path, environment=environment):
            assert list(tmp_path.iterdir()) == [other]


def test_malformed_requests_are_no_flood(model_path: Path, tmp_path: Path) -> None:
    with serving(model_path) as running:
        address = httpx.URL(running.url)
        for number in range(50):
            with socket.create_connection((address.host, address.port or 80), 20) as connection:
                connection.sendall(f"nonsense {number}\r\n\r\n".encode())
                assert b" 400 " in connection.recv(1000)
        running.child.terminate()
        assert running.child.stderr is not None
        said = running.child.stderr.read()
        assert said.count("Invalid HTTP request") == 1


def test_names_of_uploads(server: Server, clip: Path) -> None:
    for name in ("a\u202egnp.exe", "a\u200bb", "a\u2028b", "a\u2066b", "a\ufeffb", "a\x7fb"):
        answer = server.http.post("/api/uploads", params={"name": name}, content=clip.read_bytes())
        assert answer.status_code == 400
        assert json.loads(answer.content)["detail"] == "the name has control characters"
