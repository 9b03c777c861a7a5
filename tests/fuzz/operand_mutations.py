"""Which tensors an operator reads and writes."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.fuzz.mutation import (
    NotApplicableError,
    constants,
    graph,
    ints,
    mutation,
    new_tensor,
    one_of,
    operators_by_kind,
)
from tests.fuzz.tree import FileTree


def _chosen(tree: FileTree, random: Random, *, least: int = 1) -> tuple[Any, Any, list[int]]:
    """A graph, one of its operators, and what that reads."""
    found = graph(tree, random)
    operator = one_of(random, operators_by_kind(found, random))
    operands = ints(operator.inputs)
    if len(operands) < least:
        raise NotApplicableError
    return found, operator, operands


def _like(found: Any, index: int, *, rank_only: bool) -> list[int]:
    """Tensors that could stand in for another."""
    if not 0 <= index < len(found.tensors):
        raise NotApplicableError
    like = found.tensors[index]
    return [
        i
        for i, tensor in enumerate(found.tensors)
        if i != index
        and tensor.type == like.type
        and len(ints(tensor.shape)) == len(ints(like.shape))
        and (rank_only or ints(tensor.shape) == ints(like.shape))
    ]


@mutation("operand-missing")
def _missing(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random)
    operands[random.randrange(len(operands))] = -1
    operator.inputs = operands


@mutation("operands-all-missing")
def _all_missing(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random)
    operator.inputs = [-1] * len(operands)


@mutation("operand-out-of-range", loud=True)
def _out_of_range(tree: FileTree, random: Random) -> None:
    found, operator, operands = _chosen(tree, random)
    count = len(found.tensors)
    outside = random.choice((count, count + 1, count + 1000, -2, -3, 2**31 - 1, -(2**31)))
    operands[random.randrange(len(operands))] = outside
    operator.inputs = operands


@mutation("operand-other")
def _other(tree: FileTree, random: Random) -> None:
    found, operator, operands = _chosen(tree, random)
    operands[random.randrange(len(operands))] = random.randrange(len(found.tensors))
    operator.inputs = operands


@mutation("operand-of-same-rank")
def _same_rank(tree: FileTree, random: Random) -> None:
    found, operator, operands = _chosen(tree, random)
    place = random.randrange(len(operands))
    operands[place] = one_of(random, _like(found, operands[place], rank_only=True))
    operator.inputs = operands


@mutation("operand-of-same-shape")
def _same_shape(tree: FileTree, random: Random) -> None:
    found, operator, operands = _chosen(tree, random)
    place = random.randrange(len(operands))
    operands[place] = one_of(random, _like(found, operands[place], rank_only=False))
    operator.inputs = operands


@mutation("operand-other-constant")
def _other_constant(tree: FileTree, random: Random) -> None:
    found, operator, operands = _chosen(tree, random)
    chosen = one_of(random, constants(tree, found))
    operands[random.randrange(len(operands))] = found.tensors.index(chosen)
    operator.inputs = operands


@mutation("operand-computed-not-constant")
def _computed(tree: FileTree, random: Random) -> None:
    """A constant operand, such as a kernel or axes, that depends on the image."""
    found, operator, operands = _chosen(tree, random)
    constant = constants(tree, found)
    held = [i for i, index in enumerate(operands) if found.tensors[index] in constant]
    place = one_of(random, held)
    alike = _like(found, operands[place], rank_only=True)
    inputs = ints(found.inputs)
    alike = [i for i in alike if found.tensors[i] not in constant] or inputs
    operands[place] = one_of(random, alike)
    operator.inputs = operands


@mutation("operand-made-an-input")
def _made_input(tree: FileTree, random: Random) -> None:
    """A constant operand's tensor loses its values: nothing gives it any."""
    found, _, operands = _chosen(tree, random)
    constant = constants(tree, found)
    held = [found.tensors[i] for i in operands if i >= 0 and found.tensors[i] in constant]
    one_of(random, held).buffer = 0


@mutation("operand-dropped")
def _dropped(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random)
    del operands[-1 if random.random() < 0.6 else random.randrange(len(operands))]
    operator.inputs = operands


@mutation("operand-added")
def _added(tree: FileTree, random: Random) -> None:
    found, operator, operands = _chosen(tree, random, least=0)
    extra = -1 if random.random() < 0.3 else random.randrange(len(found.tensors))
    operands.insert(random.randint(0, len(operands)), extra)
    operator.inputs = operands


@mutation("operands-repeated")
def _repeated(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random)
    operator.inputs = operands * random.choice((2, 3, 17, 100, 5000))


@mutation("operands-emptied")
def _emptied(tree: FileTree, random: Random) -> None:
    _, operator, _ = _chosen(tree, random)
    operator.inputs = random.choice(([], None))


@mutation("operands-swapped")
def _swapped(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random, least=2)
    random.shuffle(operands)
    operator.inputs = operands


@mutation("operands-all-the-same")
def _all_same(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random, least=2)
    operator.inputs = [random.choice(operands)] * len(operands)


@mutation("operand-is-the-result")
def _is_result(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random)
    operands[random.randrange(len(operands))] = one_of(random, ints(operator.outputs))
    operator.inputs = operands


@mutation("result-other")
def _result_other(tree: FileTree, random: Random) -> None:
    found, operator, _ = _chosen(tree, random, least=0)
    operator.outputs = [random.randrange(len(found.tensors))]


@mutation("result-is-an-operand")
def _result_operand(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random)
    operator.outputs = [random.choice(operands)]


@mutation("result-is-a-graph-input")
def _result_input(tree: FileTree, random: Random) -> None:
    found, operator, _ = _chosen(tree, random, least=0)
    operator.outputs = [one_of(random, ints(found.inputs))]


@mutation("result-is-a-constant", loud=True)
def _result_constant(tree: FileTree, random: Random) -> None:
    found, operator, _ = _chosen(tree, random, least=0)
    operator.outputs = [found.tensors.index(one_of(random, constants(tree, found)))]


@mutation("result-written-twice")
def _written_twice(tree: FileTree, random: Random) -> None:
    found, operator, _ = _chosen(tree, random, least=0)
    other = one_of(random, [o for o in found.operators if o is not operator])
    operator.outputs = ints(other.outputs)


@mutation("result-missing", loud=True)
def _result_missing(tree: FileTree, random: Random) -> None:
    found, operator, _ = _chosen(tree, random, least=0)
    outside = random.choice((-1, -1, -2, len(found.tensors), 2**31 - 1))
    results = ints(operator.outputs)
    if not results:
        raise NotApplicableError
    results[random.randrange(len(results))] = outside
    operator.outputs = results


@mutation("results-emptied")
def _results_emptied(tree: FileTree, random: Random) -> None:
    _, operator, _ = _chosen(tree, random, least=0)
    operator.outputs = random.choice(([], None))


@mutation("result-added")
def _result_added(tree: FileTree, random: Random) -> None:
    found, operator, _ = _chosen(tree, random, least=0)
    results = ints(operator.outputs)
    like = found.tensors[one_of(random, results)]
    extra = random.choice((new_tensor(found, like), results[0], -1))
    operator.outputs = [*results, extra]


@mutation("results-dropped")
def _result_dropped(tree: FileTree, random: Random) -> None:
    _, operator, _ = _chosen(tree, random, least=0)
    results = ints(operator.outputs)
    if len(results) < 2:
        raise NotApplicableError
    operator.outputs = results[: random.randrange(1, len(results))]


@mutation("intermediates-named", loud=True)
def _intermediates(tree: FileTree, random: Random) -> None:
    found, operator, _ = _chosen(tree, random, least=0)
    operator.intermediates = [
        random.choice((-1, 0, random.randrange(len(found.tensors)), len(found.tensors)))
        for _ in range(random.randint(1, 6))
    ]


@mutation("operands-said-to-change")
def _mutating(tree: FileTree, random: Random) -> None:
    _, operator, operands = _chosen(tree, random, least=0)
    operator.mutatingVariableInputs = [True] * random.choice((1, len(operands), 100))
