"""Sources that somebody adds while a server runs: what may be, and what never."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from movistream.cli import main
from movistream.errors import VideoError
from movistream.serve import added_source
from movistream.serve.added_source import check_source
from movistream.serve.feed import FeedOptions
from movistream.serve.limits import Limits, NotAllowedError
from movistream.serve.station import Station
from movistream.watch.model import load
from movistream.watch.watcher import WatchOptions
from tests.sdk.serving import Server, serving
from tests.sdk.videos import MjpegServer, free_port, write_timed_video
from tests.sdk.waiting import wait_until

Capture = pytest.CaptureFixture[str]
OWN = ("--allow-sources", "this-machine")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where names of hosts lead, for those that are no numbers."""
    found = {"localhost": "127.0.0.1", "camera": "192.0.2.7", "sly.example": "127.0.0.1"}
    resolve = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **named: Any) -> Any:
        named["flags"] = socket.AI_NUMERICHOST
        return resolve(found.get(host, host), *arguments, **named)

    monkeypatch.setattr(added_source.socket, "getaddrinfo", look_up)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "clip.mp4",
        "/etc/passwd",
        "../clip.mp4",
        "~/clip.mp4",
        ".",
        "",
        "-",
        "/dev/video0/../../etc/passwd",
        "/dev/videoo",
        "/dev/sda",
        "file:/etc/passwd",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "concat:/etc/passwd",
        "concat://a|b",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "data://text",
        "pipe:0",
        "pipe://0",
        "tcp://camera:1?listen",
        "udp://camera:1",
        "srt://camera:1?mode=listener",
        "ftp://camera/x.mp4",
        "rtsp:/camera",
        " rtsp://camera",
        "rtsp://camera\n",
        "http://camera/\r\nHost: x",
        "http://camera\t/x",
        "http://a@b/c@d",
        "http:///etc/passwd",
        "http://",
    ],
)
def test_what_is_never_a_source(source: str, names: dict[str, str]) -> None:
    """Whatever is allowed."""
    with pytest.raises(VideoError):
        check_source(source, ("network", "this-machine", "cameras"))


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("rtsp://camera/1", "network"),
        ("rtsp://admin:secret@camera:554/user=a?b#c", "network"),
        ("RTSPS://Camera", "network"),
        ("http://192.168.1.20:8080/video", "network"),
        ("https://[2001:db8::1]/x", "network"),
        ("rtmp://camera/app", "network"),
        ("rtsp://nowhere.example/1", "network"),
        ("rtsp://localhost/1", "this-machine"),
        ("rtsp://sly.example/1", "this-machine"),
        ("http://camera\\@localhost/", "this-machine"),
        ("http://127.0.0.1:8080/", "this-machine"),
        ("http://camera:x@127.1/", "this-machine"),
        ("http://2130706433/", "this-machine"),
        ("http://0x7f000001/", "this-machine"),
        ("http://0/", "this-machine"),
        ("http://0.0.0.0/", "this-machine"),
        ("http://[::1]/", "this-machine"),
        ("http://[::ffff:127.0.0.1]/", "this-machine"),
        ("http://[fe80::1]/", "this-machine"),
        ("http://169.254.169.254/latest/meta-data", "this-machine"),
        ("rtsp://224.0.0.1/", "this-machine"),
        ("0", "cameras"),
        ("camera:1", "cameras"),
        ("/dev/video0", "cameras"),
        ("picamera", "cameras"),
        ("picamera:1", "cameras"),
    ],
)
def test_kinds_of_sources(source: str, kind: Any, names: dict[str, str]) -> None:
    check_source(source, (kind,))
    others: Any = {"network", "this-machine", "cameras"} - {kind}
    with pytest.raises(NotAllowedError, match=f"--allow-sources {kind}"):
        check_source(source, others)
    with pytest.raises(NotAllowedError):
        check_source(source, ())


def add(server: Server, source: Any, **named: Any) -> Any:
    return server.http.post("/api/feeds", json={"source": source}, **named)


def test_an_address_comes_and_goes(model_path: Path) -> None:
    with MjpegServer() as camera, serving(model_path, *OWN) as server:
        assert server.http.get("/api/status").json()["allowed_sources"] == ["this-machine"]
        secret = secrets.token_hex(8)
        address = f"{camera.url}?password={secret}"
        shown = f"http://127.0.0.1:{camera.port}"
        for name in (shown, f"{shown} (2)"):
            answer = add(server, address)
            assert answer.status_code == 201
            assert (answer.json()["kind"], answer.json()["name"]) == ("added", name)
            assert secret not in answer.text
        server.wait_for_steps(0, 2)
        server.wait_for_steps(1, 2)
        first, second = (feed["id"] for feed in server.feeds())
        assert server.http.delete(f"/api/feeds/{first}").status_code == 204
        assert [feed["id"] for feed in server.feeds()] == [second]
        assert secret not in server.http.get("/api/status").text


def test_one_that_is_lost(model_path: Path) -> None:
    """It is tried again, and is not the server's own: that does what it was started for."""
    with free_port() as port, serving(model_path, *OWN) as server:
        add(server, f"http://user:hunter2@127.0.0.1:{port}/hunter2")
        wait_until(lambda: server.feeds()[0]["state"] == "lost")
        assert server.http.get("/healthz").status_code == 200
        assert "refused" in server.feeds()[0]["problem"]
        server.child.terminate()
        assert server.child.stderr is not None
        said = server.child.stderr.read()
        assert f"http://127.0.0.1:{port} is lost" in said
        assert "hunter2" not in said


def test_how_many_may_be_added(model_path: Path) -> None:
    with free_port() as port, serving(model_path, *OWN, limits={"sources": 2}) as server:
        address = f"rtsp://127.0.0.1:{port}"
        ids = [add(server, address).json()["id"] for _ in range(2)]
        refused = add(server, address)
        assert refused.status_code == 409
        assert "2 sources" in refused.json()["detail"]
        server.http.delete(f"/api/feeds/{ids[0]}")
        assert add(server, address).status_code == 201


def test_names_that_are_never_found(model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They cost an answer in time, and keep nobody from threads: 50 of them at once."""
    over = threading.Event()
    monkeypatch.setattr(added_source.socket, "getaddrinfo", lambda *_, **__: over.wait(20))

    async def ask() -> None:
        limits = Limits(lookup_s=0.2)
        station = Station(model, (), FeedOptions(WatchOptions()), limits)
        asked = [station.add_source(f"rtsp://camera{number}/") for number in range(50)]
        answers = asyncio.gather(*asked, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "at once"), 5) == "at once"
        for answer in await answers:
            assert "takes too long" in str(answer)
        assert station.feeds == ()
        over.set()
        await station.close()

    with load(model_path) as model:
        asyncio.run(ask())


def test_one_that_is_over_makes_room(model_path: Path, tmp_path: Path) -> None:
    """A recording on a web server, played to its end."""
    video = tmp_path / "short.mkv"
    write_timed_video(video, [0, 100])
    headers = {"Content-Length": str(video.stat().st_size)}
    with (
        answering(200, headers, video.read_bytes()) as url,
        serving(model_path, *OWN, limits={"sources": 1}) as server,
    ):
        first = add(server, url).json()["id"]
        wait_until(lambda: server.feeds()[0]["state"] == "ended")
        second = add(server, url).json()["id"]
        assert [feed["id"] for feed in server.feeds()] == [second] != [first]


def test_what_is_refused_by_default(model_path: Path, clip: Path) -> None:
    with serving(model_path, clip, "--loop") as server:
        assert server.http.get("/api/status").json()["allowed_sources"] == ["network"]
        for source in (str(clip), "/etc/passwd", "file:///etc/passwd", "-", "", "x" * 3000, 1):
            answer = add(server, source)
            assert answer.status_code in (400, 422), source
            assert "root:" not in answer.text
        for source in ("0", "/dev/video0", "picamera", server.url, "http://localhost:1/"):
            assert add(server, source).status_code == 403, source
        foreign = {"Origin": "http://evil.example"}
        assert add(server, "rtsp://192.0.2.1/", headers=foreign).status_code == 403
        assert len(server.feeds()) == 1


def test_none_may_be_added(model_path: Path, capsys: Capture) -> None:
    with serving(model_path, "--allow-sources", "none", token="a-token-of-some-letters") as server:
        assert server.http.get("/api/status").json()["allowed_sources"] == []
        assert add(server, "rtsp://192.0.2.1/").status_code == 403
        assert add(server, "x", headers={"Authorization": "Bearer no"}).status_code == 401
    with pytest.raises(SystemExit):
        main(["serve", str(model_path), "--allow-sources", "none", "--allow-sources", "cameras"])
    assert "leaves no room for cameras" in capsys.readouterr().err


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes = b"") -> Iterator[str]:
    """A web server that always says the same; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_one_that_sends_elsewhere_is_not_followed(model_path: Path) -> None:
    """Otherwise, what leads to another machine could lead back to this one."""
    with (
        MjpegServer() as camera,
        answering(302, {"Location": camera.url}) as sly,
        serving(model_path, *OWN) as server,
    ):
        assert add(server, f"{sly}/video").status_code == 201
        wait_until(lambda: server.feeds()[0]["state"] == "lost")
        assert server.feeds()[0]["steps"] == 0


def test_what_comes_by_the_network_opens_no_files(model_path: Path, tmp_path: Path) -> None:
    """A playlist that names a video of this machine."""
    video = tmp_path / "own.ts"
    write_timed_video(video, [0, 100, 200])
    name = video.as_uri()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{name}\n#EXT-X-ENDLIST\n"
    kind = {"Content-Type": "application/vnd.apple.mpegurl"}
    with (
        answering(200, kind, playlist.encode()) as url,
        serving(model_path, *OWN) as server,
    ):
        add(server, f"{url}/list.m3u8")
        wait_until(lambda: server.feeds()[0]["state"] == "lost")
        assert server.feeds()[0]["steps"] == 0
        assert json.dumps(server.feeds()).count(str(video)) == 0
