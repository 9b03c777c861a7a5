"""A carrier on Ray: actors, on this machine or on a cluster's, each with models of its own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from movistream.archive.carriers import Crew, Lost, News, Told
from movistream.archive.carriers.distant import DistantWorker, news_of
from movistream.archive.plan import Shard
from movistream.archive.work import Work, packed
from movistream.errors import MovistreamError
from movistream.system.cpu import usable_cores
from movistream.system.ray_cluster import connected
from movistream.system.text import printable

_SILENCE_S = 60.0
_MOST_STILLBORN = 10
"""Actors in a row that die before they are ready, where no video is to blame."""
_LONGEST_REASON = 200


@contextmanager
def ray_actors(workers: int | None, address: str | None) -> Iterator[Crew]:
    """Actors that take a core each; they may come and go, as nodes do.

    Args:
        workers: how many; by default one for each core of the cluster.
        address: see :func:`movistream.system.ray_cluster.connected`.

    Raises:
        ClusterError: if it cannot be reached.
        MissingExtraError: if Ray is not installed.
    """
    with (
        # Ray prints paragraphs of each death; what is to be known of it is told as news.
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123
        redirect_stdout(nowhere),
        connected(address, workers or usable_cores()) as ray,
    ):

        def room() -> int:
            return workers or max(1, int(ray.cluster_resources().get("CPU", 0)))

        def carry(work: Work, take: Callable[[], Shard | None]) -> Generator[News, None, None]:
            return _carry(ray, room, work, take)

        yield Crew(carry, room())


def _carry(
    ray: Any, room: Callable[[], int], work: Work, take: Callable[[], Shard | None]
) -> Generator[News, None, None]:
    """Shards are given to actors that are ready: others may wait for a node for ever."""
    new = ray.remote(num_cpus=1)(DistantWorker).remote
    models = ray.put(packed(work))
    waiting: deque[Shard] = deque()
    free: list[Any] = []
    at_work: dict[Any, tuple[Any, Shard | None]] = {}
    stillborn = 0
    try:
        while True:
            beginning = sum(shard is None for _, shard in at_work.values())
            idle = max(len(free), room() - len(at_work) + beginning)
            while len(waiting) < idle:
                if (shard := take()) is None:
                    break
                waiting.append(shard)
            while waiting and free:
                actor = free.pop()
                shard = waiting.popleft()
                at_work[actor.watch.remote(shard)] = actor, shard
            for _ in range(len(waiting) - beginning):
                actor = new(models)
                at_work[actor.begin.remote()] = actor, None
            if not waiting and all(shard is None for _, shard in at_work.values()):
                return
            done, _ = ray.wait(list(at_work), timeout=_SILENCE_S)
            if not done and all(shard is None for _, shard in at_work.values()):
                yield Told("the cluster has no free core for a worker yet")
            for answer in done:
                actor, shard = at_work.pop(answer)
                try:
                    report = ray.get(answer)
                except ray.exceptions.RayError as error:
                    ray.kill(actor)
                    reason = _reason(error)
                    if shard is not None:
                        yield Lost(shard, reason)
                    elif (stillborn := stillborn + 1) >= _MOST_STILLBORN:
                        raise MovistreamError(
                            f"workers die before they begin a video: {reason}"
                        ) from None
                    continue
                stillborn = 0
                free.append(actor)
                yield from news_of(report, shard)
    finally:
        for actor in [*free, *(actor for actor, _ in at_work.values())]:
            ray.kill(actor)


def _reason(error: Exception) -> str:
    """What Ray says of a death in many lines, in one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("class_name:", "actor_id:", "pid:"))]
    return printable(". ".join(told)[:_LONGEST_REASON]) or type(error).__name__
