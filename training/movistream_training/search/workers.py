"""Processes that work side by side, each on one core, and give the same whatever their number.

A worker that is killed is replaced, and what it was doing is done again. None outlives the search,
however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TypeVar

from movistream_training.errors import SearchError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_LOSSES = 3
"""Of workers, before a search gives up: whatever kills them will do it again."""


class Workers:
    """So many processes. A context manager: at its end they are gone, done or not."""

    def __init__(self, count: int) -> None:
        """None is started before it is needed."""
        self.count = count
        self._losses = 0
        self._executor: ProcessPoolExecutor | None = None
        self._alive: Connection | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def each(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Results with the indices of their items, each as soon as it is there.

        Args:
            function: of a module, as are the items' types.

        Raises:
            SearchError: if workers are killed again and again.
            Exception: what the function raises.
        """
        left = dict(enumerate(items))
        while left:
            futures = {self._submit(function, item): index for index, item in left.items()}
            try:
                for future in as_completed(futures):
                    index = futures[future]
                    result = future.result()
                    del left[index]
                    yield index, result
            except BrokenProcessPool:
                self._stop()
                self._losses += 1
                if self._losses > _MOST_LOSSES:
                    raise SearchError(
                        f"{self._losses} workers were killed, perhaps for want of memory; what is"
                        " done is kept, and the same command goes on; try fewer --workers"
                    ) from None

    def all(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        on_done: Callable[[], None] = lambda: None,
    ) -> list[Result]:
        """All results, in the order of the items."""
        found = {}
        for index, result in self.each(function, items):
            found[index] = result
            on_done()
        return [found[index] for index in range(len(items))]

    def _submit(self, function: Callable[[Item], Result], item: Item) -> Future[Result]:
        if self._executor is None:
            context = multiprocessing.get_context("spawn")
            theirs, self._alive = context.Pipe(duplex=False)
            self._executor = ProcessPoolExecutor(self.count, context, _begin, (theirs,))
        return self._executor.submit(function, item)

    def _stop(self) -> None:
        if self._alive is not None:
            self._alive.close()
            self._alive = None
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


def _begin(alive: Connection) -> None:
    """Of a worker, before anything else."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    # One core each: sums are then added in one order, on any machine and beside any neighbour.
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    from movistream_converters.tensorflow_import import import_tensorflow

    import_tensorflow()


def _end_with(alive: Connection) -> None:
    """Ends this process when the other end of the connection is closed, or its process gone."""
    try:
        alive.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
