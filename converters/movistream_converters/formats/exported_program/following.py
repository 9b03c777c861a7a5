"""Follows a program from its clip to its logits, and writes the network on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.exported_program import (
    attention,
    axes,
    constants,
    kernels,
    loops,
    pointwise,
    pools,
    recurrent,
    time,
)
from movistream_converters.formats.exported_program.call import Call, Rule, Run, Value
from movistream_converters.formats.exported_program.parts import (
    Moment,
    Parts,
    Side,
    joined,
    sizes_of,
)
from movistream_converters.formats.exported_program.program import (
    Named,
    Node,
    Place,
    Program,
    Unknown,
)
from movistream_converters.formats.exported_program.values import Frames

_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **axes.RULES,
        **pointwise.RULES,
        **kernels.RULES,
        **pools.RULES,
        **time.RULES,
        **recurrent.RULES,
        **attention.RULES,
    }
)
_VIEWS = axes.VIEWS | time.VIEWS
_OF_FRAMES = (Frames, Parts, Moment, Side)
_OF_PARTS = time.VIEWS | {
    "slice_scatter",
    "select_scatter",
    "copy",
    "fill",
    "zero",
    "zeros_like",
    "sym_size",
    "clone",
    "contiguous",
}
"""Operators that take what is written part by part as it is."""
_OF_SIDES = frozenset({"sum", "mean", "amax"})
"""Those that take frames side by side as they are."""
OPERATORS = frozenset({*_RULES, *constants.RULES, *constants.CREATING, *_OF_PARTS, *_OF_SIDES})
"""Of PyTorch, that are followed; an underscore behind, for what is done in place, is left out."""


@dataclass
class _Memory:
    """What the names of a program stand for.

    Attributes:
        storages: names that share their numbers with others, by what they share.
        views: what gave such names, and of which name.
        stale: names whose numbers were changed through another one, by what did.
        outdated: those of them that can be computed anew.
    """

    values: dict[str, Value]
    storages: dict[str, str] = field(default_factory=dict)
    views: dict[str, tuple[str, Node]] = field(default_factory=dict)
    stale: dict[str, Node] = field(default_factory=dict)
    outdated: set[str] = field(default_factory=set)

    def storage(self, name: str) -> str:
        """What a name's numbers belong to."""
        return self.storages.get(name, name)


def follow(
    run: Run, program: Program, clip: Frames, tensors: Mapping[str, npt.NDArray[Any]]
) -> Frames:
    """What a program gives.

    Args:
        clip: what goes in.
        tensors: its weights, buffers and constants by name.

    Raises:
        ConversionError: if it does anything that the vocabulary lacks or a stream cannot; it names
            the operator and its place.
    """
    values: dict[str, Value] = {"": None, program.clip: clip}
    for name, stored in program.stored.items():
        if stored not in tensors:
            raise ConversionError(f"{run.path} is damaged: it has no {printable(stored)}")
        values[name] = tensors[stored]
    memory = _Memory(values)
    program = loops.rolled_up(program)
    nodes = needed(program)
    for node in nodes:
        _check_kind(Call(run, node))
    for node in nodes:
        _take(run, program, memory, node)
    result = memory.values.get(program.result)
    if program.result in memory.values:
        last = nodes[-1] if nodes else Node("aten", program.result, {}, (), Place())
        result = joined(Call(run, last), _current(Call(run, last), memory, program.result))
    if not isinstance(result, Frames):
        raise ConversionError(f"{run.path} gives what does not come from the frames of its clip")
    return result


def needed(program: Program) -> list[Node]:
    """The nodes that the result comes from, and those that change something."""
    names, kept = {program.result}, []
    for node in reversed(program.nodes):
        if (
            node.is_in_place
            or node.namespace == loops.NAMESPACE
            or not names.isdisjoint(node.outputs)
        ):
            kept.append(node)
            names |= {leaf.name for leaf in _leaves(node.arguments.values()) if _is_name(leaf)}
    return kept[::-1]


def _is_name(given: Any) -> bool:
    return isinstance(given, Named)


def _take(run: Run, program: Program, memory: _Memory, node: Node) -> None:
    call = Call(run, node)
    call.arguments = {
        name: _resolved(call, memory, given) for name, given in node.arguments.items()
    }
    _join(call)
    if call.stage:
        run.writing.stage = call.stage
    in_place = _changed(program, memory, call)
    try:
        result = _result(call)
    except (
        ValueError,
        IndexError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        ZeroDivisionError,
    ) as error:
        call.refuse(f"cannot be followed: {printable(str(error))}")
    results = result if isinstance(result, list) else [result]
    if len(results) != len(node.outputs):
        call.refuse(f"gives {len(results)} values, and {len(node.outputs)} are read")
    memory.values.update(zip(node.outputs, results, strict=True))
    source = in_place or _viewed(node)
    for output in node.outputs if source else ():
        memory.storages[output] = memory.storage(source)
        memory.views[output] = source, node
    if in_place:
        _change(run, memory, in_place, results[0], node)


def _join(call: Call) -> None:
    """Makes frames of what came in parts, where the operator does not take those."""
    if call.node.bare in _OF_PARTS:
        return
    left = Side if call.node.bare in _OF_SIDES else ()
    call.arguments = {
        name: given if isinstance(given, left) else joined(call, given)
        for name, given in call.arguments.items()
    }


def _change(run: Run, memory: _Memory, name: str, value: Value, node: Node) -> None:
    """Gives a name another value, and so all names that share their numbers with it."""
    shared = memory.storage(name)
    fresh = {name, *node.outputs}
    memory.values[name] = value
    while name in memory.views and memory.views[name][1].operator in time.PARTS:
        source, view = memory.views[name]
        taking = Call(run, view)
        taking.arguments = {
            key: None if isinstance(given, Named) and given.name == source else given
            for key, given in view.arguments.items()
        }
        taking.arguments = {
            key: _resolved(taking, memory, given) for key, given in taking.arguments.items()
        }
        base = _current(taking, memory, source)
        value = time.put_back(Call(run, node), taking, base, memory.values[name])
        memory.values[source] = value
        fresh.add(source)
        name = source
    for other in (*memory.storages, shared):
        if memory.storage(other) != shared or other in fresh:
            memory.outdated.discard(other)
        elif name == shared and other in memory.views:
            memory.outdated.add(other)
        else:
            memory.stale[other] = node


def _current(call: Call, memory: _Memory, name: str) -> Value:
    """The value of a name, computed anew if its numbers were changed through another one."""
    if name in memory.stale:
        _read_stale(call, memory.stale[name])
    if name in memory.outdated:
        source, node = memory.views[name]
        again = Call(call.run, node)
        _current(call, memory, source)
        again.arguments = {
            key: _resolved(again, memory, given) for key, given in node.arguments.items()
        }
        _join(again)
        results = _result(again)
        results = results if isinstance(results, list) else [results]
        memory.values.update(zip(node.outputs, results, strict=True))
        memory.outdated -= set(node.outputs)
    return memory.values[name]


def _check_kind(call: Call) -> None:
    node = call.node
    has_graph = any(
        isinstance(value, Unknown) and value.kind == "as_graph" for value in node.arguments.values()
    )
    if node.namespace == "higher_order" or has_graph:
        call.refuse(
            "is control flow or a part of a graph by itself, which is not followed: write it"
            " without, so that each frame takes the same way"
        )
    if node.namespace not in ("aten", "_operator", "torch", "math", loops.NAMESPACE):
        call.refuse(
            "is an operator of your own or of a library, of which nothing is known here: write it"
            " with PyTorch's own operators"
        )


def _resolved(call: Call, memory: _Memory, given: Any) -> Any:
    if isinstance(given, list):
        return [_resolved(call, memory, each) for each in given]
    if not isinstance(given, Named):
        return given
    if given.name not in memory.values:
        call.refuse(f"reads {printable(given.name)} before it is computed")
    return _current(call, memory, given.name)


def _read_stale(call: Call, changed: Node) -> NoReturn:
    Call(call.run, changed).refuse(
        f"changes numbers in place that {call.node} reads by another name, which is not followed:"
        " write it so that it gives a new tensor, by torch.cat for a part of one"
    )


def _changed(program: Program, memory: _Memory, call: Call) -> str:
    """The name whose numbers an operator changes; empty if there is none."""
    node = call.node
    if not node.is_in_place:
        return ""
    target = next(iter(node.arguments.values()), None)
    if not isinstance(target, Named):
        call.refuse("changes something else than a tensor")
    owner = memory.storage(target.name)
    if owner in program.stored:
        what = "buffer" if owner in program.buffers else "weight"
        call.refuse(
            f"changes the {what} {printable(program.stored[owner])}: state inside a module is not"
            " read; compute it from the frames of the clip, and call model.eval() before"
            " torch.export.export"
        )
    return target.name


def _viewed(node: Node) -> str:
    """The name with which an operator's results share their numbers; empty if with none."""
    if node.bare not in _VIEWS and not node.operator.startswith("detach"):
        return ""
    target = next(iter(node.arguments.values()), None)
    return target.name if isinstance(target, Named) else ""


def _result(call: Call) -> Value:
    node = call.node
    if node.namespace == loops.NAMESPACE:
        return loops.RULES[node.operator](call)
    if node.namespace != "aten" or node.operator in ("sym_size", "sym_numel"):
        return _size(call)
    operator = node.bare
    if node.operator == "copy_":
        return call.get("src")
    if operator in constants.CREATING:
        return constants.CREATING[operator](call)
    if not any(isinstance(each, _OF_FRAMES) for each in _leaves(call.arguments.values())):
        rule = constants.RULES.get(operator)
        if rule is None:
            call.refuse("computes a constant by what is not known here")
        return rule(call)
    rule = _RULES.get(operator)
    if rule is None:
        call.refuse(_lacking(operator))
    return rule(call)


_NORMS = (
    "normalises frames by their own pixels, which the vocabulary lacks: use a batch norm in"
    " model.eval(), or a layer norm over channels"
)
_LACKING: Mapping[str, str] = MappingProxyType(
    {
        "group_norm": _NORMS,
        "native_group_norm": _NORMS,
        "instance_norm": _NORMS,
        "sort": "puts numbers in order, which the vocabulary lacks",
        "item": "decides by numbers that are computed from frames, which is not followed",
    }
)
"""What operators do that people use and no stream here can."""


def _lacking(operator: str) -> str:
    if operator.startswith("upsample_"):
        return (
            "makes frames larger or smaller between pixels, which the vocabulary lacks: use a pool"
            " or a kernel with a stride, or resize before the network"
        )
    if operator in ("amax", "amin", "max", "min", "std", "var", "median", "norm"):
        return (
            "summarises by something else than a mean, which the vocabulary lacks: the largest of"
            " the last frames is a max_pool over time"
        )
    return _LACKING.get(operator, "is an operator that the vocabulary lacks (docs/network.md)")


def _leaves(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += _leaves(value) if isinstance(value, list) else [value]
    return found


def _size(call: Call) -> Value:
    given = list(call.arguments.values())
    if call.node.operator in ("sym_size", "sym_numel"):
        value = call.get("self")
        sizes = sizes_of(value)
        if call.node.operator == "sym_numel":
            return int(np.prod(sizes))
        return sizes[call.dimension(len(sizes))]
    function = constants.SIZES.get(call.node.operator)
    if function is None or not all(isinstance(each, int | float) for each in given):
        call.refuse("decides by numbers that are computed from frames, which is not followed")
    return function(*given)
