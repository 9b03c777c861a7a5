"""What is public is described in sentences that can be read alone."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

import movistream

FRAGMENT = re.compile(r"(?:of|for|to|at|in|by|from|since|as|that|see|their|likewise|asked|after)\b")
"""How texts begin that say nothing without the name they stand behind, such as "Of the classes"."""

ATTRIBUTE = re.compile(r"^ {4}(\w+): (\S.*)$", re.MULTILINE)


def texts_of(public: type) -> Iterator[tuple[str, str]]:
    """Names and descriptions of a class, its attributes, methods and properties."""
    own = inspect.cleandoc(public.__doc__ or "")
    yield public.__name__, own
    yield from ATTRIBUTE.findall(own)
    for name, member in inspect.getmembers(public):
        described = inspect.isfunction(member) or isinstance(member, property)
        if described and not name.startswith("_") and member.__doc__:
            yield name, inspect.cleandoc(member.__doc__)


# What is in movistream.watch has its own vocabulary, and its own time.
PUBLIC = [
    value
    for name in movistream.__all__
    if inspect.isclass(value := getattr(movistream, name))
    and not value.__module__.startswith("movistream.watch.")
]


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_descriptions_are_no_fragments(public: type) -> None:
    for name, text in texts_of(public):
        assert not FRAGMENT.match(text.lower()), f"{public.__name__}.{name}: {text}"


def test_many_are_looked_at() -> None:
    assert len(PUBLIC) > 20
    assert sum(1 for public in PUBLIC for _ in texts_of(public)) > 80
    assert FRAGMENT.match("of the classes, in order")
