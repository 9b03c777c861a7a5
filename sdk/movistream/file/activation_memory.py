"""Memory that a graph's intermediate tensors need, operator by operator, read from the file.

A tensor is alive from the operator that writes it to the last one that reads it. What is alive
during an operator has to be in memory at once, so the largest such sum is the floor: no runtime
that executes the operators in this order, each from memory to memory, gets by with less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from movistream.file.graph import Graph


@dataclass(frozen=True)
class Lifetime:
    """An intermediate tensor, and the positions in the order at which it is alive.

    Attributes:
        tensor: its index in the graph.
        bytes: its size.
        first: position of the operator that writes it.
        last: position of the last operator that reads it; the first, if none does.
    """

    tensor: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class ActivationMemory:
    """What a graph needs beside its weights.

    Attributes:
        operators: names, in the order of execution.
        live_bytes: of intermediate tensors during each operator.
        held_bytes: of the graph's inputs and outputs, which the caller holds all the time.
        planned_bytes: of an arena in which the largest tensors got their places first, as TFLite's
            memory planner assigns them, without its alignment.
    """

    operators: tuple[str, ...]
    live_bytes: tuple[int, ...]
    held_bytes: int
    planned_bytes: int

    @property
    def floor_bytes(self) -> int:
        """The least that intermediate tensors can take."""
        return max(self.live_bytes, default=0)


def activation_memory(graph: Graph, order: Sequence[int] | None = None) -> ActivationMemory:
    """The memory of a graph whose operators run in an order.

    Args:
        order: indices of all operators; by default as they are in the file.
    """
    order = range(len(graph.operators)) if order is None else order
    alive = lifetimes(graph, order)
    held = {*graph.inputs, *graph.outputs}
    return ActivationMemory(
        operators=tuple(graph.operators[index].name for index in order),
        live_bytes=tuple(
            sum(each.bytes for each in alive if each.first <= position <= each.last)
            for position in range(len(order))
        ),
        held_bytes=sum(graph.tensors[index].bytes for index in held),
        planned_bytes=max(
            (place + each.bytes for each, place in plan(alive).items()),
            default=0,
        ),
    )


def lifetimes(graph: Graph, order: Sequence[int]) -> tuple[Lifetime, ...]:
    """Of all intermediate tensors: neither constants, nor inputs or outputs of the graph."""
    held = {*graph.inputs, *graph.outputs, *constants(graph)}
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for position, index in enumerate(order):
        operator = graph.operators[index]
        for tensor in operator.outputs:
            if tensor not in held:
                first[tensor] = last[tensor] = position
        for tensor in operator.inputs:
            if tensor in first:
                last[tensor] = position
    return tuple(
        Lifetime(tensor, graph.tensors[tensor].bytes, position, last[tensor])
        for tensor, position in first.items()
    )


def constants(graph: Graph) -> set[int]:
    """Tensors that no frame changes: those in the file, and what is computed of them alone.

    Engines compute the latter once, such as the float32 weights of a float16 file.
    """
    found = {tensor.index for tensor in graph.tensors if tensor.constant}
    for operator in graph.operators:
        if found.issuperset(operator.inputs):
            found.update(operator.outputs)
    return found


def plan(alive: Sequence[Lifetime]) -> dict[Lifetime, int]:
    """A place in one arena for each tensor, so that none overlap while both are alive.

    The largest come first, each to the lowest gap that it fits.
    """
    places: dict[Lifetime, int] = {}
    for each in sorted(alive, key=lambda lifetime: -lifetime.bytes):
        others = sorted(
            (place, place + other.bytes)
            for other, place in places.items()
            if other.first <= each.last and each.first <= other.last
        )
        start = 0
        for begin, end in others:
            if start + each.bytes <= begin:
                break
            start = max(start, end)
        places[each] = start
    return places
