"""Small changes of a module, each of which should make a test fail."""

from __future__ import annotations

import ast
import difflib
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from parso.python.tree import Name

Position = tuple[int, int]

_ORDERS = {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"}
_IDENTITIES = {"Is", "IsNot"}
_NUMBERS = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
_BITS = {"BitOr", "BitAnd", "BitXor", "LShift", "RShift"}
_STARRED = {"parameters", "param", "argument", "dictorsetmaker", "star_expr", "arglist"}


@dataclass(frozen=True)
class Mutation:
    """One change.

    Attributes:
        path: of the module, from the project's root.
        where: the function or class that it is in; empty outside of one.
        line: the first that is changed.
        before: what is changed: whole lines, without their indentation.
        after: what they become.
        code: of the whole module, changed.
    """

    path: str
    where: str
    line: int
    before: str
    after: str
    code: str

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What tells it from others, wherever in the module it stands."""
        return self.path, self.where, self.before, self.after


class RemoveStatement(Operator):  # type: ignore[misc]
    """Leaves out a ``raise``, or a call whose value nobody takes."""

    @classmethod
    def mutation_positions(cls, node: Any) -> Iterator[tuple[Position, Position]]:
        if node.type == "simple_stmt" and node.children[0].type in ("raise_stmt", "atom_expr"):
            yield node.start_pos, node.end_pos

    @classmethod
    def mutate(cls, node: Any, index: int) -> Any:
        first = node.get_first_leaf()
        node.children[0] = Name("pass", first.start_pos, first.prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


def sample(path: str, code: str, count: int) -> list[Mutation]:
    """So many mutations of a module, on as many lines, if it has them.

    Always the same: lines and changes are drawn by digests of their text, so that others stay when
    the module is edited elsewhere, or moved.
    """
    lines, unseen, operators = code.splitlines(), _annotations(code), dict(_operators())
    occurrences: Counter[str] = Counter()
    drawn: dict[int, tuple[str, str, int, str]] = {}
    for node in ast_nodes(get_ast(code)):
        for name, operator in operators.items():
            for index, (start, _) in enumerate(operator.mutation_positions(node)):
                line, column = start
                text = f"{lines[line - 1].strip()} {column} {name} {index}"
                key = hashlib.sha256(text.encode()).hexdigest()
                where = ASTQuery(node).get_definition_name() or ""
                candidate = (key, name, occurrences[name], where)
                occurrences[name] += 1
                is_star = node.type == "operator" and node.parent.type in _STARRED
                if not is_star and not any(first <= start < last for first, last in unseen):
                    drawn[line] = min(drawn.get(line, candidate), candidate)
    changed = (
        (where, _changed(code, operators[name], occurrence))
        for _, name, occurrence, where in sorted(drawn.values())
    )
    chosen = itertools.islice((pair for pair in changed if _is_python(pair[1])), count)
    return [_mutation(path, where, code, changed_code) for where, changed_code in chosen]


def _changed(code: str, operator: Operator, occurrence: int) -> str:
    try:
        return str(mutate_code(code, operator, occurrence))
    except AttributeError:
        return "?"  # Cosmic Ray 8.7 cannot exchange exceptions that are named with their module.


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _operators() -> Iterator[tuple[str, Operator]]:
    """Cosmic Ray's, without those that mostly change types instead of values."""
    for name in operator_names():
        kind, _, exchanged = name.rpartition("Operator_")
        pair = set(exchanged.split("_"))
        if kind and not any(pair <= group for group in (_ORDERS, _IDENTITIES, _NUMBERS, _BITS)):
            continue
        if not get_operator(name).arguments():
            yield name, get_operator(name)()
    yield "RemoveStatement", RemoveStatement()


def _annotations(code: str) -> list[tuple[Position, Position]]:
    """From where to where in a module nothing is ever run."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
    return [
        ((one.lineno, one.col_offset), (one.end_lineno or 0, one.end_col_offset or 0))
        for one in found
        if one is not None
    ]


def _mutation(path: str, where: str, code: str, changed: str) -> Mutation:
    before, after = code.splitlines(), changed.splitlines()
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    different = [block for block in blocks if block[0] != "equal"]
    first, last = different[0], different[-1]
    return Mutation(
        path,
        where,
        first[1] + 1,
        _without_indentation(before[first[1] : last[2]]),
        _without_indentation(after[first[3] : last[4]]),
        changed,
    )


def _without_indentation(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines).strip()
