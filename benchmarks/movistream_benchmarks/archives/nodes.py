"""Clusters of simulated nodes on this machine, which can be killed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import psutil

from movistream.errors import MissingExtraError
from movistream.system.ray_cluster import OWN_CLUSTER


class Nodes(Protocol):
    """Nodes of a cluster, beside what coordinates them.

    Attributes:
        address: as ``movistream archive --address`` takes it.
    """

    address: str

    def add(self) -> None:
        """Starts another node."""

    def kill_node(self, number: int, *, objects_alone: bool) -> None:
        """Kills all processes of a node at once, as a power cut does.

        Args:
            objects_alone: only the one that keeps its objects; where there is none, a worker.
        """

    def workers(self) -> list[psutil.Process]:
        """The processes that watch videos, or are ready to."""


class RayNodes:
    """See :class:`Nodes`; the head does no work."""

    def __init__(self, count: int, cores: int) -> None:
        for name, value in OWN_CLUSTER.items():
            os.environ.setdefault(name, value)
        # It looks at its environment when it is imported.
        try:
            from ray.cluster_utils import Cluster
        except ImportError:
            raise MissingExtraError("Ray", "cluster") from None

        self._cores = cores
        self._cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False},
        )
        self._nodes: list[Any] = []
        self.address: str = self._cluster.address
        for _ in range(count):
            self.add()
        self._cluster.wait_for_nodes()

    def add(self) -> None:
        self._nodes.append(self._cluster.add_node(num_cpus=self._cores))

    def kill_node(self, number: int, *, objects_alone: bool) -> None:
        node = self._nodes.pop(number)
        # Objects are kept by the process that starts all others of a node.
        raylets = [each.process.pid for each in node.all_processes["raylet"]]
        others = [each.process.pid for all_ in node.all_processes.values() for each in all_]
        for pid in raylets if objects_alone else others:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                below = [] if objects_alone else process.children(recursive=True)
                for one in (*below, process):
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
        self._cluster.remove_node(node, allow_graceful=False)

    def workers(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.Process().children(recursive=True)
            if "ray::DistantWorker" in " ".join(_command_of(process))
        ]

    def close(self) -> None:
        self._cluster.shutdown()


class DaskNodes:
    """See :class:`Nodes`; a node is a process that starts and watches one that works."""

    def __init__(self, count: int, cores: int) -> None:
        try:
            import distributed
        except ImportError:
            raise MissingExtraError("Dask", "cluster") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._cluster: Any = distributed.LocalCluster(
            n_workers=count * cores,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
        self.address: str = self._cluster.scheduler_address

    def add(self) -> None:
        self._cluster.scale(len(self._cluster.workers))

    def kill_node(self, number: int, *, objects_alone: bool) -> None:
        # It starts another one by itself.
        for process in self.workers()[number : number + 1]:
            process.kill()

    def workers(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.Process().children(recursive=True)
            if "spawn_main" in " ".join(_command_of(process))
        ]

    def close(self) -> None:
        self._cluster.close()


def _command_of(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        command: list[str] = process.cmdline()
        return command
    return []


@contextmanager
def nodes_of(kind: str, count: int, cores: int = 1) -> Iterator[RayNodes | DaskNodes]:
    """A cluster of so many nodes, gone when the block ends.

    Args:
        kind: ``ray`` or ``dask``.
        cores: of each node.
    """
    nodes = RayNodes(count, cores) if kind == "ray" else DaskNodes(count, cores)
    try:
        yield nodes
    finally:
        nodes.close()
