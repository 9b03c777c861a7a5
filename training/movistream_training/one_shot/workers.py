"""Who computes the replicas' parts of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

from movistream_converters.ir.weights import Weights
from movistream_training.one_shot.replica import Order, Outcome, Replica


class Workers(Protocol):
    """Some processes that carry out orders."""

    def carry_out(self, orders: Sequence[Order], shared: Weights) -> list[Outcome]:
        """All orders of a step, whose outcomes come in their order.

        Raises:
            SearchError: if one cannot be carried out.
        """


Hired: TypeAlias = Callable[[Replica], AbstractContextManager[Workers]]
"""Gives the workers of a search, and lets them go at its end."""


class _Here:
    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def carry_out(self, orders: Sequence[Order], shared: Weights) -> list[Outcome]:
        return [self._replica.carry_out(order, shared) for order in orders]


@contextmanager
def in_this_process(replica: Replica) -> Iterator[Workers]:
    """One worker, which carries out all orders one after the other."""
    yield _Here(replica)
