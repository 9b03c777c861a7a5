"""Workers on Ray: actors in other processes, on this machine or on a cluster's."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from movistream.system.text import printable
from movistream_converters.ir.weights import Weights
from movistream_training.errors import SearchError
from movistream_training.one_shot.replica import Order, Outcome, Replica, use_one_thread
from movistream_training.one_shot.workers import Hired, Workers

_MOST_LOST = 10
"""Workers that may be lost in a step before the reason is taken to be the step itself."""

_PATIENCE_S = 10.0

_DISCREET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Ray tells nobody that it is used. Names are of its environment, as below."""

_OWN_CLUSTER = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
"""Of a cluster for one search; the last makes it listen on 127.0.0.1 alone, on every system."""


def on_ray(count: int, address: str | None = None) -> Hired:
    """Workers in processes of their own, each of which takes a core.

    Whoever reaches a Ray cluster may run programs on it. Without an address, it is one that only
    this search uses: it listens on this machine alone, and asks for a token that no file holds.

    Args:
        count: of the workers.
        address: of a cluster that runs, such as ``10.0.0.1:6379``, or ``auto``: the one that runs
            here. Ray finds its token as the cluster's owner has set it up.

    Raises:
        SearchError: when the search begins, if Ray is missing or cannot be reached.
    """
    if count < 1:
        raise SearchError(f"a search needs a worker at least, and {count} were asked for")

    @contextmanager
    def hired(replica: Replica) -> Iterator[Workers]:
        _set_environment(is_own=address is None)
        try:
            import ray
        except ImportError:
            raise SearchError(
                "Ray is not installed, which computes on several workers: pip install"
                " 'movistream[cluster]'"
            ) from None
        if address is not None:
            _check_address(address)
        _connect(ray, count, address)
        try:
            if (cores := int(ray.cluster_resources().get("CPU", 0))) < count:
                raise SearchError(
                    f"the cluster has {cores} cores, and {count} workers were asked for"
                )
            yield _RayWorkers(ray, replica, count)
        finally:
            ray.shutdown()

    return hired


def _set_environment(*, is_own: bool) -> None:
    """What the user has set stays.

    Raises:
        SearchError: if Ray has looked at its environment before.
    """
    missing = [name for name in _OWN_CLUSTER if name not in os.environ]
    if is_own and missing and sys.modules.get("ray") is not None:
        raise SearchError(
            "Ray is imported already, and would open its ports to other machines: import it when"
            " the search has begun, or give the search a cluster's address"
        )
    for name, value in (_DISCREET | _OWN_CLUSTER if is_own else _DISCREET).items():
        os.environ.setdefault(name, value)


def _check_address(address: str) -> None:
    """Sees whether anybody answers there, because Ray waits for minutes, and for no Ctrl-C.

    Raises:
        SearchError: if not.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise SearchError(f"{printable(address)} is no address of a Ray cluster, as HOST:6379 is")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S).close()
    except OSError as error:
        raise SearchError(
            f"cannot reach Ray at {printable(address)}: {error.strerror or error}"
        ) from None


def _connect(ray: Any, count: int, address: str | None) -> None:
    own = {"num_cpus": count, "include_dashboard": False} if address is None else {}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = "here" if address is None else f"at {printable(address)}"
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise SearchError(f"cannot reach Ray {where}: {printable(first_line)}") from None


class _Worker:
    """What runs in an actor."""

    def __init__(self, replica: Replica) -> None:
        use_one_thread()
        self._replica = replica

    def carry_out(self, order: Order, shared: Weights) -> Outcome:
        return self._replica.carry_out(order, shared)


class _RayWorkers:
    """Actors that take one order after the other; one that is lost is replaced."""

    def __init__(self, ray: Any, replica: Replica, count: int) -> None:
        self._ray = ray
        self._class = ray.remote(num_cpus=1)(_Worker)
        self._replica = ray.put(replica)
        self._actors = [self._new() for _ in range(count)]

    def _new(self) -> Any:
        return self._class.remote(self._replica)

    def carry_out(self, orders: Sequence[Order], shared: Weights) -> list[Outcome]:
        weights = self._ray.put(shared)
        waiting = deque(range(len(orders)))
        idle = deque(range(len(self._actors)))
        at_work: dict[Any, tuple[int, int]] = {}
        outcomes: dict[int, Outcome] = {}
        lost, gone = 0, self._ray.exceptions
        while waiting or at_work:
            while waiting and idle:
                number, actor = waiting.popleft(), idle.popleft()
                answer = self._actors[actor].carry_out.remote(orders[number], weights)
                at_work[answer] = number, actor
            (answer, *_), _ = self._ray.wait(list(at_work), num_returns=1)
            number, actor = at_work.pop(answer)
            try:
                outcomes[number] = self._ray.get(answer)
            except gone.RayTaskError as error:
                raise error.cause from None
            except (
                self._ray.exceptions.RayActorError,
                self._ray.exceptions.ObjectLostError,
            ) as error:
                lost += 1
                if lost > _MOST_LOST:
                    raise SearchError(
                        f"{lost} workers were lost in step {orders[number].step + 1}; the last:"
                        f" {str(error).splitlines()[0]}"
                    ) from None
                self._ray.kill(self._actors[actor])
                self._actors[actor] = self._new()
                waiting.appendleft(number)
            idle.append(actor)
        return [outcomes[number] for number in range(len(orders))]
