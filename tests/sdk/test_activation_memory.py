"""The floor of activation memory, against an exhaustive search over orders and places."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from movistream.file.activation_memory import Lifetime, activation_memory, lifetimes, plan
from movistream.file.graph import Graph, Operator, Tensor
from movistream_benchmarks.work import total, work_by_type

Edges = Sequence[tuple[tuple[int, ...], tuple[int, ...]]]


def graph_of(sizes: Sequence[int], edges: Edges, inputs: Sequence[int], output: int) -> Graph:
    """A graph of int8 tensors; each edge is (tensors read, tensors written)."""
    tensors = tuple(
        Tensor(index, f"t{index}", (size,), "int8", size, None, None)
        for index, size in enumerate(sizes)
    )
    operators = tuple(Operator("ADD", tuple(read), tuple(written), 1) for read, written in edges)
    return Graph(tensors, tuple(inputs), (output,), operators)


DIAMOND = graph_of(
    (10, 9, 8, 1, 2, 5, 4),
    [((0,), (1,)), ((0,), (2,)), ((1,), (3,)), ((2,), (4,)), ((3, 4), (5,)), ((5,), (6,))],
    inputs=(0,),
    output=6,
)
CHAIN_WITH_SKIP = graph_of(
    (10, 6, 9, 1, 6, 4),
    [((0,), (1,)), ((1,), (2,)), ((2,), (3,)), ((3, 1), (4,)), ((4,), (5,))],
    inputs=(0,),
    output=5,
)


def orders(graph: Graph) -> Iterator[tuple[int, ...]]:
    """Every order in which all operators find their inputs written."""
    for order in itertools.permutations(range(len(graph.operators))):
        ready = set(graph.inputs)
        for index in order:
            if not set(graph.operators[index].inputs) <= ready:
                break
            ready |= set(graph.operators[index].outputs)
        else:
            yield order


def smallest_arena(graph: Graph, order: Sequence[int]) -> int:
    """By exhaustion: some sequence of lowest-fit placements is an optimal packing.

    Tensors of an optimal packing can be pushed down until each lies on another or on the ground;
    placing them from the lowest to the highest, each as low as it goes, gives that packing.
    """
    alive = intervals_by_simulation(graph, order)
    best = sum(size for size, _, _ in alive)
    for sequence in itertools.permutations(alive):
        placed: list[tuple[int, int, int, int]] = []
        for size, first, last in sequence:
            levels = [0] + [start + other for start, other, _, _ in placed]
            start = min(
                level
                for level in levels
                if not any(
                    f <= last and first <= end and level < place + other and place < level + size
                    for place, other, f, end in placed
                )
            )
            placed.append((start, size, first, last))
        best = min(best, max((start + size for start, size, _, _ in placed), default=0))
    return best


def intervals_by_simulation(graph: Graph, order: Sequence[int]) -> list[tuple[int, int, int]]:
    """(bytes, first, last) by walking the order and looking ahead from each operator."""
    found = []
    for position, index in enumerate(order):
        for tensor in set(graph.operators[index].outputs) - set(graph.outputs):
            readers = [
                later
                for later in range(position, len(order))
                if tensor in graph.operators[order[later]].inputs
            ]
            found.append((graph.tensors[tensor].bytes, position, max(readers, default=position)))
    return found


# The diamond's branches are 9 → 1 and 8 → 2: one after the other 9 + 1 | 1 + 8 + 2 or 8 + 2 |
# 2 + 9 + 1; both opened first 9 + 8 and then + 1 or + 2.
@pytest.mark.parametrize(
    ("graph", "floors"),
    [(DIAMOND, {11, 12, 18, 19}), (CHAIN_WITH_SKIP, {16})],
    ids=["diamond", "skip"],
)
def test_the_floor_is_the_smallest_arena_of_every_order(graph: Graph, floors: set[int]) -> None:
    found = set()
    for order in orders(graph):
        memory = activation_memory(graph, order)
        assert memory.floor_bytes == smallest_arena(graph, order)
        assert memory.planned_bytes >= memory.floor_bytes
        found.add(memory.floor_bytes)
    assert found == floors


def test_the_floor_by_hand() -> None:
    """Skip: 6 | 6 + 9 | 6 + 9 + 1 | 6 + 1 + 6 | 6; the input of 10 and output of 4 are held."""
    memory = activation_memory(CHAIN_WITH_SKIP)
    assert memory.live_bytes == (6, 15, 16, 13, 6)
    assert memory.floor_bytes == 16
    assert memory.held_bytes == 14


def test_a_graph_without_operators() -> None:
    memory = activation_memory(graph_of((3,), [], inputs=(0,), output=0))
    assert (memory.floor_bytes, memory.planned_bytes, memory.held_bytes) == (0, 0, 3)


@given(
    st.lists(st.tuples(st.integers(1, 100), st.integers(0, 20), st.integers(0, 20)), max_size=20)
)
def test_a_plan_never_overlaps(entries: list[tuple[int, int, int]]) -> None:
    alive = [
        Lifetime(index, size, min(first, last), max(first, last))
        for index, (size, first, last) in enumerate(entries)
    ]
    places = plan(alive)
    assert places.keys() == set(alive)
    for (one, at), (other, there) in itertools.combinations(places.items(), 2):
        together = one.first <= other.last and other.first <= one.last
        assert not (together and at < there + other.bytes and there < at + one.bytes)


def test_what_is_computed_of_constants_alone_is_constant() -> None:
    """Weights of 100 bytes are widened to 400 once; the step needs 10 and the sum of 20."""
    graph = graph_of(
        (10, 100, 400, 20, 5),
        [((1,), (2,)), ((0, 2), (3,)), ((3,), (4,))],
        inputs=(0,),
        output=4,
    )
    input_, weights, *others = graph.tensors
    graph = replace(graph, tensors=(input_, structs.replace(weights, position=1000), *others))
    assert activation_memory(graph).live_bytes == (0, 20, 20)
    assert total(work_by_type(graph)).operators == 2


def test_constants_and_the_callers_tensors_are_no_activations() -> None:
    assert {each.tensor for each in lifetimes(DIAMOND, range(6))} == {1, 2, 3, 4, 5}
