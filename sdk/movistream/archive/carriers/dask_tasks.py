"""A carrier on Dask: a task for each shard, and models that each worker loads once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from movistream.archive.carriers import Crew, Lost, News, Told
from movistream.archive.carriers.distant import DistantWorker, Report, news_of
from movistream.archive.plan import Shard
from movistream.archive.work import Work, packed
from movistream.errors import ClusterError, MissingExtraError
from movistream.system.cpu import usable_cores
from movistream.system.text import one_line, printable

_PATIENCE_S = 10.0
_SILENCE_S = 60.0


@contextmanager
def dask_tasks(workers: int | None, address: str | None) -> Iterator[Crew]:
    """Tasks for the workers of a Dask cluster; they may come and go.

    Args:
        workers: how many shards are watched at a time; by default one for each worker.
        address: of its scheduler, such as ``tcp://10.0.0.1:8786``; by default, workers are
            processes of this machine, which talk by TLS with a key that no file holds.

    Raises:
        ClusterError: if it cannot be reached.
        MissingExtraError: if Dask is not installed.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise MissingExtraError("Dask", "cluster") from None
    # What dies is told once, by us.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        # Who dies at which video is known without; a cluster of others may try more often.
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 0}))
        own = None
        if address is None:
            own = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers or usable_cores(),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address=None,
                    security=True,
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = stack.enter_context(distributed.Client(own or address, timeout=_PATIENCE_S))
        except (OSError, ValueError, TypeError) as error:
            where = printable(str(address))
            raise ClusterError(f"cannot reach Dask at {where}: {one_line(error)}") from None

        def carry(work: Work, take: Callable[[], Shard | None]) -> Generator[News, None, None]:
            return _carry(distributed, client, workers, work, take)

        yield Crew(carry, workers or _workers_of(client))


def _workers_of(client: Any) -> int:
    return max(1, len(client.scheduler_info(n_workers=-1)["workers"]))


def _carry(
    distributed: Any,
    client: Any,
    workers: int | None,
    work: Work,
    take: Callable[[], Shard | None],
) -> Generator[News, None, None]:
    name = f"movistream {work.call}"
    client.register_plugin(_plugin(distributed, work), name=name)
    at_work: dict[Any, Shard] = {}
    try:
        while True:
            room = workers or _workers_of(client)
            while len(at_work) < room and (shard := take()) is not None:
                at_work[client.submit(_watch, name, shard, pure=False, retries=0)] = shard
            if not at_work:
                return
            try:
                done = distributed.wait(list(at_work), _SILENCE_S, "FIRST_COMPLETED").done
            except TimeoutError:
                if not client.scheduler_info(n_workers=-1)["workers"]:
                    yield Told("the cluster has no worker yet")
                continue
            for future in done:
                shard = at_work.pop(future)
                if future.status == "finished":
                    yield from news_of(future.result(), shard)
                elif future.status == "error":
                    yield Lost(shard, _reason(future.exception()))
                else:
                    raise ClusterError("the cluster is gone; the same command goes on")
    finally:
        client.cancel(list(at_work))
        client.unregister_worker_plugin(name)


def _plugin(distributed: Any, work: Work) -> Any:
    """What brings the work to workers, those that come later too."""

    class Plugin(distributed.WorkerPlugin):  # type: ignore[misc]
        def __init__(self) -> None:
            self.work = packed(work)

        def setup(self, worker: Any) -> None:
            self.worker = DistantWorker(self.work)
            # Where a worker has several threads, one of them watches.
            self.turn = threading.Lock()
            self.is_wanted = True

        def teardown(self, worker: Any) -> None:
            # A task that nobody waits for may be at work still, and cannot be stopped.
            self.is_wanted = False
            if self.turn.acquire(blocking=False):
                self.worker.close()

    return Plugin()


def _watch(name: str, shard: Shard) -> Report:
    """In a worker."""
    from distributed import get_worker

    plugin = get_worker().plugins[name]
    with plugin.turn:
        report: Report = plugin.worker.watch(shard)
        if not plugin.is_wanted:
            plugin.worker.close()
    return report


def _reason(error: BaseException) -> str:
    told = " ".join(str(error).split()) or type(error).__name__
    return printable(told[:200])
