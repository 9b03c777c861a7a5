"""What is changed, what has to notice it, and what is known to live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

HERE = Path(__file__).parent
LEAST_NOTICED = 0.95


@dataclass(frozen=True)
class Module:
    """What is changed.

    Attributes:
        path: from the project's root.
        tests: files of tests that have to notice, the fastest first.
        sample: so many changes.
        quick: so many of them are in the short run.
    """

    path: str
    tests: tuple[str, ...]
    sample: int
    quick: int


@dataclass(frozen=True)
class Living:
    """A change that no test notices.

    Attributes:
        has_effect: whether anybody could.
        reason: why it has none, or why no test looks for it.
    """

    has_effect: bool
    reason: str


def read_modules() -> list[Module]:
    """Those of ``modules.toml``."""
    data = _read("modules.toml")
    return [
        Module(
            path=entry["path"],
            tests=tuple(entry["tests"]),
            sample=entry.get("sample", data["sample"]),
            quick=entry.get("quick", 0),
        )
        for entry in data["module"]
    ]


def read_living() -> dict[tuple[str, str, str, str], Living]:
    """Those of ``living.toml``, by (path, where, before, after)."""
    return {
        (entry["path"], entry["where"], entry["before"], entry["after"]): Living(
            entry["has_effect"], entry["reason"]
        )
        for entry in _read("living.toml").get("living", [])
    }


def _read(name: str) -> dict[str, Any]:
    return tomli.loads((HERE / name).read_text(encoding="utf-8"))
