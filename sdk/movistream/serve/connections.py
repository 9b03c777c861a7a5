"""Connections: how many there may be, from where, and how long each may take.

A connection that has no request under way (it is idle, or has sent half of one) makes room for a
new one as soon as there are too many, the oldest that never asked for anything first. So whoever
asks is served while others only hold connections. Where all are at work, a few more are let in:
they get answers to what never waits, see :data:`.origin.RESERVED`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from movistream.serve.origin import RESERVED, origin_of

try:
    import resource
except ImportError:  # Windows, which has no such limits.
    resource = None  # type: ignore[assignment]

_LOOK_EVERY_S = 0.5
_DESCRIPTORS_FOR_OTHERS = 256
_LEAST_CONNECTIONS = 32


@dataclass(frozen=True)
class ConnectionLimits:
    """What one may do to the server by holding connections.

    Attributes:
        most: connections that are served.
        most_of_one: of these, from one address, or from one network of IPv6 addresses (/64).
        reserve: more of them, for what never waits.
        head_s: until a request's head has come, from the connection's start or the last answer.
        body_s: until its body has come, where it is no upload.
        stalled_s: until anything of an answer is taken.
    """

    most: int = 500
    most_of_one: int = 250
    reserve: int = 32
    head_s: float = 10.0
    body_s: float = 10.0
    stalled_s: float = 20.0


class Connections:
    """All connections of a server; on the event loop's thread."""

    def __init__(self, limits: ConnectionLimits, upload_path: str) -> None:
        """Starts with none.

        Args:
            upload_path: whose bodies may take longer: they have a limit of their own.
        """
        self.limits = limits
        self._upload_path = upload_path
        self._all: set[_Protocol] = set()
        self._of_one: Counter[str] = Counter()
        self._looking: asyncio.TimerHandle | None = None

    def protocol(self, **of_uvicorn: Any) -> asyncio.Protocol:
        """What uvicorn makes for each connection."""
        return _Protocol(self, **of_uvicorn)

    def enter(self, protocol: _Protocol) -> bool:
        """Takes a connection in, closing another one for it if need be; False if that cannot be."""
        own, limits = protocol.origin, self.limits
        if self._of_one[own] >= limits.most_of_one:
            self._close_one(lambda other: other.origin == own and not other.reserved)
        elif len(self._all) >= limits.most:
            self._close_one(lambda other: not other.reserved)
        if len(self._all) >= limits.most + limits.reserve:
            self._close_one(lambda other: other.reserved)
        if len(self._all) >= limits.most + limits.reserve:
            return False
        protocol.reserved = len(self._all) >= limits.most or self._of_one[own] >= limits.most_of_one
        self._all.add(protocol)
        self._of_one[own] += 1
        if self._looking is None:
            self._look_later()
        return True

    def leave(self, protocol: _Protocol) -> None:
        """A connection has ended; twice does nothing."""
        if protocol in self._all:
            self._all.remove(protocol)
            self._of_one[protocol.origin] -= 1
            self._of_one += Counter()

    def _close_one(self, may_be: Callable[[_Protocol], bool]) -> None:
        """Closes one that has no request under way, if there is one."""
        candidates = [other for other in self._all if other.is_waiting and may_be(other)]
        if not candidates:
            return
        worst = min(
            candidates,
            key=lambda protocol: (
                protocol.has_answered,
                -self._of_one[protocol.origin],
                protocol.since_s,
            ),
        )
        worst.transport.abort()
        self.leave(worst)

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(_LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for protocol in list(self._all):
            if protocol.has_ended:
                self.leave(protocol)
            elif protocol.is_too_slow(now_s, self.limits, self._upload_path):
                protocol.transport.abort()
                self.leave(protocol)
        self._looking = None
        if self._all:
            self._look_later()


class _Protocol(H11Protocol):
    """A connection that is counted, and does not last for ever without doing anything.

    Attributes:
        origin: whose it is, for counting.
        reserved: it was let in although there are too many.
        has_answered: a request of it was answered.
        since_s: what it does now it does since then, on the loop's clock.
    """

    def __init__(self, connections: Connections, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._connections = connections
        self._upgraded = False
        self._doing: tuple[object, bool] = (None, True)
        self._unsent_bytes = 0
        self._stalled_since_s = 0.0
        self.origin = ""
        self.reserved = False
        self.has_answered = False
        self.since_s = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.since_s = self._stalled_since_s = self.loop.time()
        self.origin = origin_of(self.client)
        if not self._connections.enter(self):
            transport.abort()
        if self.reserved:
            self.app_state = {**self.app_state, RESERVED: True}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connections.leave(self)

    def on_response_complete(self) -> None:
        self.has_answered = True
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way."""
        return not self._upgraded and (self.cycle is None or self.cycle.response_complete)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is left; of a web socket, nobody else tells."""
        return self.transport.is_closing() and not self.transport.get_write_buffer_size()

    def is_too_slow(self, now_s: float, limits: ConnectionLimits, upload_path: str) -> bool:
        """Whether a limit is passed; to be asked every now and then."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent_bytes:
            self._stalled_since_s = now_s
        self._unsent_bytes = unsent
        if now_s - self._stalled_since_s > limits.stalled_s:
            return True
        if self._upgraded:
            return False
        doing = (self.cycle, self.is_waiting)
        if doing != self._doing:
            self._doing, self.since_s = doing, now_s
        if self.is_waiting:
            return now_s - self.since_s > limits.head_s
        sends_body = self.cycle.more_body and self.scope["path"] != upload_path
        return sends_body and now_s - self.since_s > limits.body_s


def with_room_for_descriptors(limits: ConnectionLimits) -> ConnectionLimits:
    """Raises how many files this process may have open; where that cannot be, limits that fit."""
    if resource is None:
        return limits
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.most + limits.reserve + _DESCRIPTORS_FOR_OTHERS
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted:
        soft = wanted if hard == unlimited else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == unlimited or soft >= wanted:
        return limits
    most = max(_LEAST_CONNECTIONS, soft - limits.reserve - _DESCRIPTORS_FOR_OTHERS)
    return ConnectionLimits(most, max(1, most // 2), limits.reserve)
