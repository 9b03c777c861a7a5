"""Who may talk to the server: hosts, origins, tokens; and what browsers are told."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

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


def is_loopback(host: str) -> bool:
    """Whether a host name or address is of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets a request through to the application, or refuses it.

    Without a token, only those who address the server as this machine are served, which keeps other
    sites from reaching it through a browser by a name of their own. With one, all requests must
    bring it: as ``Authorization: Bearer``, as the cookie that the page gets, or, for the page
    itself, as ``?token=`` in its address. Requests that another site's page has caused are refused.
    """

    def __init__(self, application: Application, token: str | None) -> None:
        """Guards an application.

        Args:
            token: to be brought; None for none.
        """
        self._application = application
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
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

        await self._application(scope, receive, guarded_send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and reason of a refusal."""
        host = _address(f"//{headers.get('host', '')}")
        if host is None or (self._token is None and not is_loopback(host[0])):
            return 421, "this server answers to localhost only"
        origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
        for value in origins:
            if _address(value.decode("latin-1")) != host or len(origins) > 1:
                return 403, "another site's page may not do this"
        if self._token is None or scope["path"] in _OPEN_PATHS:
            return None
        if self._token_in_query(scope) or self._token_in_headers(scope, headers):
            return None
        return 401, "a token is needed: open /?token=… or send 'Authorization: Bearer …'"

    def _token_in_query(self, scope: Scope) -> bool:
        if self._token is None or scope["type"] != "http" or scope["path"] != "/":
            return False
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return any(self._is_token(value) for value in query.get("token", []))

    def _token_in_headers(self, scope: Scope, headers: dict[str, str]) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(value.strip()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(cookie_name(scope))
        except CookieError:
            return False
        return cookie is not None and self._is_token(cookie.value)

    def _is_token(self, value: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(value.encode(), self._token.encode())


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


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET, "reason": reason})
        return
    body = f"{reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
