"""A connection to a Ray cluster; all that knows how one is made that only this process uses."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from movistream.errors import ClusterError, MissingExtraError
from movistream.system.text import printable

_PATIENCE_S = 10.0

_DISCREET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Ray tells nobody that it is used. Names are of its environment, as below."""

OWN_CLUSTER = {
    **_DISCREET,
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
"""Of a cluster for one process; the last makes it listen on 127.0.0.1 alone, on every system."""


@contextmanager
def connected(address: str | None, cores: int) -> Iterator[Any]:
    """Ray, connected until the block is left.

    Whoever reaches a Ray cluster may run programs on it. Without an address, it is one that only
    this process uses: it listens on this machine alone, and asks for a token that no file holds.

    Args:
        address: of a cluster that runs, such as ``10.0.0.1:6379``, or ``auto``: the one that runs
            here. Ray finds its token as the cluster's owner has set it up.
        cores: of a cluster that only this process uses.

    Raises:
        ClusterError: if it cannot be reached.
        MissingExtraError: if Ray is not installed.
    """
    _set_environment(is_own=address is None)
    try:
        import ray
    except ImportError:
        raise MissingExtraError("Ray", "cluster") from None
    if address is not None:
        _check_address(address)
    own = {"num_cpus": cores, "include_dashboard": False} if address is None else {}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = "here" if address is None else f"at {printable(address)}"
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClusterError(f"cannot reach Ray {where}: {printable(first_line)}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _set_environment(*, is_own: bool) -> None:
    """What the user has set stays.

    Raises:
        ClusterError: if Ray has looked at its environment before.
    """
    missing = [name for name in OWN_CLUSTER if name not in os.environ]
    if is_own and missing and sys.modules.get("ray") is not None:
        raise ClusterError(
            "Ray is imported already, and would open its ports to other machines: import it later,"
            " or give a cluster's address"
        )
    for name, value in (OWN_CLUSTER if is_own else _DISCREET).items():
        os.environ.setdefault(name, value)


def _check_address(address: str) -> None:
    """Sees whether anybody answers there, because Ray waits for minutes, and for no Ctrl-C.

    Raises:
        ClusterError: if not.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ClusterError(f"{printable(address)} is no address of a Ray cluster, as HOST:6379 is")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S).close()
    except OSError as error:
        raise ClusterError(
            f"cannot reach Ray at {printable(address)}: {error.strerror or error}"
        ) from None
