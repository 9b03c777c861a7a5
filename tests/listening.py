"""Ports that programs of a test have opened."""

from __future__ import annotations

from contextlib import suppress

import psutil


def listening_elsewhere() -> set[int]:
    """Ports that this process and those below it have opened to other machines."""
    found = set()
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.ip not in (
                    "127.0.0.1",
                    "::1",
                    "::ffff:127.0.0.1",
                ):
                    found.add(connection.laddr.port)
    return found
