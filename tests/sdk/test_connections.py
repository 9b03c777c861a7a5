"""Those who hold connections, send slowly, or guess; and those who meanwhile only ask."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from movistream.serve import connections as module
from movistream.serve.connections import ConnectionLimits, Connections, with_room_for_descriptors
from movistream.serve.origin import origin_of
from movistream.serve.security import Guard, own_names
from movistream.serve.throttle import FREE_FAILURES, SECONDS_PER_FAILURE, Failures
from tests.sdk.waiting import wait_until

TOKEN = "a-token-of-some-letters"
UPLOADS = "/uploads"
PATIENT = ConnectionLimits(head_s=60, body_s=60, stalled_s=60)


class Little:
    """An application that answers, waits for bodies, or for ever.

    Attributes:
        waiting: requests that are under way for ever.
    """

    def __init__(self) -> None:
        self.waiting = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            assert (await receive())["type"] == "lifespan.startup"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/forever":
            self.waiting += 1
            try:
                while (await receive())["type"] != "http.disconnect":
                    pass
            finally:
                self.waiting -= 1
            return
        if scope["path"] == "/large":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            self.waiting += 1
            try:
                for _ in range(4000):
                    body = {"type": "http.response.body", "body": bytes(10_000), "more_body": True}
                    await send(body)
            finally:
                self.waiting -= 1
        else:
            while (await receive()).get("more_body"):
                pass
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"well"})


class Running:
    """A server with limits of its own."""

    def __init__(self, limits: ConnectionLimits, token: str | None) -> None:
        self.application = Little()
        self.connections = Connections(limits, UPLOADS)
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        guard = Guard(self.application, token, own_names("0.0.0.0"))
        http: Any = self.connections.protocol
        config = uvicorn.Config(guard, http=http, log_config=None, timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        asyncio.run(self.server.serve([self.listening]))

    def connect(self, data: bytes = b"", origin: str = "127.0.0.1") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), 20, (origin, 0))
        connection.sendall(data)
        return connection

    def get(self, path: str = "/", **headers: str) -> int:
        return httpx.get(self.url + path, headers=headers, timeout=20).status_code

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.connections._all) == count)


@contextmanager
def running(limits: ConnectionLimits, token: str | None = None) -> Iterator[Running]:
    found = Running(limits, token)
    found.thread.start()
    try:
        wait_until(lambda: found.server.started)
        yield found
    finally:
        found.server.should_exit = True
        found.thread.join()
        found.listening.close()


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended it, after at most 20 s; what it says first is read."""
    connection.settimeout(20)
    try:
        while connection.recv(10_000):
            pass
    except ConnectionError:
        pass
    return True


def trickle(connection: socket.socket, seconds: int) -> None:
    """Sends ten bytes a second."""
    for _ in range(10 * seconds):
        connection.sendall(b"a")
        time.sleep(0.1)


HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"G",
        HEAD,
        HEAD + b"\r\n",
        HEAD + b"\r\n" + HEAD,
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /forever HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
    ],
)
def test_who_sends_nothing_more_is_disconnected(data: bytes) -> None:
    with running(ConnectionLimits(head_s=0.5, body_s=0.5)) as server:
        with server.connect(data) as connection:
            assert is_closed(connection)
        server.wait_for(0)
        assert server.get() == 200


@pytest.mark.parametrize("start", [HEAD, HEAD + b"\r\n" + HEAD, HEAD.replace(b"GET", b"POST")])
def test_who_sends_a_little_ever_again_is_disconnected(start: bytes) -> None:
    body = b"Content-Length: 9999\r\n\r\n" if b"POST" in start else b""
    with running(ConnectionLimits(head_s=1, body_s=1)) as server:
        with server.connect(start + body) as connection, pytest.raises(ConnectionError):
            trickle(connection, seconds=20)
        assert server.get() == 200


def test_uploads_have_time() -> None:
    """Their own limit is the application's; all others have theirs."""
    with running(ConnectionLimits(head_s=0.5, body_s=0.5)) as server:
        head = b"POST /uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n"
        with server.connect(head) as connection:
            trickle(connection, seconds=3)
            assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_who_takes_no_answer_is_disconnected() -> None:
    with running(ConnectionLimits(stalled_s=0.5)) as server, server.connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: server.application.waiting == 1)
        wait_until(lambda: server.application.waiting == 0)
        server.wait_for(0)


def test_idle_connections_make_room() -> None:
    """All from one address, more than are served: whoever asks is answered."""
    with running(PATIENT) as server, ExitStack() as stack:
        limit = server.connections.limits.most_of_one
        for number in range(limit + 60):
            data = HEAD if number % 2 else b""
            stack.enter_context(server.connect(data))
        server.wait_for(limit)
        for _ in range(20):
            assert server.get() == 200
        assert len(server.connections._all) <= limit


def test_one_address_cannot_take_all() -> None:
    limits = ConnectionLimits(most=20, most_of_one=5, reserve=2, head_s=60, body_s=60)
    forever = b"GET /forever HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with running(limits) as server, ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(server.connect(forever))
        wait_until(lambda: server.application.waiting == 5)
        assert server.get() == 503
        assert server.get("/healthz") == 200
        with server.connect(HEAD + b"\r\n", origin="127.0.0.2") as other:
            assert other.recv(100).startswith(b"HTTP/1.1 200")


def test_tokens_and_healthz_when_all_is_full() -> None:
    limits = ConnectionLimits(most=9, most_of_one=3, reserve=3, head_s=60, body_s=60)
    ask = f"GET /forever HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    with running(limits, TOKEN) as server, ExitStack() as stack:
        for number in range(9):
            origin = f"127.0.1.{number // 3}"
            stack.enter_context(server.connect(ask.encode(), origin))
        wait_until(lambda: server.application.waiting == 9)
        for _ in range(10):
            # More than the reserve, one after the other and without a word.
            stack.enter_context(server.connect(b"", "127.0.2.1"))
        assert server.get("/healthz") == 200
        assert server.get(Authorization=f"Bearer {TOKEN}") == 200
        assert server.get() == 401
        assert server.get(Authorization="Bearer wrong") == 401
        assert len(server.connections._all) <= 12
        for number in range(3):
            stack.enter_context(server.connect(ask.encode(), f"127.0.3.{number}"))
        wait_until(lambda: server.application.waiting == 12)
        assert is_closed(stack.enter_context(server.connect(HEAD, "127.0.4.1")))


def test_who_was_answered_is_kept_longer() -> None:
    limits = ConnectionLimits(most=4, most_of_one=4, head_s=60)
    with (
        running(limits) as server,
        ExitStack() as stack,
        httpx.Client(base_url=server.url) as client,
    ):
        assert client.get("/").status_code == 200
        (kept,) = server.connections._all
        for _ in range(20):
            stack.enter_context(server.connect())
        server.wait_for(4)
        assert kept in server.connections._all
        assert client.get("/").status_code == 200


def test_origins() -> None:
    assert origin_of(("192.0.2.1", 1)) == "192.0.2.1"
    assert origin_of(("::ffff:192.0.2.1", 1)) == "192.0.2.1"
    assert origin_of(("2001:db8::1", 1)) == origin_of(("2001:db8::ffff:1", 9))
    assert origin_of(("2001:db8::1", 1)) != origin_of(("2001:db8:0:1::1", 1))
    assert origin_of(("fe80::1%eth0", 1)) == origin_of(("fe80::2", 1))
    assert origin_of(None) == origin_of(("", 0)) == ""


def test_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are raised to what is needed, or the limits fit those that there are."""
    known = {"now": (1024, 4096)}
    monkeypatch.setattr(module.resource, "getrlimit", lambda _: known["now"])
    monkeypatch.setattr(module.resource, "setrlimit", lambda _, new: known.update(now=new))
    limits = ConnectionLimits(most=1000)
    assert with_room_for_descriptors(limits) == limits
    assert known["now"] == (1000 + 32 + 256, 4096)
    known["now"] = (256, 512)
    small = with_room_for_descriptors(limits)
    assert known["now"] == (512, 512)
    assert small.most + small.reserve + 192 <= 512
    assert small.most_of_one <= small.most
    infinite = resource.RLIM_INFINITY
    known["now"] = (infinite, infinite)
    assert with_room_for_descriptors(limits) == limits


def test_wrong_tokens_are_throttled() -> None:
    with running(PATIENT, TOKEN) as server:
        wrong = {"Authorization": "Bearer a-guess-of-some-letters"}
        found = [server.get(**wrong) for _ in range(FREE_FAILURES + 5)]
        assert found == [401] * FREE_FAILURES + [429] * 5
        answer = httpx.get(server.url, params={"token": "guess"})
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 2 * SECONDS_PER_FAILURE
        assert httpx.get(server.url, cookies={f"movistream-token-{server.port}": "x"}).is_error
        # Whoever has the right one is served from the same address; who brings none is told so.
        assert server.get(Authorization=f"Bearer {TOKEN}") == 200
        assert httpx.get(server.url, params={"token": TOKEN}).status_code == 200
        assert server.get() == 401
        assert server.get("/healthz") == 200
        with server.connect(b"", "127.0.0.2") as other:
            other.sendall(HEAD + b"Authorization: Bearer x\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 401")


def test_failures_are_forgotten_and_bounded() -> None:
    now_s = [0.0]
    failures = Failures(lambda: now_s[0])
    for _ in range(FREE_FAILURES):
        assert failures.note("a") == 0
    assert failures.note("a") == pytest.approx(SECONDS_PER_FAILURE)
    for _ in range(1000):
        assert failures.note("a") == pytest.approx(SECONDS_PER_FAILURE)
    assert failures.note("b") == 0
    now_s[0] += 2 * SECONDS_PER_FAILURE
    assert failures.note("a") == 0
    now_s[0] += 1000 * SECONDS_PER_FAILURE
    for _ in range(FREE_FAILURES):
        assert failures.note("a") == 0
    for number in range(5000):
        failures.note(f"address {number}")
    assert len(failures) == 1024


def test_hosts_and_sites() -> None:
    own = socket.gethostname()
    with running(PATIENT, TOKEN) as server:
        token = {"Authorization": f"Bearer {TOKEN}"}
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "1.2.3"):
            assert server.get(**token, Host=host) == 421
            assert server.get("/healthz", Host=f"{host}:80") == 421
        for host in ("localhost", "127.0.0.1:1", "192.0.2.7", "[2001:db8::1]:80", own, f"{own}:8"):
            assert server.get(**token, Host=host) == 200
        for site in ("cross-site", "Cross-Site"):
            assert server.get(**token, **{"Sec-Fetch-Site": site}) == 403
            assert server.get("/healthz", **{"Sec-Fetch-Site": site}) == 403
        for site in ("none", "same-origin", "same-site"):
            assert server.get(**token, **{"Sec-Fetch-Site": site}) == 200
    assert "cams.example.org" in own_names("0.0.0.0", ["Cams.Example.org"])


def test_head() -> None:
    with running(PATIENT) as server:
        answer = httpx.head(server.url, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.content) == (421, b"")
        assert int(answer.headers["content-length"]) > 10
        with server.connect(HEAD.replace(b"GET", b"HEAD") + b"\r\n" + HEAD + b"\r\n") as both:
            wait_until(lambda: b"well" in both.recv(5000, socket.MSG_PEEK))
            assert both.recv(5000, socket.MSG_PEEK).count(b"HTTP/1.1 200") == 2
            assert both.recv(5000).count(b"well") == 1
