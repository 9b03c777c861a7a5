"""Runs the application until it is told to end."""

from __future__ import annotations

import socket
import sys
from collections.abc import Collection

import click
import uvicorn

from movistream.errors import MovistreamError
from movistream.serve.app import make_app
from movistream.serve.connections import (
    ConnectionLimits,
    Connections,
    with_room_for_descriptors,
)
from movistream.serve.feed import FeedOptions
from movistream.serve.limits import Limits
from movistream.serve.security import Guard, own_names
from movistream.serve.station import Station
from movistream.serve.unexpected import show_logs
from movistream.serve.upload_route import UPLOAD_PATH
from movistream.stream.ensemble import Streamable

_MOST_MESSAGE_BYTES = 600 * 1024
_PING_S = 20.0
_SHUTDOWN_S = 3
_BACKLOG = 128


def run_server(
    model: Streamable,
    sources: tuple[str, ...],
    options: FeedOptions,
    limits: Limits,
    host: str,
    port: int,
    token: str | None,
    names: Collection[str] = (),
) -> None:
    """Serves until Ctrl+C or a termination.

    Args:
        names: of this server, beside those that the machine knows.

    Raises:
        MovistreamError: if the address cannot be listened on.
    """
    listening = _listen(host, port)
    secrets = list(sources)
    show_logs(secrets)
    application = make_app(lambda: Station(model, sources, options, limits, secrets))
    app = Guard(application, token, own_names(host, names))
    connections = Connections(with_room_for_descriptors(ConnectionLimits()), UPLOAD_PATH)
    config = uvicorn.Config(
        app,
        # Addresses may hold the token.
        access_log=False,
        log_config=None,
        server_header=False,
        http=connections.protocol,  # type: ignore[arg-type]
        ws_max_size=_MOST_MESSAGE_BYTES,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        proxy_headers=False,
    )
    address, bound_port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    # What is not a terminal may be a log, where a token must not be.
    query = "" if token is None else f"?token={token if sys.stdout.isatty() else '…'}"
    click.echo(f"http://{shown}:{bound_port}/{query}")
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # From here on connections wait instead of being refused.
        listening.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:
        # What is no host name at all is a UnicodeError.
        reason = getattr(error, "strerror", None) or "this is no name of a host"
        raise MovistreamError(f"cannot listen on {host}, port {port}: {reason}") from None
    return listening
