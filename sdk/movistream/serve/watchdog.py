"""Tells systemd that the server is ready, and that it still looks at frames (sd_notify(3))."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from movistream.serve.station import Station

_FEEDS_PER_LIMIT = 3


async def report_to_manager(station: Station) -> None:
    """Runs until it is cancelled; returns at once where no manager listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    period_s = _watchdog_period_s(os.environ)
    with _connected(address) as manager:
        _send(manager, b"READY=1")
        before: dict[str, int] = {}
        while period_s is not None:
            await asyncio.sleep(period_s)
            # One that should make steps and makes none hangs; what others have sent does not count.
            now = {
                feed.id: feed.steps
                for feed in station.feeds
                if feed.kind == "source" and feed.should_step
            }
            if all(steps > before.get(feed_id, -1) for feed_id, steps in now.items()):
                _send(manager, b"WATCHDOG=1")
            before = now


def _watchdog_period_s(environment: Mapping[str, str]) -> float | None:
    """How often to report; None if nobody waits for it."""
    try:
        limit_s = int(environment["WATCHDOG_USEC"]) / 1e6
    except (KeyError, ValueError):
        return None
    own = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return limit_s / _FEEDS_PER_LIMIT if own else None


@contextmanager
def _connected(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        with suppress(OSError):
            manager.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        yield manager


def _send(manager: socket.socket, message: bytes) -> None:
    with suppress(OSError):
        manager.send(message)
