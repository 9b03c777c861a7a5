"""The server, as programs meet it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import random
import re
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import click
import httpx
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from movistream.cli import main
from movistream.serve import server as server_module
from movistream.serve.command import serve
from movistream.serve.hub import Subscriber
from movistream.serve.limits import Limits
from movistream.serve.schema import SourceKind
from tests.conftest import foreign_model
from tests.sdk.serving import Server, serving
from tests.sdk.videos import MjpegServer, numbered_picture, write_timed_video
from tests.sdk.waiting import wait_until

TOKEN = "a-token-of-some-letters"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server(
    model_path: Path, clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environment = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("temporary"))}
    arguments = (model_path, clip, "--loop", "--most-upload", "1")
    with serving(*arguments, environment=environment) as running:
        running.wait_for_steps()
        yield running


@pytest.fixture(scope="module")
def guarded(model_path: Path, clip: Path) -> Iterator[Server]:
    with serving(model_path, clip, "--loop", token=TOKEN) as running:
        yield running


def jpeg(number: int = 1) -> bytes:
    data = io.BytesIO()
    Image.fromarray(numbered_picture(number)).save(data, "JPEG")
    return data.getvalue()


def messages(socket: ClientConnection, count: int, kind: str) -> list[dict[str, Any]]:
    """So many JSON messages of a kind, pictures and others left out."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        data = socket.recv(timeout=20)
        if isinstance(data, str) and json.loads(data)["type"] == kind:
            found.append(json.loads(data))
    return found


def camera_feed(camera: ClientConnection) -> dict[str, Any]:
    """The feed that a browser's camera goes to, which is said first."""
    (message,) = messages(camera, 1, "feed")
    found: dict[str, Any] = message["feed"]
    return found


def is_now(at: str) -> bool:
    """Whether a moment is a second or less ago, and written as the interface does."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", at), at
    ago = datetime.now(timezone.utc) - datetime.fromisoformat(at)
    return timedelta(seconds=-0.01) < ago < timedelta(seconds=1)


def test_status(server: Server, clip: Path) -> None:
    """Feeds are named as streams are by 'movistream run'."""
    status = server.http.get("/api/status").json()
    assert status["model"]["labels"][0] == "thing 0"
    assert status["system"]["resident_bytes"] > 1e7
    feed = status["feeds"][0]
    assert feed["name"] == str(clip)
    assert feed["state"] == "running"
    assert sum(feed["latencies"]["counts"]) == pytest.approx(feed["steps"], abs=2)
    assert server.http.get(f"/api/feeds/{feed['id']}").json()["id"] == feed["id"]


def test_recordings_go_at_their_own_pace(server: Server) -> None:
    """Of ten frames per second, five are looked at."""
    start, before = time.monotonic(), server.feeds()[0]["steps"]
    after = server.wait_for_steps(steps=15)["steps"]
    assert (after - before) / (time.monotonic() - start) == pytest.approx(5, abs=1.5)


def test_history_and_picture(server: Server) -> None:
    server.wait_for_steps(steps=3)
    feed = server.feeds()[0]["id"]
    history = server.http.get(f"/api/feeds/{feed}/history").json()
    assert {"at", "time_s", "best"} == set(history["points"][0])
    assert is_now(history["points"][-1]["at"])
    picture = server.http.get(f"/api/feeds/{feed}/picture")
    assert picture.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(picture.content)) as image:
        assert image.size == (320, 240)


def test_a_feed_as_it_goes(server: Server) -> None:
    feed = server.feeds()[0]["id"]
    with connect(f"{server.socket_url}/api/feeds/{feed}/live") as socket:
        first = json.loads(socket.recv(timeout=10))
        assert (first["type"], first["feed"]["id"]) == ("feed", feed)
        steps = messages(socket, 3, "step")
        assert is_now(steps[-1]["at"])
        assert [step["frame"] for step in steps] == sorted(step["frame"] for step in steps)
        assert steps[0]["best"][0]["label"].startswith("thing ")


def test_pictures_wait_for_acknowledgements(server: Server) -> None:
    feed = server.feeds()[0]["id"]
    with connect(f"{server.socket_url}/api/feeds/{feed}/live") as socket:
        kinds = []
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            kinds.append(type(socket.recv(timeout=10)))
        assert kinds.count(bytes) == 1
        socket.send('{"shown": 1}')
        while not isinstance(data := socket.recv(timeout=10), bytes):
            pass
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG"


def test_pause_resume_reset(server: Server) -> None:
    feed = server.feeds()[0]["id"]
    assert server.http.post(f"/api/feeds/{feed}/pause").status_code == 204
    wait_until(lambda: server.feeds()[0]["state"] == "paused")
    time.sleep(0.5)
    before = server.feeds()[0]["steps"]
    time.sleep(1)
    assert server.feeds()[0]["steps"] == before
    with connect(f"{server.socket_url}/api/feeds/{feed}/live") as socket:
        assert server.http.post(f"/api/feeds/{feed}/resume").status_code == 204
        assert server.http.post(f"/api/feeds/{feed}/reset").status_code == 204
        (notice,) = messages(socket, 1, "notice")
    assert notice["kind"] == "reset"
    assert is_now(notice["at"])
    assert server.wait_for_steps(steps=2)["state"] == "running"


def test_settings(server: Server) -> None:
    feed = server.feeds()[0]["id"]
    settings = {
        "enter": 0.6,
        "leave": 0.2,
        "smoothing_s": 0.5,
        "horizon_s": 2.0,
        "allow": ["thing 1", "thing 2"],
    }
    answer = server.http.put(f"/api/feeds/{feed}/settings", json=settings)
    assert answer.json()["settings"] == settings
    server.wait_for_steps(steps=3)
    with connect(f"{server.socket_url}/api/feeds/{feed}/live") as socket:
        (step,) = messages(socket, 1, "step")
    assert {entry["label"] for entry in step["best"]} == {"thing 1", "thing 2"}
    for bad in (
        {"enter": 2.0},
        {"enter": 0.2, "leave": 0.5},
        {"allow": ["no such label"]},
        {"horizon_s": -1},
        {"unknown": 1},
        {"enter": "high"},
    ):
        answer = server.http.put(f"/api/feeds/{feed}/settings", json=bad)
        assert answer.status_code in (400, 422), bad
        assert server.feeds()[0]["settings"] == settings
    server.http.put(f"/api/feeds/{feed}/settings", json={})


def test_metrics(server: Server) -> None:
    text = server.http.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["movistream_steps"].samples[0].value >= 1
    buckets = [s.value for s in families["movistream_step_seconds"].samples if "le" in s.labels]
    assert buckets == sorted(buckets)
    assert families["movistream_resident_bytes"].samples[0].value > 1e7


def test_an_upload(server: Server, clip: Path) -> None:
    answer = server.http.post("/api/uploads", params={"name": "mine"}, content=clip.read_bytes())
    assert answer.status_code == 201
    feed = answer.json()
    assert (feed["kind"], feed["name"]) == ("upload", "mine")
    path = f"/api/feeds/{feed['id']}"
    wait_until(lambda: server.http.get(path).json()["steps"] >= 2)
    wait_until(lambda: server.http.get(path).json()["state"] == "ended")
    assert server.http.get(path).json()["steps"] == 15
    assert server.http.delete(path).status_code == 204
    assert server.http.get(path).status_code == 404
    assert server.http.delete(path).status_code == 404


def upload_files(server: Server) -> list[Path]:
    """What uploads have left on the disk."""
    variables = Path(f"/proc/{server.child.pid}/environ").read_text().split("\0")
    (folder,) = [Path(text[7:]) for text in variables if text.startswith("TMPDIR=")]
    return list(folder.glob("movistream-*/*"))


def test_bad_uploads(server: Server, tmp_path: Path) -> None:
    def post(content: Any, name: str = "x") -> httpx.Response:
        return server.http.post("/api/uploads", params={"name": name}, content=content)

    before = set(upload_files(server))
    assert post(b"").status_code == 422
    assert post(b"no video" * 100).status_code == 422
    assert post(bytes(1024**2 + 1)).status_code == 413
    assert post(b"x", "a" * 201).status_code == 400
    assert post(b"x", "a\nb").status_code == 400
    large = tmp_path / "large.mp4"
    write_timed_video(large, [0, 100], width=4096, height=2304)
    refused = post(large.read_bytes())
    assert refused.status_code == 422
    assert "million pixels" in refused.json()["detail"]
    assert set(upload_files(server)) == before


def test_an_upload_that_is_cut(server: Server) -> None:
    before = set(upload_files(server))
    address = httpx.URL(server.url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        head = f"POST /api/uploads?name=cut HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
        connection.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + bytes(5000))
        wait_until(lambda: set(upload_files(server)) - before)
    wait_until(lambda: set(upload_files(server)) == before)
    server.wait_for_steps()


def test_uploads_under_way_count(server: Server, clip: Path) -> None:
    address = httpx.URL(server.url)
    connections = []
    for _ in range(4):
        connection = socket.create_connection((address.host, address.port or 80))
        head = f"POST /api/uploads HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
        connection.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + bytes(99))
        connections.append(connection)
    wait_until(lambda: len(upload_files(server)) >= 4)
    assert server.http.post("/api/uploads", content=clip.read_bytes()).status_code == 409
    for connection in connections:
        connection.close()
    wait_until(lambda: not upload_files(server))


def test_a_camera_that_is_removed(server: Server) -> None:
    with connect(f"{server.socket_url}/api/camera") as camera:
        feed = camera_feed(camera)
        camera.send(jpeg())
        camera.recv(timeout=10)
        server.http.delete(f"/api/feeds/{feed['id']}")
        with pytest.raises(ConnectionClosed, match="not watched any more"):
            camera.recv(timeout=10)


def test_too_many_uploads(server: Server, clip: Path) -> None:
    ids = []
    for _ in range(4):
        answer = server.http.post("/api/uploads", content=clip.read_bytes())
        assert answer.status_code == 201
        ids.append(answer.json()["id"])
    assert server.http.post("/api/uploads", content=clip.read_bytes()).status_code == 409
    for feed in ids:
        server.http.delete(f"/api/feeds/{feed}")
    assert len(server.feeds()) == 1


def test_who_comes_late_is_told_the_last_answer(server: Server, tmp_path: Path) -> None:
    """Of a video of one frame, which is over before anybody watches, and of a picture."""
    video = tmp_path / "short.mp4"
    write_timed_video(video, [0])
    for content in (video.read_bytes(), jpeg()):
        feed = server.http.post("/api/uploads", content=content).json()["id"]
        wait_until(lambda feed=feed: server.http.get(f"/api/feeds/{feed}").json()["steps"] == 1)
        wait_until(
            lambda feed=feed: server.http.get(f"/api/feeds/{feed}").json()["state"] == "ended"
        )
        with connect(f"{server.socket_url}/api/feeds/{feed}/live") as live:
            (step,) = messages(live, 1, "step")
            assert len(step["best"]) == 5
            assert isinstance(live.recv(timeout=10), bytes)
        server.http.delete(f"/api/feeds/{feed}")


def test_events_are_saved(model_path: Path, clip: Path, tmp_path: Path) -> None:
    """As JSON and as a table that a spreadsheet does not calculate."""
    labels = tmp_path / "labels.txt"
    labels.write_text("=1+1\n-two\nthree\nfour\nfive\n")
    with serving(model_path, clip, "--loop", "--labels", labels) as running:
        feed = running.feeds()[0]["id"]
        path = f"/api/feeds/{feed}/events"
        settings = {"enter": 0.01, "leave": 0.009}
        assert running.http.put(f"/api/feeds/{feed}/settings", json=settings).status_code == 200
        running.wait_for_steps(steps=6)
        # Other settings end what is going on.
        running.http.put(f"/api/feeds/{feed}/settings", json={})
        wanted = {"=1+1", "-two"}
        wait_until(lambda: {e["label"] for e in running.http.get(path).json()["events"]} >= wanted)
        answer = running.http.get(path)
        assert answer.headers["content-disposition"].endswith(f'"events-{feed}.json"')
        saved = answer.json()
        assert (saved["feed"], saved["name"]) == (feed, str(clip))
        for event in saved["events"]:
            assert event["start_s"] < event["end_s"]
            assert 0 < event["peak_score"] <= 1
            assert datetime.fromisoformat(event["at"]).utcoffset() == timedelta(0)
        table = running.http.get(path, params={"format": "csv"})
        assert table.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert [row["at"] for row in rows] == [event["at"] for event in saved["events"]]
        assert {row["label"] for row in rows} >= {"'=1+1", "'-two"}
        assert {row["feed"] for row in rows} == {str(clip)}
        assert running.http.get(path, params={"format": "xls"}).status_code == 400
        assert running.http.get("/api/feeds/none/events").status_code == 404


def test_a_source_of_the_servers_own_stays(server: Server) -> None:
    feed = server.feeds()[0]["id"]
    assert server.http.delete(f"/api/feeds/{feed}").status_code == 422
    assert server.feeds()[0]["id"] == feed


def test_a_browsers_camera(server: Server) -> None:
    with connect(f"{server.socket_url}/api/camera") as camera:
        feed = camera_feed(camera)
        for number in range(12):
            camera.send(jpeg(number))
            assert json.loads(camera.recv(timeout=10))["type"] == "taken"
            time.sleep(0.1)
        path = f"/api/feeds/{feed['id']}"
        assert wait_until(lambda: server.http.get(path).json()["steps"] >= 3)
    wait_until(lambda: server.http.get(path).json()["state"] == "ended")
    server.http.delete(path)


@pytest.mark.parametrize(
    "data", ["text", b"no picture", b"\xff\xd8\xff" + bytes(99), bytes(700_000)]
)
def test_a_camera_that_sends_something_else(data: str | bytes, server: Server) -> None:
    with connect(f"{server.socket_url}/api/camera") as camera:
        feed = camera_feed(camera)
        camera.send(data)
        with pytest.raises(ConnectionClosed):
            camera.recv(timeout=10)
    server.http.delete(f"/api/feeds/{feed['id']}")
    server.wait_for_steps()


def test_a_camera_that_leaves(model_path: Path) -> None:
    """In the middle of an answer, with and without a word: no traceback, and its feed ends."""
    with serving(model_path) as running:
        for is_polite in (True, False):
            with connect(f"{running.socket_url}/api/camera") as camera:
                feed = camera_feed(camera)
                for number in range(5):
                    camera.send(jpeg(number))
                if not is_polite:
                    camera.socket.shutdown(socket.SHUT_RDWR)
            path = f"/api/feeds/{feed['id']}"
            wait_until(lambda path=path: running.http.get(path).json()["state"] == "ended")
            running.http.delete(path)


def test_a_picture_that_is_too_large(server: Server) -> None:
    data = io.BytesIO()
    Image.new("RGB", (8000, 8000)).save(data, "JPEG", quality=1)
    assert len(data.getvalue()) > 100_000
    with connect(f"{server.socket_url}/api/camera") as camera:
        feed = camera_feed(camera)
        camera.send(data.getvalue()[:500_000])
        with pytest.raises(ConnectionClosed):
            camera.recv(timeout=10)
    server.http.delete(f"/api/feeds/{feed['id']}")


def test_a_watcher_that_talks_nonsense(server: Server) -> None:
    feed = server.feeds()[0]["id"]
    for data in ("nonsense", '{"shown": -1}', '{"shown": 1, "more": 2}', b"\x00\x01"):
        with connect(f"{server.socket_url}/api/feeds/{feed}/live") as socket:
            socket.send(data)
            with pytest.raises(ConnectionClosed):
                messages(socket, 1000, "step")
    with (
        connect(f"{server.socket_url}/api/feeds/none/live") as socket,
        pytest.raises(ConnectionClosed, match="no such feed"),
    ):
        socket.recv(timeout=10)


def test_headers(server: Server) -> None:
    for path in ("/", "/api/status", "/static/app.js", "/nothing", "/schema/openapi.json"):
        headers = server.http.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


def test_the_page_needs_nothing_else(server: Server) -> None:
    page = server.http.get("/").text
    names = ("app.js", "chart.js", "color.js", "style.css")
    files = [server.http.get(f"/static/{name}") for name in names]
    for text in (page, *(file.text for file in files)):
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
    assert [file.headers["content-type"].split(";")[0] for file in files] == [
        "text/javascript",
        "text/javascript",
        "text/javascript",
        "text/css",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/api/feeds/..%2f..%2fetc%2fpasswd",
        "/api/feeds/../../etc/passwd/picture",
        "/static//etc/passwd",
    ],
)
def test_no_path_reaches_the_disk(path: str, server: Server) -> None:
    address = httpx.URL(server.url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\nConnection: close\r\n"
        connection.sendall(f"{request}\r\n".encode())
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert answer.split(b" ")[1] in (b"404", b"400", b"405")
    assert b"root:" not in answer


def test_upload_names_are_only_names(server: Server, clip: Path, tmp_path: Path) -> None:
    name = f"../../../..{tmp_path}/owned.mp4"
    answer = server.http.post("/api/uploads", params={"name": name}, content=clip.read_bytes())
    assert answer.json()["name"] == name
    assert not (tmp_path / "owned.mp4").exists()
    server.http.delete(f"/api/feeds/{answer.json()['id']}")


def test_tokens(guarded: Server) -> None:
    with httpx.Client(base_url=guarded.url) as stranger:
        for path in ("/", "/api/status", "/metrics", "/static/app.js", "/schema/openapi.json"):
            assert stranger.get(path).status_code == 401
            wrong = {"Authorization": f"Bearer {TOKEN}x"}
            assert stranger.get(path, headers=wrong).status_code == 401
        assert stranger.get("/", params={"token": "wrong"}).status_code == 401
        assert stranger.get("/api/status", params={"token": TOKEN}).status_code == 401
        assert stranger.get("/healthz").status_code == 200
        assert stranger.post("/api/uploads", content=b"x").status_code == 401
        page = stranger.get("/", params={"token": TOKEN})
        assert page.status_code == 200
        cookie = page.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert stranger.get("/api/status").status_code == 200
    feed = guarded.feeds()[0]["id"]
    path = f"{guarded.socket_url}/api/feeds/{feed}/live"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(InvalidStatus), connect(path, additional_headers=headers):
            pass
    with connect(path, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as live:
        assert json.loads(live.recv(timeout=10))["type"] == "feed"


def test_other_sites_are_refused(server: Server, guarded: Server) -> None:
    foreign = {"Origin": "http://evil.example"}
    for running in (server, guarded):
        feed = running.feeds()[0]["id"]
        assert running.http.post(f"/api/feeds/{feed}/reset", headers=foreign).status_code == 403
        headers = {**foreign, "Authorization": f"Bearer {TOKEN}"}
        for path in (f"/api/feeds/{feed}/live", "/api/camera"):
            with (
                pytest.raises(InvalidStatus),
                connect(f"{running.socket_url}{path}", additional_headers=headers),
            ):
                pass
    # A name of an attacker's own that leads to this machine.
    assert server.http.get("/api/status", headers={"Host": "evil.example"}).status_code == 421
    assert server.http.get("/api/status", headers={"Host": "localhost:1"}).status_code == 200
    for host in ("[", "[::1", "evil.example@localhost", ""):
        assert server.http.get("/api/status", headers={"Host": host}).status_code in (400, 421)
    for origin in ("http://[", "null", "", "http://localhost:1"):
        assert server.http.get("/api/status", headers={"Origin": origin}).status_code == 403
    own = server.url
    assert server.http.get("/api/status", headers={"Origin": own}).status_code == 200
    two = [("Origin", "http://evil.example"), ("Origin", own)]
    assert server.http.get("/api/status", headers=two).status_code == 403


def test_hosts_and_tokens(model_path: Path, capsys: Capture) -> None:
    for arguments, message in (
        (["--host", "0.0.0.0"], "give a --token"),
        (["--token", "short"], "16 to 200 letters"),
        (["--host", "256.1.1.1", "--token", TOKEN], "cannot listen on 256.1.1.1"),
        (["--token", "new"], "a new token is shown on a terminal only, and this is none"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["serve", str(model_path), *arguments])
        assert caught.value.code == 1
        assert message in capsys.readouterr().err


def test_a_foreign_model_says_that_its_rate_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path = tmp_path / "exported.tflite"
    path.write_bytes(foreign_model("call"))
    monkeypatch.setattr(server_module, "run_server", lambda *_: None)
    main(["serve", str(path)])
    assert "does not say at what frame rate" in capsys.readouterr().err
    main(["serve", str(path), "--fps", "5"])
    assert "does not say" not in capsys.readouterr().err


def test_help_fits_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """In groups, each option with words."""
    monkeypatch.setenv("COLUMNS", "80")
    main(["serve", "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert {"Server:", "Source:", "Memory:", "Model:"} <= set(lines)
    assert max(map(len, lines)) <= 80
    options = [known for known in serve.params if isinstance(known, click.Option)]
    assert [known.name for known in options if not known.help] == []


def test_a_token_is_never_printed_into_a_log(model_path: Path) -> None:
    environment = {**os.environ, "MOVISTREAM_TOKEN": TOKEN}
    command = [sys.executable, "-u", "-m", "movistream", "serve", str(model_path), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            url = line.split("?")[0].strip()
            assert httpx.get(url, params={"token": TOKEN}, timeout=20).status_code == 200
            assert httpx.get(url, params={"token": "guess"}).status_code == 401
            child.send_signal(signal.SIGINT)
            rest = child.communicate(timeout=20)[0]
        finally:
            child.kill()
    assert TOKEN not in line + rest
    assert child.returncode in (0, 130)


def test_a_source_that_comes_back(model_path: Path) -> None:
    camera = MjpegServer()
    try:
        with serving(model_path, camera.url) as running:
            running.wait_for_steps(steps=3)
            camera.close()
            time.sleep(1)
            camera = MjpegServer(port=camera.port)
            running.wait_for_steps(steps=3)
            assert running.http.get("/healthz").status_code == 200
    finally:
        camera.close()


def test_a_source_that_is_lost(model_path: Path, clip: Path, tmp_path: Path) -> None:
    video = tmp_path / "later.avi"
    with serving(model_path, video, clip, "--loop") as running:
        wait_until(lambda: running.feeds()[0]["state"] == "lost")
        assert "does not exist" in running.feeds()[0]["problem"]
        assert running.http.get("/healthz").status_code == 503
        running.wait_for_steps(place=1)
        video.write_bytes(clip.read_bytes())
        running.wait_for_steps(place=0)
        assert running.http.get("/healthz").status_code == 200


def test_the_model_file_is_replaced(model_path: Path, clip: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(model_path.read_bytes())
    with serving(model, clip, "--loop") as running:
        running.wait_for_steps()
        other = tmp_path / "other"
        other.write_bytes(b"no model")
        other.replace(model)
        running.wait_for_steps(steps=10)


def test_who_never_reads_is_dropped(model_path: Path, clip: Path) -> None:
    """And who wants no pictures has none to acknowledge."""
    with serving(model_path, clip, "--loop", limits={"unshown_s": 1.0}) as running:
        path = f"{running.socket_url}/api/feeds/{running.feeds()[0]['id']}/live"
        with connect(path) as silent, connect(f"{path}?pictures=false") as reader:
            kinds = set()
            deadline = time.monotonic() + 2.5
            while time.monotonic() < deadline:
                kinds.add(type(reader.recv(timeout=10)))
            assert kinds == {str}
            # Five steps a second have come; if it was still open, more would follow.
            with pytest.raises(ConnectionClosed):
                messages(silent, 25, "step")


def test_limits_of_a_server() -> None:
    """Tests of the server itself reach some of them sooner."""
    limits = Limits()
    assert limits.unshown_s == 20
    assert (limits.upload_window_s, limits.upload_window_bytes) == (10, 160_000)


def test_slow_watchers_are_dropped() -> None:
    """One that never reads costs bounded memory, and holds nobody up."""

    async def overflow() -> None:
        subscriber = Subscriber()
        for _ in range(256):
            subscriber.put("message")
        assert not subscriber.over.is_set()
        subscriber.put("message")
        assert subscriber.over.is_set()

    asyncio.run(overflow())


def operations(server: Server) -> list[tuple[str, str]]:
    schema = server.http.get("/schema/openapi.json").json()
    return [(method, path) for path, methods in schema["paths"].items() for method in methods]


def test_the_schema_names_all(server: Server) -> None:
    found = {path for _, path in operations(server)}
    assert {"/api/status", "/api/uploads", "/api/feeds/{feed_id}/settings", "/metrics"} <= found
    document = server.http.get("/schema/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["description"].endswith(".")


def test_the_schema_describes_web_sockets(server: Server) -> None:
    """As requests that ask for another protocol, with the schemas of all messages."""
    document = server.http.get("/schema/openapi.json").json()
    schemas = document["components"]["schemas"]

    def named(found: Any) -> set[str]:
        """Schemas that are referred to, the first level alone."""
        return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found)))

    for path, kind, said, taken in (
        ("/api/camera", "CameraSocket", {"FeedMessage", "TakenMessage"}, set()),
        (
            "/api/feeds/{feed_id}/live",
            "LiveSocket",
            {"FeedMessage", "StepMessage", "EventMessage", "NoticeMessage"},
            {"Acknowledgement"},
        ),
    ):
        operation = document["paths"][path]["get"]
        assert set(operation["responses"]) >= {"101", "426"}
        assert named(operation["responses"]["101"]) == {kind}
        assert named(schemas[kind]["properties"]["says"]) == said
        assert named(schemas[kind]["properties"]["takes"]) == taken
        assert taken <= set(schemas)
        for name in said:
            tag = schemas[name]["properties"]["type"]
            assert f"{tag['const'].capitalize()}Message" == name
        answer = server.http.get(path.replace("{feed_id}", server.feeds()[0]["id"]))
        assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
        assert "web socket" in answer.json()["detail"]


def test_the_page_of_documentation(server: Server) -> None:
    """It names every address with its answers, as the schema does, and what may be chosen."""
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    document = server.http.get("/schema/openapi.json").json()
    described = {
        (method.upper(), path.replace("{feed_id}", "ID")): ", ".join(sorted(operation["responses"]))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    rows = re.findall(r"^\| `([A-Z]+) (/[^` ?]*)[^`]*` \|.*\| ([\d, ]+) \|$", page, re.MULTILINE)
    assert {(method, path): codes for method, path, codes in rows} == described
    for kind in (*get_args(SourceKind), "none"):
        assert f"| `{kind}`" in page
    options = {name for known in serve.params for name in known.opts}
    for option in ("--port", "--allow-sources", "--most-upload", "--known-as", "--sources-from"):
        assert option in options
        assert option in page
    assert f"uploads by `--most-upload` ({Limits().upload_bytes // 1024**2} MB)" in page
    assert "At most eight sources" in page
    assert Limits().sources == 8


def test_a_thousand_malformed_requests(server: Server) -> None:
    """No crash, no status 500, nothing left on the disk, and the inference goes on."""
    generator = random.Random(0)
    feed = server.feeds()[0]["id"]
    files = set(upload_files(server))
    known = operations(server)

    def text() -> str:
        letters = string.printable + "äß€\u202e\0"
        return "".join(generator.choices(letters, k=generator.choice((0, 1, 5, 40, 300))))

    def value(depth: int = 0) -> Any:
        kinds = [
            lambda: None,
            lambda: generator.choice((True, 0, -1, 1e308, 2**70, 0.5)),
            text,
            lambda: [value(depth + 1) for _ in range(3)] if depth < 3 else 0,
            lambda: {text(): value(depth + 1)} if depth < 3 else 0,
            lambda: (
                dict.fromkeys(("enter", "leave", "allow", "horizon_s"), value(depth + 1))
                if depth < 2
                else 0
            ),
        ]
        return generator.choice(kinds)()

    statuses: dict[int, int] = {}
    for _ in range(700):
        method, path = generator.choice(known)
        if method == "delete" or path.endswith("/pause"):
            continue
        target = path.replace("{feed_id}", generator.choice((feed, feed, "x", "%00", "..", "é")))
        body: Any = generator.choice(
            (
                lambda: json.dumps(value()).encode(),
                lambda: generator.randbytes(200),
                lambda: b"",
            )
        )()
        kind = generator.choice(("application/json", "text/plain", "multipart/form-data", "x"))
        parameters = {"name": text(), text() or "x": text()}
        try:
            answer = server.http.request(
                method,
                target,
                params=parameters,
                content=body,
                headers={"content-type": kind},
            )
        except (httpx.InvalidURL, httpx.RemoteProtocolError):
            continue
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    address = httpx.URL(server.url)
    for _ in range(150):
        with socket.create_connection((address.host, address.port or 80), timeout=5) as connection:
            start = generator.choice(
                (b"", b"GET / HTTP/1.1\r\n", b"POST /api/uploads HTTP/1.1\r\n")
            )
            connection.sendall(start + generator.randbytes(generator.randrange(1, 400)))
            if start and generator.random() < 0.5:
                connection.sendall(b"\r\n\r\n")
    for _ in range(150):
        path = generator.choice((f"/api/feeds/{feed}/live", "/api/camera", "/api/feeds/x/live"))
        with connect(f"{server.socket_url}{path}") as live:
            try:
                for _ in range(3):
                    live.send(generator.choice((text(), generator.randbytes(100), '{"shown":')))
            except ConnectionClosed:
                pass
    assert sum(statuses.values()) > 400
    assert not [status for status in statuses if status >= 500]
    server.http.put(f"/api/feeds/{feed}/settings", json={})
    server.http.post(f"/api/feeds/{feed}/resume")
    server.wait_for_steps(steps=3)
    for guest in server.feeds()[1:]:
        server.http.delete(f"/api/feeds/{guest['id']}")
    assert set(upload_files(server)) == files
