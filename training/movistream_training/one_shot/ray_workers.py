"""Workers on Ray: actors in other processes, on this machine or on a cluster's."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from movistream.system.ray_cluster import connected
from movistream_converters.ir.weights import Weights
from movistream_training.errors import SearchError
from movistream_training.one_shot.replica import Order, Outcome, Replica, use_one_thread
from movistream_training.one_shot.workers import Hired, Workers

_MOST_LOST = 10
"""Workers that may be lost in a step before the reason is taken to be the step itself."""


def on_ray(count: int, address: str | None = None) -> Hired:
    """Workers in processes of their own, each of which takes a core.

    Args:
        count: of the workers.
        address: of a cluster, see :func:`movistream.system.ray_cluster.connected`; by default, one
            that only this search uses.

    Raises:
        SearchError: if no worker is asked for; when the search begins, if the cluster is too small.
        ClusterError: when the search begins, if the cluster cannot be reached.
        MissingExtraError: when the search begins, if Ray is not installed.
    """
    if count < 1:
        raise SearchError(f"a search needs a worker at least, and {count} were asked for")

    @contextmanager
    def hired(replica: Replica) -> Iterator[Workers]:
        with connected(address, count) as ray:
            if (cores := int(ray.cluster_resources().get("CPU", 0))) < count:
                raise SearchError(
                    f"the cluster has {cores} cores, and {count} workers were asked for"
                )
            yield _RayWorkers(ray, replica, count)

    return hired


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
