"""The command that trains all networks of a space at once, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from movistream_converters.formats.movinet_table import read_table
from movistream_training.examples import find_examples
from movistream_training.search.members import misfit
from movistream_training.search.space import space_text
from tests.training.clips import write_data
from tests.training.search_stand_ins import SPACE

LABELS = ("pan left", "pan right")
FILES = ("arch.txt", "controller.json", "history.csv", "split.csv", "space.toml")


def command(home: Path, found: Path, *more: str) -> list[str]:
    """A search of four steps."""
    named = [
        "-o",
        str(found),
        "--space",
        str(home / "space.toml"),
        "--budget",
        "600 k multiply-adds",
    ]
    return ["search-cluster", str(home / "data"), *named, "--steps", "4", "--replicas", "2", *more]


def run(arguments: list[str]) -> tuple[int, str, str]:
    """In a process of its own, as TensorFlow has to begin with one thread."""
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "8"}
    done = subprocess.run(
        [sys.executable, "-m", "movistream", *arguments],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of five videos each, and a space."""
    home = tmp_path_factory.mktemp("cluster")
    write_data(home / "data", LABELS, each=5, count=4)
    (home / "space.toml").write_text(space_text(SPACE))
    return home


def test_a_search_in_one_process(home: Path) -> None:
    found = home / "found"
    code, printed, told = run(command(home, found))
    assert code == 0, told
    assert misfit(SPACE, read_table(found / "arch.txt")) is None
    assert "k multiply-adds" in printed.splitlines()[0]
    assert f"next: movistream train {found / 'split.csv'} --arch {found / 'arch.txt'}" in printed
    assert "step 4: loss" in told
    assert len((found / "history.csv").read_text().splitlines()) == 5
    assert json.loads((found / "controller.json").read_text())
    assert {e.split for e in find_examples(found / "split.csv").examples} == {
        "training",
        "validation",
        "test",
    }
    before = {name: (found / name).read_bytes() for name in FILES}
    code, again, _ = run(command(home, found))
    assert (code, again) == (0, printed)
    assert {name: (found / name).read_bytes() for name in FILES} == before
    code, _, told = run(command(home, found, "--batch", "2"))
    assert (code, "holds a search with other settings (material)" in told) == (1, True)


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (("--address", "10.0.0.1:6379"), 2, "--address goes with --workers"),
        (("--steps", "0"), 2, "0 is not in the range"),
        (("--test", "0.9"), 1, "has nothing for"),
    ],
)
def test_wrong_options(more: tuple[str, ...], code: int, message: str, home: Path) -> None:
    found = run(command(home, home / "none", *more))
    assert (found[0], message in found[2]) == (code, True), found
    assert not (home / "none").exists()
