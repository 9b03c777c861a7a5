"""The carriers by the names that people give them; none is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from movistream.archive.carriers import Crew

CarrierName = Literal["processes", "ray", "dask"]
CARRIERS: tuple[CarrierName, ...] = ("processes", "ray", "dask")


def crew_of(
    name: CarrierName, workers: int | None, address: str | None
) -> AbstractContextManager[Crew]:
    """The workers of a carrier, until the block is left.

    Args:
        workers: how many; by default as many as there are cores.
        address: of a cluster; by default one on this machine that nobody else uses.

    Raises:
        MovistreamError: if there is no such cluster.
        MissingExtraError: if what it needs is not installed.
    """
    return _hire(name)(workers, address)


def _hire(
    name: CarrierName,
) -> Callable[[int | None, str | None], AbstractContextManager[Crew]]:
    if name == "ray":
        from movistream.archive.carriers.ray_actors import ray_actors

        return ray_actors
    if name == "dask":
        from movistream.archive.carriers.dask_tasks import dask_tasks

        return dask_tasks
    from movistream.archive.carriers.processes import processes

    return processes
