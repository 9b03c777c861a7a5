"""Loops over the frames of a clip: what they did to each frame, rolled up again.

``torch.export`` writes a loop's body once for each frame. The bodies are alike: each reads its own
frame, what the one before computed, and what does not depend on frames. One of them stays, and
operators of our own say what it reads and gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.constants import CREATING, is_zero
from movistream_converters.formats.exported_program.program import Named, Node, Place, Program
from movistream_converters.formats.exported_program.time import whole
from movistream_converters.formats.exported_program.values import Axis, Dimension, Frames
from movistream_converters.formats.exported_program.writing import IMAGE
from movistream_converters.ir.layers import Previous

NAMESPACE = "loop"
"""Of the operators that stand in for a loop's ends."""

_MOST_LOOPS = 16
_MOST_TRIED = 64
"""Values that a loop may go over."""
_WHOLE = 2**62
"""Where slices end that have no end."""


@dataclass(frozen=True)
class _Entries:
    """The frames of a value, one by one, as a loop takes them.

    Attributes:
        names: of the frames, in their order.
        nodes: indices of the operators that take them.
        dimension: of time.
        kept: whether that stays, with one entry.
    """

    source: str
    names: tuple[str, ...]
    nodes: tuple[int, ...]
    dimension: int
    kept: bool


@dataclass
class _Body:
    """What is done to one frame.

    Attributes:
        places: of each name, among all that the operators of the body give.
    """

    nodes: list[Node]
    places: dict[str, int] = field(default_factory=dict)


def rolled_up(program: Program) -> Program:
    """The program, with one body in the place of a loop's many; as it is where there is no loop."""
    for _ in range(_MOST_LOOPS):
        nodes = _plain(program.nodes)
        for entries in islice(_entries(nodes), _MOST_TRIED):
            rolled = _rolled(program.result, nodes, entries)
            if rolled is not None:
                program = replace(program, nodes=tuple(rolled))
                break
        else:
            return program
    return program


def _plain(nodes: Iterable[Node]) -> list[Node]:
    """Without slices that take everything, and with each frame taken once."""
    changed = {
        target.name
        for node in nodes
        if node.is_in_place
        and isinstance(target := next(iter(node.arguments.values()), None), Named)
    }
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    kept: list[Node] = []
    for given in nodes:
        node = _renamed(given, names)
        source = node.arguments.get("self")
        if node.namespace != "aten" or not isinstance(source, Named) or len(node.outputs) != 1:
            kept.append(node)
            continue
        (output,) = node.outputs
        key = f"{node.operator} {sorted(node.arguments.items(), key=str)}"
        if node.operator == "slice" and _takes_all(node):
            names[output] = source.name
        elif node.operator not in ("select", "slice") or {output, source.name} & changed:
            kept.append(node)
        elif key in taken:
            names[output] = taken[key]
        else:
            taken[key] = output
            kept.append(node)
    return kept


def _takes_all(node: Node) -> bool:
    start, end = node.arguments.get("start"), node.arguments.get("end")
    step = node.arguments.get("step", 1)
    ends = end is None or (isinstance(end, int) and end >= _WHOLE)
    return start in (None, 0) and ends and step == 1


def _entries(nodes: list[Node]) -> Iterable[_Entries]:
    """Values all of whose frames are taken one by one."""
    found: dict[tuple[str, int, bool], dict[int, tuple[str, int]]] = {}
    for index, node in enumerate(nodes):
        source, dimension = node.arguments.get("self"), node.arguments.get("dim", 0)
        if node.namespace != "aten" or not isinstance(source, Named):
            continue
        if not isinstance(dimension, int):
            continue
        single = node.operator == "split" and node.arguments.get("split_size") == 1
        if (node.operator == "unbind" or single) and len(node.outputs) > 1:
            yield _Entries(source.name, node.outputs, (index,), dimension, single)
        entry = node.arguments.get("index")
        if node.operator == "slice":
            entry, end = node.arguments.get("start"), node.arguments.get("end")
            if not isinstance(entry, int) or end != entry + 1:
                continue
        elif node.operator != "select":
            continue
        if isinstance(entry, int) and entry >= 0:
            taken = found.setdefault((source.name, dimension, node.operator == "slice"), {})
            taken.setdefault(entry, (node.outputs[0], index))
    for (name, dimension, kept), taken in found.items():
        if len(taken) > 1 and sorted(taken) == list(range(len(taken))):
            names, indices = zip(*(taken[entry] for entry in range(len(taken))), strict=True)
            yield _Entries(name, names, indices, dimension, kept)


def _rolled(result: str, nodes: list[Node], entries: _Entries) -> list[Node] | None:
    bodies = _bodies(nodes, entries)
    length = len(bodies[1].nodes)
    # Zeros of a frame's size, which the first alone has: what is kept begins with them.
    made = [
        n for n in bodies[0].nodes if n.operator in CREATING and _reads_only(n, entries.names[0])
    ]
    made = made if len(bodies[0].nodes) == length + len(made) else []
    bodies[0].nodes = [node for node in bodies[0].nodes if node not in made]
    # What comes behind the loop depends on the last frame.
    behind = bodies[-1].nodes[length:]
    bodies[-1].nodes = bodies[-1].nodes[:length]
    if not length or any(len(body.nodes) != length for body in bodies):
        return None
    for body in bodies:
        names = [name for node in body.nodes for name in node.outputs]
        body.places = {name: place for place, name in enumerate(names)}
    if not all(_keeps_to_itself(body) for body in bodies):
        return None
    states: dict[int, str] = {}
    if not all(_alike(bodies, number, entries, states) for number in range(1, len(bodies))):
        return None
    read = _read_behind(bodies, behind, result)
    if read is None:
        return None
    gone = {id(node) for body in bodies for node in body.nodes}
    gone |= {id(node) for node in (*behind, *made)} | {id(nodes[index]) for index in entries.nodes}
    written = [node for node in nodes if id(node) not in gone]
    return written + _written(nodes, entries, bodies, made, behind, states, *read)


def _keeps_to_itself(body: _Body) -> bool:
    """Whether it changes in place only what it has computed itself."""
    targets = (next(iter(n.arguments.values()), None) for n in body.nodes if n.is_in_place)
    return all(isinstance(each, Named) and each.name in body.places for each in targets)


def _reads_only(node: Node, name: str) -> bool:
    return _read(node) == [name]


def _bodies(nodes: list[Node], entries: _Entries) -> list[_Body]:
    """Each frame's operators: those that depend on it, and on no later one."""
    owners = {name: number for number, name in enumerate(entries.names)}
    bodies = [_Body([]) for _ in entries.names]
    for index, node in enumerate(nodes):
        read = [owners[name] for name in _read(node) if name in owners]
        if read and index not in entries.nodes:
            owners.update(dict.fromkeys(node.outputs, max(read)))
            bodies[max(read)].nodes.append(node)
    return bodies


def _read(node: Node) -> list[str]:
    return [leaf.name for leaf in _leaves(node.arguments.values()) if isinstance(leaf, Named)]


def _leaves(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += _leaves(value) if isinstance(value, list) else [value]
    return found


def _alike(bodies: list[_Body], number: int, entries: _Entries, states: dict[int, str]) -> bool:
    """Whether a frame's body does what the first does, which reads initial states in the place of
    what the one before computed. Those are found on the way."""
    first, body, before = bodies[0], bodies[number], bodies[number - 1]
    for one, other in zip(first.nodes, body.nodes, strict=True):
        if (one.namespace, one.operator, one.arguments.keys(), len(one.outputs)) != (
            other.namespace,
            other.operator,
            other.arguments.keys(),
            len(other.outputs),
        ):
            return False
        pairs = zip(
            _leaves(one.arguments.values()), _leaves(other.arguments.values()), strict=False
        )
        if len(_leaves(one.arguments.values())) != len(_leaves(other.arguments.values())):
            return False
        for a, b in pairs:
            if not isinstance(a, Named) or not isinstance(b, Named):
                if isinstance(a, Named) or isinstance(b, Named) or a != b:
                    return False
            elif b.name in body.places:
                if first.places.get(a.name) != body.places[b.name]:
                    return False
            elif b.name == entries.names[number]:
                if a.name != entries.names[0]:
                    return False
            elif b.name in before.places:
                if a.name in first.places or a.name in entries.names:
                    return False
                place = before.places[b.name]
                if states.setdefault(place, a.name) != a.name:
                    return False
            elif a.name != b.name:
                return False
    return True


def _read_behind(
    bodies: list[_Body], behind: list[Node], result: str
) -> tuple[dict[str, int], dict[str, int]] | None:
    """What operators behind a loop read of it: what puts all frames' numbers together, and the last
    frame's; None if it is anything else."""
    together: dict[str, int] = {}
    lasts: dict[str, int] = {}
    names = {name: number for number, body in enumerate(bodies) for name in body.places}
    last = len(bodies) - 1
    for node in behind:
        tensors = node.arguments.get("tensors")
        if node.operator in ("stack", "cat") and isinstance(tensors, list):
            read = _read(node)
            places = {bodies[names[name]].places[name] for name in read if name in names}
            if [names.get(name) for name in read] == list(range(last + 1)) and len(places) == 1:
                together[node.outputs[0]] = places.pop()
                continue
        for name in _read(node):
            if names.get(name, last) != last:
                return None
            if name in names:
                lasts[name] = bodies[-1].places[name]
    if result in names:
        lasts[result] = bodies[-1].places[result]
    return together, lasts


def _written(
    nodes: list[Node],
    entries: _Entries,
    bodies: list[_Body],
    made: list[Node],
    behind: list[Node],
    states: dict[int, str],
    together: dict[str, int],
    lasts: dict[str, int],
) -> list[Node]:
    """One body, and what stands in for the ends of the loop."""
    body, frame = bodies[1], Named(entries.names[1])
    names = {place: name for name, place in body.places.items()}
    places = {name: node.place for node in body.nodes for name in node.outputs}

    def added(operator: str, output: str, place: Place, **arguments: Any) -> Node:
        return Node(NAMESPACE, operator, arguments, (output,) if output else (), place)

    source = Named(entries.source)
    written = [
        added(
            "each",
            frame.name,
            nodes[entries.nodes[0]].place,
            self=source,
            dim=entries.dimension,
            kept=entries.kept,
            count=len(entries.names),
        )
    ]
    written += [_renamed(node, {entries.names[0]: frame.name}) for node in made]
    kept: dict[str, str] = {}
    for first, place in bodies[0].places.items():
        if place in states:
            name = kept[first] = f"{names[place]}.before"
            where = places[names[place]]
            written.append(added("before", name, where, self=Named(states[place]), frame=frame))
    written += [_renamed(node, kept) for node in body.nodes]
    for place in states:
        now, before = Named(names[place]), Named(f"{names[place]}.before")
        written.append(added("remember", "", places[now.name], self=before, other=now))
    for name, place in lasts.items():
        now = Named(names[place])
        if name != now.name:
            written.append(added("last", name, places[now.name], self=now))
    for node in behind:
        if node.outputs[:1] and node.outputs[0] in together:
            now = Named(names[together[node.outputs[0]]])
            dimension = node.arguments.get("dim", 0)
            operator = f"{node.operator}_of_each"
            node = added(operator, node.outputs[0], node.place, self=now, dim=dimension)
        written.append(node)
    return written


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    def renamed(given: Any) -> Any:
        if isinstance(given, list):
            return [renamed(each) for each in given]
        if isinstance(given, Named):
            return Named(names.get(given.name, given.name))
        return given

    return replace(node, arguments={key: renamed(given) for key, given in node.arguments.items()})


def _each(call: Call) -> Value:
    """The frames of a value, each by itself: its time has no dimension."""
    value = whole(call, call.frames("self"))
    place = call.dimension(len(value.dimensions), default=0)
    if value.dimensions[place] != ("T",) or value.length != call.get("count"):
        call.refuse(
            "goes through something else than the frames of the clip, which is not followed"
        )
    kept: tuple[Dimension, ...] = ((),) if call.get("kept") else ()
    return replace(
        value, dimensions=(*value.dimensions[:place], *kept, *value.dimensions[place + 1 :])
    )


def _before(call: Call) -> Value:
    """What a loop computed for the frame before: zeros for the first."""
    initial, frame = call.get("self"), call.frames("frame")
    if isinstance(initial, Frames) or not is_zero(call, initial):
        call.refuse("begins with a state that is not 0, which the vocabulary lacks")
    sizes = np.shape(initial)
    if len(sizes) not in (2, 4) or sizes[0] != 1:
        call.refuse(f"keeps {list(sizes)}, which are no vectors or frames of one clip")
    channels, height, width = sizes[1], *(sizes[2:] or (1, 1))
    axes: tuple[tuple[Axis, int], ...] = (("C", channels), ("H", height), ("W", width))
    dimensions = tuple((axis,) if size > 1 else () for axis, size in axes[: len(sizes) - 1])
    shape = (height, width, channels)
    # What it reads is told when that is known.
    node = call.add(Previous(shape), IMAGE, begins=max(-frame.lead, 0))
    return replace(frame, node=node, shape=shape, dimensions=((), *dimensions))


def _remember(call: Call) -> Value:
    before, value = call.frames("self"), call.frames("other")
    if (value.lead, value.length, value.zeros) != (before.lead, before.length, 0):
        call.refuse("keeps what is late, which is not followed")
    if (value.shape, value.dimensions) != (before.shape, before.dimensions):
        call.refuse(f"keeps {list(value.sizes)} in the place of {list(before.sizes)}")
    call.run.writing.remember(before.node, value.node)
    return []


def _last(call: Call) -> Value:
    value = whole(call, call.frames("self"))
    return replace(value, is_last=True, length=1, lead=0)


def _stack_of_each(call: Call) -> Value:
    value = call.frames("self")
    place = call.dimension(len(value.dimensions) + 1, default=0)
    return replace(value, dimensions=(*value.dimensions[:place], ("T",), *value.dimensions[place:]))


def _cat_of_each(call: Call) -> Value:
    value = call.frames("self")
    place = call.dimension(len(value.dimensions), default=0)
    if value.dimensions[place] != ():
        call.refuse("puts frames of a loop beside each other, which is not followed: stack them")
    return replace(
        value, dimensions=(*value.dimensions[:place], ("T",), *value.dimensions[place + 1 :])
    )


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "each": _each,
        "before": _before,
        "remember": _remember,
        "last": _last,
        "stack_of_each": _stack_of_each,
        "cat_of_each": _cat_of_each,
    }
)
