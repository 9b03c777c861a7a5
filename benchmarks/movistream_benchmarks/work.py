"""What a step has to do at least: multiply-adds, and bytes read and written, by operator type."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from movistream.file.activation_memory import constants
from movistream.file.graph import OPTIONAL_TENSOR, Graph
from movistream.file.inspection import multiply_adds


@dataclass(frozen=True)
class Work:
    """Of all operators of one type in a graph, for one frame.

    Attributes:
        operators: how many there are.
        multiply_adds: of convolutions and dense layers.
        bytes_moved: inputs and constants read once, outputs written once.
    """

    operators: int
    multiply_adds: int
    bytes_moved: int


def work_by_type(graph: Graph) -> dict[str, Work]:
    """The work of a graph by operator name, the most multiply-adds first, then the most bytes.

    Operators on constants alone are left out: engines run them once.
    """
    fixed = constants(graph)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for operator in graph.operators:
        if fixed.issuperset(operator.outputs):
            continue
        tensors = {*operator.inputs, *operator.outputs} - {OPTIONAL_TENSOR}
        own = counts[operator.name]
        own[0] += 1
        own[1] += multiply_adds(graph, operator)
        own[2] += sum(graph.tensors[index].bytes for index in tensors)
    found = {name: Work(*numbers) for name, numbers in counts.items()}
    return dict(
        sorted(found.items(), key=lambda item: (-item[1].multiply_adds, -item[1].bytes_moved))
    )


def total(work: dict[str, Work]) -> Work:
    """The sum over all types."""
    return Work(
        operators=sum(each.operators for each in work.values()),
        multiply_adds=sum(each.multiply_adds for each in work.values()),
        bytes_moved=sum(each.bytes_moved for each in work.values()),
    )
