"""What a node is, its layer and its tags say; nothing is decided by a part of its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READERS = ("formats",)
"""Readers of formats take the names of their sources apart."""

MODULES = sorted(
    path
    for room in ("converters/movistream_converters", "training/movistream_training")
    for path in (ROOT / room).rglob("*.py")
    if not set(READERS) & set(path.relative_to(ROOT / room).parts)
)

PARTS = {
    *("startswith", "endswith", "partition", "rpartition", "split", "rsplit"),
    *("removeprefix", "removesuffix", "find", "rfind"),
    *("match", "search", "fullmatch"),
}
"""Methods that look at a part of a text."""

ALLOWED = {
    # Weights are called NODE.WEIGHT: these tell the one from the other.
    "ir/weights.py": {"name.rpartition('.')"},
    # No name has a slash.
    "ir/network.py": {"'/' in name"},
    # Names of the tensors that the layout itself has just made.
    "tflite/layouts.py": {"name.removeprefix('state_')"},
    # A folder's name.
    "examples.py": {"f.name.startswith('.')"},
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_decides_by_a_part_of_a_name(path: Path) -> None:
    found = {ast.unparse(part) for part in _parts_of_names(ast.parse(path.read_text()))}
    allowed = [parts for name, parts in ALLOWED.items() if path.as_posix().endswith(f"/{name}")]
    assert found <= set().union(*allowed)


def test_it_sees_what_it_looks_for() -> None:
    source = """
if ".se." in node.name: pass
kept = name.startswith("head") and name.partition(".")[0]
re.match("stem", node.name)
[n for n in weights if n.endswith(".kernel")]
"""
    assert len(list(_parts_of_names(ast.parse(source)))) == 5


def _parts_of_names(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            if _is_text(node.left) and _is_name(node.comparators[0]):
                yield node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            looked_at = [node.func.value, *node.args]
            if node.func.attr in PARTS and any(map(_is_name, looked_at)):
                yield node


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_name(node: ast.AST) -> bool:
    """Whether an expression may be the name of a node or of a weight."""
    match node:
        case ast.Attribute(attr=attribute):
            return attribute == "name"
        case ast.Name(id=variable):
            return variable in ("n", "name") or variable.endswith("_name")
        case ast.Call(args=[argument]):
            return _is_name(argument)
        case ast.Call(func=ast.Attribute(value=value)):
            return _is_name(value)
    return False
