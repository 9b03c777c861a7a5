"""Who is let through to the application, asked without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from movistream.serve.origin import RESERVED
from movistream.serve.security import Guard, is_loopback, own_names
from movistream.serve.throttle import Failures

TOKEN = "a-token-of-some-letters"
HOST = "localhost:8080"
COOKIE = "movistream-token-8080"


class Answering:
    """An application that answers everything.

    Attributes:
        seen: what it was asked.
    """

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope)
        headers = [(b"Cache-Control", b"max-age=60"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"well"})


def asked(
    token: str | None,
    *,
    path: str = "/",
    kind: str = "http",
    method: str = "GET",
    query: Mapping[str, str] | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    host: str = HOST,
    state: Mapping[str, Any] | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What a new guard sends, and what the application behind it is asked."""
    application = Answering()
    names = own_names("0.0.0.0", ["Camera.Example"])
    sent: list[dict[str, Any]] = []
    scope = {
        "type": kind,
        "path": path,
        "query_string": urlencode(query or {}).encode(),
        "headers": [(n.encode(), v.encode()) for n, v in (("host", host), *headers)],
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50_000),
        "state": dict(state or {}),
    }
    if kind == "http":
        scope["method"] = method

    async def receive() -> Any:
        raise AssertionError("nobody has to read a body")

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(application, token, names)(scope, receive, send))
    return sent, application.seen


def status_of(token: str | None, **request: Any) -> int:
    """An answer's status; whoever is refused does not reach the application."""
    sent, seen = asked(token, **request)
    status = sent[0]["status"]
    assert bool(seen) == (status == 200)
    return int(status)


def test_hosts_of_this_machine_alone() -> None:
    for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"):
        assert is_loopback(host)
    for host in ("evil.example", "alpha", "zulu", "localhost.evil.example", "0.0.0.0", "10.0.0.1"):
        assert not is_loopback(host)
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"):
        assert status_of(None, host=host) == 200
    for host in ("alpha", "zulu:8080", "camera.example", "192.0.2.1", "", "me@localhost", "["):
        assert status_of(None, host=host) == 421


def test_names_with_a_token() -> None:
    bearer = (("Authorization", f"Bearer {TOKEN}"),)
    for host in ("camera.example", "CAMERA.example.:80", "192.0.2.1", "[2001:db8::1]", "0.0.0.0"):
        assert status_of(TOKEN, host=host, headers=bearer) == 200
    for host in ("alpha", "example", "xcamera.example", ""):
        assert status_of(TOKEN, host=host, headers=bearer) == 421


def test_without_a_token_none_is_asked_for() -> None:
    assert status_of(None) == 200
    assert status_of(None, query={"token": "any"}) == 200
    assert status_of(None, path="/api/status", headers=(("authorization", "Bearer any"),)) == 200
    sent, _ = asked(None, query={"token": "any"})
    assert b"set-cookie" not in dict(sent[0]["headers"])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer(scheme: str) -> None:
    assert status_of(TOKEN, path="/x", headers=(("Authorization", f"{scheme} {TOKEN} "),)) == 200


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Authorization", TOKEN),),
        (("Authorization", f"Basic {TOKEN}"),),
        (("Authorization", f"Bearer {TOKEN}x"),),
        (("Authorization", f"Bearer {TOKEN[:-1]}"),),
        (("Authorization", "Bearer"),),
        (("Cookie", f"{COOKIE}=wrong"),),
        (("Cookie", f"{COOKIE}="),),
        (("Cookie", f"movistream-token-8081={TOKEN}"),),
        (("Cookie", "a[b]=c"),),
    ],
)
def test_what_is_no_token(headers: tuple[tuple[str, str], ...]) -> None:
    for path in ("/", "/api/status"):
        sent, seen = asked(TOKEN, path=path, headers=headers)
        assert not seen
        assert sent[0]["status"] == 401
        assert dict(sent[0]["headers"])[b"www-authenticate"] == b"Bearer"
        sent, seen = asked(TOKEN, kind="websocket", path=path, headers=headers)
        assert not seen
        (closed,) = sent
        assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
        assert closed["reason"].startswith("a token is needed")
    assert status_of(TOKEN, path="/healthz", headers=headers) == 200


def test_the_page_takes_it_in_its_address_and_gives_a_cookie() -> None:
    sent, _ = asked(TOKEN, query={"token": TOKEN})
    assert sent[0]["status"] == 200
    cookie = dict(sent[0]["headers"])[b"set-cookie"].decode()
    assert cookie == f"{COOKIE}={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    brought = (("cookie", cookie.partition(";")[0]),)
    sent, _ = asked(TOKEN, path="/api/status", headers=brought)
    assert sent[0]["status"] == 200
    assert b"set-cookie" not in dict(sent[0]["headers"])
    assert asked(TOKEN, kind="websocket", path="/live", headers=brought)[1]
    for request in ({"path": "/api/status"}, {"path": "//"}, {"query": {"token": "wrong"}}):
        assert status_of(TOKEN, **{"query": {"token": TOKEN}, **request}) == 401
    for path in ("/", "/live"):
        assert not asked(TOKEN, kind="websocket", path=path, query={"token": TOKEN})[1]


def test_pages_of_other_sites() -> None:
    own = ("Origin", f"http://{HOST}")
    assert status_of(None, headers=(own,)) == 200
    assert status_of(None, headers=(own, ("Sec-Fetch-Site", "same-origin"))) == 200
    for headers in (
        (own, own),
        (("Origin", "http://localhost:8081"),),
        (("Origin", "null"),),
        (("Origin", f"http://me@{HOST}"),),
        (("Sec-Fetch-Site", " Cross-Site"),),
    ):
        for path in ("/", "/healthz"):
            assert status_of(None, path=path, headers=headers) == 403
        bearer = ("Authorization", f"Bearer {TOKEN}")
        assert status_of(TOKEN, headers=(*headers, bearer)) == 403


def test_the_last_places_are_for_those_with_a_token() -> None:
    reserved = {RESERVED: True}
    sent, seen = asked(None, state=reserved)
    assert not seen
    assert sent[0]["status"] == 503
    assert dict(sent[0]["headers"])[b"connection"] == b"close"
    assert status_of(TOKEN, state=reserved, query={"token": TOKEN}) == 200
    assert status_of(TOKEN, state=reserved) == 401


def test_who_guesses_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ten guesses are free; asking without one counts as none."""
    application, statuses = Answering(), list[int]()
    guard = Guard(application, TOKEN, own_names("0.0.0.0"))
    monkeypatch.setattr(guard, "_failures", Failures(lambda: 100.0))

    async def guess(**headers: str) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"host", b"localhost")]
            + [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.7", 1),
        }
        await guard(scope, None, send)  # type: ignore[arg-type]

    async def guess_on() -> None:
        for _ in range(50):
            await guess()
        for _ in range(11):
            await guess(authorization="Bearer wrong")
        await guess(authorization=f"Bearer {TOKEN}")

    asyncio.run(guess_on())
    assert statuses == [401] * 60 + [429, 200]


@pytest.mark.parametrize("token", [None, TOKEN])
def test_what_browsers_are_told(token: str | None) -> None:
    """In answers and in refusals."""
    sent, _ = asked(token)
    headers = dict(sent[0]["headers"])
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"referrer-policy"] == b"no-referrer"
    told = [value for name, value in sent[0]["headers"] if name.lower() == b"cache-control"]
    # An answer's own is left.
    assert told == [b"max-age=60" if token is None else b"no-store"]
    body = b"".join(message.get("body", b"") for message in sent)
    if token is not None:
        assert headers[b"content-length"] == str(len(body)).encode()
        assert body.decode().endswith("'Authorization: Bearer …'\n")


def test_head_is_answered_as_get() -> None:
    _, (scope,) = asked(None, method="HEAD")
    assert scope["method"] == "GET"
    _, (scope,) = asked(None, method="DELETE")
    assert scope["method"] == "DELETE"


def test_the_applications_own_start_and_end_are_passed_on() -> None:
    application = Answering()
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(application, TOKEN)({"type": "lifespan"}, None, send))  # type: ignore[arg-type]
    assert application.seen == [{"type": "lifespan"}]
    assert sent[0]["headers"][0] == (b"Cache-Control", b"max-age=60")
