"""What is listed for ``make mutants`` is there, and the sample is what it says it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.listed import Module, read_living, read_modules
from tests.mutants.mutations import sample

ROOT = Path(__file__).parents[2]
CODE = '''
"""Less than 3."""

LIMIT: int | None = 3


def check(value: int | float, scale: float = 2.0) -> float:
    """Scales what is below 3."""
    if value < LIMIT and value > 0:
        return value * scale
    raise ValueError(f"{value:.3f} is not below 3")
'''


def _names(code: str, count: int = 99) -> list[tuple[str, str, str, str]]:
    return [mutation.name for mutation in sample("m.py", code, count)]


@pytest.mark.parametrize("module", read_modules(), ids=lambda module: module.path)
def test_listed_modules_and_tests_are_there(module: Module) -> None:
    for name in (module.path, *module.tests):
        assert (ROOT / name).is_file()
    assert 0 <= module.quick <= module.sample


def test_listed_changes_are_of_lines_that_are_there() -> None:
    for (path, _, before, after), living in read_living().items():
        lines = [line.strip() for line in (ROOT / path).read_text(encoding="utf-8").splitlines()]
        assert before in "\n".join(lines)
        assert before != after
        assert len(living.reason) > 20


def test_every_line_is_changed_once_and_stays_python() -> None:
    found = sample("m.py", CODE, 99)
    # The limit, the default, the condition, what is returned, and what is raised.
    assert sorted(mutation.line for mutation in found) == [4, 7, 9, 10, 11]
    for mutation in found:
        changed = list(zip(CODE.splitlines(), mutation.code.splitlines(), strict=True))
        assert [i for i, (one, other) in enumerate(changed, 1) if one != other] == [mutation.line]
        ast.parse(mutation.code)
    assert ("m.py", "check", 'raise ValueError(f"{value:.3f} is not below 3")', "pass") in _names(
        CODE
    )


def test_annotations_are_not_changed() -> None:
    for mutation in sample("m.py", CODE, 99):
        assert "LIMIT: int | None =" in mutation.code
        assert "value: int | float, scale: float" in mutation.code


def test_a_module_that_is_moved_is_changed_in_the_same_places() -> None:
    moved = [mutation.name[1:] for mutation in sample("room/other.py", CODE, 3)]
    assert moved == [name[1:] for name in _names(CODE, 3)]


def test_a_smaller_sample_is_a_part_and_stays_where_others_are_edited() -> None:
    three = _names(CODE, 3)
    assert len(three) == 3
    assert three == _names(CODE)[:3]
    edited = CODE.replace("LIMIT: int", "# Three.\nTHREE = [THREE]\n\nLIMIT: int")
    assert [name for name in _names(edited) if "THREE" not in name[2]] == _names(CODE)
