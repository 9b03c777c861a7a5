"""What only its owner may know, an address's password and all behind its host, leaves by no way."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote

import httpx
import pytest
from websockets.sync.client import connect

from movistream.cli import main
from movistream.errors import VideoError
from movistream.sources import SourceOptions, open_source, public_name
from movistream.sources.address import numbered, short_name, without_addresses
from movistream.watch.model import load
from movistream.watch.pool import StreamPool
from tests.sdk.videos import MjpegServer, free_port
from tests.sdk.waiting import wait_until

Capture = pytest.CaptureFixture[str]


def secret() -> str:
    """Nobody says it by chance; letters of both cases."""
    return "sEcReT" + secrets.token_hex(6)


def addresses(host: str, protocol: str) -> list[tuple[str, list[str]]]:
    """Addresses with secrets in all places, and these."""
    found = []
    for template in (
        "{}:{}@HOST",
        "{}@HOST",
        "{}:{}@HOST/{}/user={}_password={}_channel=1?pwd={}&user={}#{}",
        "HOST/?token={}",
        "HOST?token={}",
        "HOST/{}",
        "HOST#{}",
        "{}:%41{}%2f%40%3a@HOST/%7E{}",
        "{}:{}@{}@HOST/x",
        "{}:{}/{}@HOST/x",
        "{}:{}#{}?{}@HOST",
        "{}:{}\\{}@HOST",
        "{}:{} {}@HOST/ {}",
        "{}:é{}ß@HOST/ö{}",
    ):
        own = [secret() for _ in range(template.count("{}"))]
        rest = template.format(*own).replace("HOST", host)
        found.append((f"{protocol}://{rest}", own))
    return found


def assert_no_secret(text: str, own: list[str]) -> None:
    """None of them is in a text in any form."""
    low = f"{text}\n{unquote(text)}".lower()
    for word in own:
        forms = {word, quote(word), word[::-1], base64.b64encode(word.encode()).decode()[2:-4]}
        for form in forms:
            assert form.lower() not in low, f"{form} is in {text[:2000]}"


def everything_about(error: BaseException | None, seen: frozenset[int] = frozenset()) -> str:
    """An exception with all that hangs on it."""
    if error is None or id(error) in seen:
        return ""
    seen |= {id(error)}
    parts = [repr(error), str(error), repr(vars(error)), *traceback.format_exception(error)]
    parts += [everything_about(error.__cause__, seen), everything_about(error.__context__, seen)]
    return "\n".join(parts)


def test_public_names() -> None:
    for given, public in (
        ("rtsp://camera", "rtsp://camera"),
        ("RTSP://admin:hunter2@Camera:554/a?b#c", "rtsp://camera:554"),
        ("rtsp://admin:hunter2secret@127.0.0.1:1", "rtsp://127.0.0.1:1"),
        ("rtsp://cam/user=admin_password=x_channel=1", "rtsp://cam"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80"),
        ("rtsp://admin:hunter2", "rtsp://…"),
        ("rtsp://admin:pass/word@camera", "rtsp://…"),
        ("rtsp://camera/x@1", "rtsp://…"),
        ("rtsp://admin%3ahunter2%40camera", "rtsp://…"),
        ("rtsp://", "rtsp://…"),
        ("rtsp://[", "rtsp://…"),
        ("rtsp:/admin:hunter2@camera", "…"),
        (" rtsp://admin:hunter2@camera", "…"),
        ("rtsp:admin:hunter2@camera", "…"),
        ("admin:hunter2@camera/1", "…"),
        ("front door.mp4", "front door.mp4"),
        ("folder/clip 12:30.mp4", "folder/clip 12:30.mp4"),
        ("me@home.mp4", "me@home.mp4"),
        ("camera:0", "camera:0"),
        ("s3://bucket/folder/clip.mp4", "s3://bucket/folder/clip.mp4"),
        ("s3://id:hunter2@bucket/clip.mp4", "s3://bucket"),
        ("s3://id:hun/ter2@bucket/clip.mp4", "s3://…"),
        ("gs://bucket/clip.mp4?signature=hunter2", "gs://bucket"),
        ("-", "-"),
    ):
        assert public_name(given) == public, given
        assert public_name(public) == public
    assert short_name(Path("a/b.mp4")) == "b.mp4"
    assert short_name("rtsp://u:p@camera:1/x.mp4") == "rtsp://camera:1"
    assert numbered(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
    text = "cannot open 'rtsp://u:p@camera/1?x=y', or http://z/q."
    assert without_addresses(text) == "cannot open 'rtsp://camera', or http://z."


@pytest.mark.parametrize("protocol", ["rtsp", "http", "HTTP", "rtmp", "gopher", "file"])
def test_errors(protocol: str) -> None:
    """Of opening, with all that hangs on them."""
    with free_port() as port:
        for address, own in addresses(f"127.0.0.1:{port}", protocol):
            for name in (address, Path(address), f" {address}", address.replace("://", ":/")):
                with pytest.raises(VideoError) as caught:
                    open_source(name, SourceOptions(timeout_s=2))
                assert_no_secret(everything_about(caught.value), own)


def test_names_and_interruptions(model_path: Path) -> None:
    """Of streams that work, and break."""
    with MjpegServer() as camera:
        given = addresses(f"127.0.0.1:{camera.port}", "http")
        working = [(address, own) for address, own in given if _opens(address)]
        assert len(working) >= 6
        with load(model_path) as model:
            options = SourceOptions(give_up_after_s=0.5, timeout_s=2)
            names = [address for address, _ in working]
            with StreamPool(model, names, source_options=options) as pool:
                told = []
                for item in pool:
                    told.append(everything_about(getattr(item, "error", None)) + repr(item)[:500])
                    if len(told) == 2 * len(names):
                        camera.close()
    streams = {line for line in told if f"http://127.0.0.1:{camera.port} (2)" in line}
    assert streams
    for _, own in working:
        assert_no_secret("\n".join(told), own)


def _opens(address: str) -> bool:
    with suppress(VideoError):
        open_source(address, SourceOptions(timeout_s=2)).close()
        return True
    return False


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "MODEL", "ADDRESS"],
        ["run", "MODEL", "ADDRESS", "--json"],
        ["run", "MODEL", "ADDRESS", "ADDRESS"],
        ["run", "MODEL", "ADDRESS", "--csv", "OUT/table.csv", "--plot", "OUT/plot.png"],
        ["run", "MODEL", "ADDRESS", "--output-dir", "OUT"],
        ["run", "MODEL", "ADDRESS", "--resume", "OUT/none", "--save-state", "OUT/state"],
        ["run", "MODEL", "ADDRESS", "--fps", "ADDRESS"],
        ["run", "MODEL", "x", "--output", "ADDRESS"],
        ["run", "ADDRESS", "ADDRESS"],
        ["inspect", "ADDRESS"],
        ["inspect", "MODEL", "ADDRESS"],
        ["serve", "ADDRESS"],
        ["serve", "MODEL", "--labels", "ADDRESS"],
        ["serve", "MODEL", "--sources-from", "ADDRESS"],
        ["serve", "MODEL", "--host", "ADDRESS", "--token", "a-token-of-letters"],
        ["ADDRESS"],
    ],
)
def test_the_command_line(
    arguments: list[str], model_path: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Where a camera is not there, and where an address stands in a wrong place."""
    with free_port() as port:
        for address, own in addresses(f"127.0.0.1:{port}", "rtsp")[2::4]:
            given = {"MODEL": str(model_path), "ADDRESS": address}
            line = [given.get(part, part.replace("OUT", str(tmp_path))) for part in arguments]
            with pytest.raises(SystemExit) as caught:
                main([*line, *(["--give-up-after", "1"] if line[0] == "run" else [])])
            assert caught.value.code
            said = capsys.readouterr()
            assert said.err
            left = [f"{path}" for path in tmp_path.rglob("*")]
            assert_no_secret("\n".join([said.out, said.err, *left]), own)


def test_results_of_a_camera_that_works(model_path: Path, tmp_path: Path, capsys: Capture) -> None:
    with MjpegServer() as camera:
        own = [secret() for _ in range(4)]
        host = f"127.0.0.1:{camera.port}"
        address = f"http://{own[0]}:{own[1]}@{host}/{own[2]}?pwd={own[3]}"
        files = [tmp_path / name for name in ("a.csv", "a.png", "a.mp4", "a.state")]
        for way in (["--json"], ["--csv", files[0]], ["--plot", files[1]], ["--output", files[2]],
                    ["--save-state", files[3]]):  # fmt: skip
            main(["run", str(model_path), address, "--end", "1", *map(str, way)])
            said = capsys.readouterr()
            assert_no_secret(said.out + said.err, own)
            if way == ["--json"]:
                assert json.loads(said.out.splitlines()[0])["source"] == f"http://{host}"
    for file in files:
        assert file.stat().st_size
        assert_no_secret(file.read_bytes().decode("latin-1"), own)
    assert f"http://{host}" in files[0].read_text()


@contextmanager
def logged_server(arguments: list[str], log: Path) -> Iterator[tuple[httpx.Client, int]]:
    """A server with all that it prints in a file."""
    command = [sys.executable, "-u", "-m", "movistream", "serve", *arguments, "--port", "0"]
    with (
        log.open("w") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as child,
    ):
        try:
            url = wait_until(lambda: log.read_text().partition("\n")[0]).strip("/")
            with httpx.Client(base_url=url, timeout=20) as http:
                yield http, child.pid
        finally:
            child.terminate()
            child.wait(20)


def test_the_server(model_path: Path, tmp_path: Path) -> None:
    """All that it says, to whom ever, with cameras that work, break, and were never there."""
    log = tmp_path / "log"
    listed = tmp_path / "sources"
    with MjpegServer() as camera, free_port() as port:
        working = addresses(f"127.0.0.1:{camera.port}", "http")
        missing = addresses(f"127.0.0.1:{port}", "rtsp")
        given = [*working, *missing, *addresses("127.0.0.1", "ftp")[:3]]
        own = [word for _, words in given for word in words]
        listed.write_text("".join(f"{address}\n" for address, _ in given), encoding="utf-8")
        said: list[str] = []
        arguments = [str(model_path), "--sources-from", str(listed), "--fps", "1"]
        with logged_server(arguments, log) as (http, pid):
            feeds = wait_until(
                lambda: [feed for feed in http.get("/api/status").json()["feeds"] if feed["steps"]],
                seconds=60,
            )
            said.append(Path(f"/proc/{pid}/cmdline").read_text())
            said += [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/comm")]
            names = [feed["name"] for feed in http.get("/api/status").json()["feeds"]]
            assert f"http://127.0.0.1:{camera.port}" in names
            assert f"http://127.0.0.1:{camera.port} (2)" in names
            feed_id = feeds[0]["id"]
            live = f"ws{str(http.base_url)[4:]}".rstrip("/") + f"/api/feeds/{feed_id}/live"
            with connect(f"{live}?pictures=false") as socket:
                said.append(str(socket.recv(timeout=10)))
                camera.close()
                for _ in range(4):
                    with suppress(TimeoutError):
                        said.append(str(socket.recv(timeout=1)))
            wait_until(
                lambda: "lost" in {f["state"] for f in http.get("/api/status").json()["feeds"]}
            )
            paths = ["/", "/healthz", "/metrics", "/api/status", "/schema/openapi.json", "/nothing"]
            paths += [
                f"/api/feeds/{feed['id']}" for feed in http.get("/api/status").json()["feeds"]
            ]
            paths += [f"/api/feeds/{feed_id}/{part}" for part in ("history", "picture", "x")]
            for path in paths:
                for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
                    answer = http.request(method, path, content=b"{")
                    said.append(f"{answer.headers}\n{answer.content.decode('latin-1')}")
    told = "\n".join(said)
    assert "cannot be opened" in told
    assert "connection lost" in log.read_text()
    assert_no_secret(told + log.read_text(), own)


def test_unexpected_errors(tmp_path: Path) -> None:
    """Tracebacks too: what nobody has foreseen may hold an address in any form."""
    for address, own in addresses("camera:554", "rtsp")[2::3]:
        program = (
            "import logging, sys, threading\n"
            "from movistream.serve.unexpected import show_logs, tell_unexpected\n"
            "show_logs([sys.argv[1]])\n"
            "for _ in range(3):\n"
            "    try:\n"
            "        raise ValueError(f'no {sys.argv[1]!r} here: {sys.argv[1]}')\n"
            "    except ValueError as error:\n"
            "        tell_unexpected(error, 'opening ' + sys.argv[1])\n"
            "    logging.getLogger('movistream.sources').warning('lost %s', sys.argv[1])\n"
            "thread = threading.Thread(target=lambda: int(sys.argv[1]))\n"
            "thread.start(); thread.join()\n"
        )
        said = subprocess.run(
            [sys.executable, "-c", program, address],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONUTF8": "1"},
        ).stderr
        assert said.count("Traceback") == 2
        assert said.count("lost") == 3
        assert_no_secret(said, own)
