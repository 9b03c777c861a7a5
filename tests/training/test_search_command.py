"""The command, from a folder of videos to a network."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from movistream.cli import command_line
from movistream.errors import MovistreamError
from movistream_converters.formats.movinet_table import read_table
from movistream_training.examples import find_examples
from movistream_training.search import search
from movistream_training.search.members import misfit
from movistream_training.search.space import read_space, space_of, space_text
from tests.training.clips import write_data
from tests.training.search_stand_ins import SPACE

PARTS = ("training", "validation", "test")
LABELS = ("pan left", "pan right")
SMALL = ("--budget", "600 k multiply-adds", "--steps", "3", "--width", "2", "--workers", "2")


def outcome(*arguments: object) -> tuple[int, str]:
    """Exit code and output; what :func:`movistream.cli.main` prints for our own errors."""
    result = CliRunner().invoke(command_line, [str(argument) for argument in arguments])
    if isinstance(result.exception, MovistreamError):
        return 1, result.output + str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of six videos each, and a space."""
    home = tmp_path_factory.mktemp("search")
    write_data(home / "data", LABELS, each=6, count=4)
    (home / "space.toml").write_text(space_text(SPACE))
    return home


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_space_as_a_file() -> None:
    assert space_of(space_text(SPACE).encode(), "tiny.toml") == SPACE


def test_a_search_and_its_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The best are trained once more and not twice: each training is traced anew.
    monkeypatch.setattr(search, "SEEDS", 2)
    found = home / "found"
    command = ("search", home / "data", "-o", found, "--space", home / "space.toml", *SMALL)
    code, printed = outcome(*command)
    assert code == 0, printed
    assert f"next: movistream train {found / 'split.csv'} --arch {found / 'arch.txt'}" in printed
    assert read_space(found / "space.toml") == SPACE
    chosen = read_table(found / "arch.txt")
    assert misfit(SPACE, chosen) is None

    front = rows_of(found / "front.csv")
    assert {row["kind"] for row in front} == {"random", "guided"}
    assert all(row["seeds"] == "2" and row["within_budget"] == "true" for row in front)
    costs = {row["name"]: row for row in rows_of(found / "costs.csv")}
    for row in front:
        assert int(row["cost"]) == int(costs[row["name"]]["multiply_adds"]) <= 600_000
        assert read_table(found / "trials" / f"{row['arch']}.txt").stages
        assert (found / "trials" / f"{row['arch']}-1" / "checkpoint.safetensors").stat().st_size

    summary = json.loads((found / "search.json").read_text())
    best = min(front, key=lambda row: float(row["loss"]))
    assert summary["chosen"]["name"] == best["name"]
    assert set(summary["test_accuracies"]) == {row["name"] for row in front}
    assert summary["steps"]["random"] == summary["steps"]["guided"]

    # No example is in two parts, and every class is in each.
    split = find_examples(found / "split.csv").examples
    parts = {name: {e.path for e in split if e.split == name} for name in PARTS}
    assert sum(map(len, parts.values())) == 12 == len(set().union(*parts.values()))
    assert all({e.label for e in split if e.split == name} == set(LABELS) for name in parts)

    page = (found / "report.html").read_text()
    assert "<svg" in page
    assert best["name"] in page
    assert "http-equiv" not in page
    assert (found / "front.png").read_bytes().startswith(b"\x89PNG")

    # Again: nothing is trained, and every file stays as it is.
    before = {path: path.read_bytes() for path in found.glob("*.*")}
    code, again = outcome(*command)
    assert (code, again.splitlines()[-4:]) == (0, printed.splitlines()[-4:])
    assert {path: path.read_bytes() for path in found.glob("*.*")} == before
    code, printed = outcome(*command, "--seed", "2")
    assert code == 1
    assert "holds a search with other settings (material, seed)" in printed


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ((), 2, "Missing option '--budget'"),
        (("--budget", "much"), 2, "'much' is no budget; write '1.4 M instructions"),
        (("--budget", "1 M multiply-adds", "--budget", "2 M multiply-adds"), 2, "two budgets"),
        (("--budget", "1 M multiply-adds", "--space", "n9.toml"), 1, "cannot read n9.toml"),
        (("--budget", "1 M multiply-adds", "--base", "n9"), 1, "no architecture 'n9'; there are"),
        (("--budget", "1 M multiply-adds", "--base", "n9.txt"), 1, "cannot read n9.txt"),
        (("--budget", "1 M multiply-adds", "--test", "0.9"), 1, "has nothing for"),
        (("--budget", "1 M multiply-adds", "--minutes", "0"), 2, "0.0 is not in the range"),
    ],
)
def test_wrong_options(
    options: tuple[str, ...], code: int, message: str, home: Path, tmp_path: Path
) -> None:
    found = outcome("search", home / "data", "-o", tmp_path / "found", *options)
    assert found[0] == code
    assert message in " ".join(found[1].split())
    assert not (tmp_path / "found").exists()


def test_data_that_cannot_be_searched_on(home: Path, tmp_path: Path) -> None:
    budget = ("--budget", "600 k multiply-adds")
    code, printed = outcome("search", tmp_path / "none", "-o", tmp_path / "found", *budget)
    assert (code, "does not exist" in printed) == (1, True)
    table = ["path,label"]
    for label in LABELS:
        table += [f"{home / 'data' / label / str(number)}.mp4,{label}" for number in range(4)]
    (tmp_path / "notes.mp4").write_text("notes")
    table += [f"notes.mp4,{LABELS[0]}"]
    (tmp_path / "data.csv").write_text("\n".join(table))
    code, printed = outcome("search", tmp_path / "data.csv", "-o", tmp_path / "found", *budget)
    assert code == 1
    assert "notes.mp4 is no video, but text; take it out of the data" in printed
    (tmp_path / "file").touch()
    code, printed = outcome("search", home / "data", "-o", tmp_path / "file", *budget)
    assert (code, "is a file, and a folder is needed" in printed) == (1, True)
