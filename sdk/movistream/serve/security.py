"""Who may talk to the server: hosts, origins, tokens; and what browsers are told."""

from __future__ import annotations

import hmac
import ipaddress
import math
import socket
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from movistream.serve.origin import RESERVED, origin_of
from movistream.serve.throttle import Failures

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

LEAST_TOKEN_LETTERS = 16

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
        b" connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self';"
        b" frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)
_OPEN_PATHS = frozenset({"/healthz"})
_REFUSED_WEBSOCKET = 1008


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host name or address is of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class _Refusal:
    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def own_names(host: str, others: Collection[str] = ()) -> frozenset[str]:
    """What this machine may be called by those who ask it, beside its numeric addresses.

    Args:
        host: that the server listens on.
        others: further names, such as that of a proxy in front of it.
    """
    own = socket.gethostname().lower()
    return frozenset({"localhost", host.lower(), own, f"{own.partition('.')[0]}.local"}).union(
        name.lower() for name in others
    )


class Guard:
    """Lets a request through to the application, or refuses it.

    Only those who address the server by a name of its own are served, which keeps other sites from
    reaching it through a browser by a name of theirs; without a token, only by one of this machine
    alone. With a token, all requests must bring it: as ``Authorization: Bearer``, as the cookie
    that the page gets, or, for the page itself, as ``?token=`` in its address. Requests that
    another site's page has caused are refused. HEAD is answered as GET, without a body.
    """

    def __init__(
        self, application: Application, token: str | None, names: frozenset[str] = frozenset()
    ) -> None:
        """Guards an application.

        Args:
            token: to be brought; None for none.
            names: see :func:`own_names`; matter with a token only.
        """
        self._application = application
        self._token = token
        self._names = names
        self._failures = Failures()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(scope, send, refusal)
            return
        given = self._token_in_query(scope)

        async def guarded_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                names = {name.lower() for name, _ in own}
                own += [header for header in _HEADERS if header[0] not in names]
                if given:
                    cookie = (
                        f"{cookie_name(scope)}={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    )
                    own.append((b"set-cookie", cookie.encode("latin-1")))
                message = {**message, "headers": own}
            await send(message)

        # What sends the answer knows that HEAD has no body.
        asked = {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
        await self._application(asked, receive, guarded_send)

    def _refusal(self, scope: Scope) -> _Refusal | None:
        host = _address(f"//{_header(scope, 'host')}")
        if host is None or not self._is_own(host[0]):
            names = "localhost" if self._token is None else "its address and its own names"
            return _Refusal(421, f"this server answers to {names} only")
        origins = _headers(scope, "origin")
        sites = [value.strip().lower() for value in _headers(scope, "sec-fetch-site")]
        if len(origins) > 1 or any(_address(origin) != host for origin in origins):
            return _Refusal(403, "another site's page may not do this")
        if "cross-site" in sites:
            return _Refusal(403, "another site's page may not do this; type the address instead")
        if scope["path"] in _OPEN_PATHS:
            return None
        has_token = self._token_in_query(scope) or self._token_in_headers(scope)
        if self._token is not None and not has_token:
            return self._without_token(scope)
        if scope.get("state", {}).get(RESERVED) and not has_token:
            return _Refusal(503, "too many are connected", ((b"connection", b"close"),))
        return None

    def _without_token(self, scope: Scope) -> _Refusal:
        """Who has guessed wrong too often is told so, until some time has gone by."""
        if self._brings_one(scope):
            wait_s = self._failures.note(origin_of(scope.get("client")))
            if wait_s:
                again = str(math.ceil(wait_s)).encode()
                headers = ((b"retry-after", again), (b"connection", b"close"))
                return _Refusal(429, "too many wrong tokens; wait", headers)
        reason = "a token is needed: open /?token=… or send 'Authorization: Bearer …'"
        return _Refusal(401, reason, ((b"www-authenticate", b"Bearer"),))

    def _is_own(self, name: str) -> bool:
        if self._token is None:
            return is_loopback(name)
        return name.rstrip(".") in self._names or _is_numeric(name)

    def _brings_one(self, scope: Scope) -> bool:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return bool(
            _header(scope, "authorization") or "token" in query or _cookie(scope) is not None
        )

    def _token_in_query(self, scope: Scope) -> bool:
        if self._token is None or scope["type"] != "http" or scope["path"] != "/":
            return False
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return any(self._is_token(value) for value in query.get("token", []))

    def _token_in_headers(self, scope: Scope) -> bool:
        if self._token is None:
            return False
        scheme, _, value = _header(scope, "authorization").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(value.strip()):
            return True
        cookie = _cookie(scope)
        return cookie is not None and self._is_token(cookie)

    def _is_token(self, value: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(value.encode(), self._token.encode())


def _headers(scope: Scope, wanted: str) -> list[str]:
    """All values of a header."""
    name = wanted.encode()
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _header(scope: Scope, wanted: str) -> str:
    """The last value of a header, empty if there is none."""
    return ["", *_headers(scope, wanted)][-1]


def _cookie(scope: Scope) -> str | None:
    """The token that the page was given, if it is brought."""
    try:
        cookie = SimpleCookie(_header(scope, "cookie")).get(cookie_name(scope))
    except CookieError:
        return None
    return None if cookie is None else cookie.value


def cookie_name(scope: Scope) -> str:
    """Browsers keep one set of cookies for all ports of a host, so the port is in the name."""
    return f"movistream-token-{(scope.get('server') or ('', 0))[1]}"


def _address(url: str) -> tuple[str, str] | None:
    """Host name and rest of the network location of an address; None if it has none, or a user."""
    try:
        parts = urlsplit(url)
        name = parts.hostname
    except ValueError:
        return None
    if not name or "@" in parts.netloc:
        return None
    return name, parts.netloc.lower()


async def _refuse(scope: Scope, send: Send, refusal: _Refusal) -> None:
    if scope["type"] == "websocket":
        reason = refusal.reason
        await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET, "reason": reason})
        return
    body = f"{refusal.reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *_HEADERS,
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
