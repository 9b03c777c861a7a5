"""What the pages name is there: targets of make, files, modules, headings."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")]
TARGET = re.compile(r"^([a-z][a-z-]*):(?!=)", re.MULTILINE)
FILE = re.compile(r"(?<![\w./~$-])(?:[\w.-]+/)+[\w.-]+\.(?:py|sh|md|txt|toml|cfg|json|html|png)\b")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> list[str]:
    """What a page shows as code, in blocks and within lines."""
    text = text_of(page)
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*blocks, *re.findall(r"`([^`]+)`", rest)]


def links_of(page: Path) -> list[tuple[str, str]]:
    """The files that a page leads to and places in them, without addresses of other sites."""
    found = re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", text_of(page))
    return [(path, place) for path, place in found if "://" not in path]


def headings_of(page: Path) -> set[str]:
    """As places in links name them."""
    titles = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_are_there(page: Path) -> None:
    targets = set(TARGET.findall(text_of(ROOT / "Makefile")))
    assert {"help", "setup", "demo", "test", "mutants"} <= targets
    named = {name for code in code_of(page) for name in re.findall(r"\bmake ([a-z][\w-]*)", code)}
    assert len(named) >= 5
    assert named - targets == set()


def test_the_demo_installs_the_runtime_alone(tmp_path: Path) -> None:
    """What converts and trains takes gigabytes; `make demo-convert` installs it."""

    def commands_of(target: str) -> str:
        environments = (f"VENV={tmp_path}/all", f"VENV_DEMO={tmp_path}/demo")
        return subprocess.run(
            ["make", "--dry-run", target, *environments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "--editable '.[video,plot]'" in commands_of("demo")
    assert "[dev]" not in commands_of("demo")
    assert "[dev]" not in commands_of("test-locked")
    assert "[dev]" in commands_of("demo-convert")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_are_there(page: Path) -> None:
    named = {name for code in code_of(page) for name in FILE.findall(code)}
    named |= {path for path, _ in links_of(page) if path}
    assert len(named) >= 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_places_in_pages_are_there(page: Path) -> None:
    wanted = [(path or page.name, place) for path, place in links_of(page) if place]
    assert [(p, place) for p, place in wanted if place not in headings_of(ROOT / p)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_are_run_are_there(page: Path) -> None:
    named = {m for code in code_of(page) for m in re.findall(r"python -m ([a-z][\w.]*)", code)}
    assert [name for name in sorted(named) if importlib.util.find_spec(name) is None] == []


def test_what_security_rests_on_is_named() -> None:
    """Each promise names its tests, and tests of connections and secrets are among them."""
    rows = [line for line in text_of(ROOT / "SECURITY.md").splitlines() if line.startswith("| ")]
    _, *promises = [row.strip("| ").split(" | ") for row in rows]
    assert len(promises) >= 7
    for what, _, shown_by in promises:
        assert "`pytest tests/" in shown_by, what
    by_what = {what: shown_by for what, _, shown_by in promises}
    assert "tests/sdk/test_connections.py" in by_what["requests to the server"]
    assert "tests/sdk/test_secrets.py" in by_what["addresses with passwords"]
