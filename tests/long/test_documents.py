"""Every command and program of the pages: run here, or listed with the reason why not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.documents import PAGES, ROOT, commands_of, spoken_commands_of
from tests.long.desk import LEFT_OUT, follow, run, serving

ELSEWHERE = {
    "annotations.md": "tests/training/test_annotations_page.py",
    "own-network.md": "tests/long/test_own_network.py",
}
"""Pages that a test of their own follows."""

OF_TRAINING = ("recordings.md", "search.md", "search-cluster.md", "train.md")
"""Pages that :mod:`.test_documents_of_training` follows beside this, because they take as long."""


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in (*ELSEWHERE, *OF_TRAINING)],
    ids=lambda page: page.name,
)
def test_a_page(page: Path, desk: Path, done: set[str]) -> None:
    follow(page, desk, done)


def test_what_stands_within_lines(desk: Path) -> None:
    """Commands that no block shows."""
    shown = {command for page in PAGES for command in commands_of(page)}
    spoken = dict.fromkeys(command for page in PAGES for command in spoken_commands_of(page))
    commands = [command for command in spoken if command not in shown | LEFT_OUT]
    assert len(commands) > 8
    for name in ("demo", "tests"):
        shutil.copytree(ROOT / name, desk / name, dirs_exist_ok=True)
    for command in commands:
        if " serve " in command:
            with serving(command, desk):
                pass
        else:
            run(command, desk)


def test_what_is_left_out_is_on_a_page() -> None:
    shown = {
        command for page in PAGES for command in (*commands_of(page), *spoken_commands_of(page))
    }
    assert LEFT_OUT - shown == set()
    assert {page.name for page in PAGES} >= set(ELSEWHERE)
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())
