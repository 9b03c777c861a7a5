"""Texts that would do more than show what they say."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from movistream.cli.tables import filled, frame_table
from movistream.errors import LabelsError
from movistream.file import labels as labels_module
from movistream.file.labels import labels_from, read_labels
from movistream.sources import ArraySource
from movistream.system.text import cell, has_control_characters, printable
from movistream.watch.model import load
from movistream.watch.pool import StreamPool
from movistream.watch.watcher import WatchOptions

DECEIVING = [
    "\u202e", "\u202d", "\u202a", "\u202b", "\u202c", "\u2066", "\u2067", "\u2068", "\u2069",
    "\u200e", "\u200f", "\u061c", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad",
    "\u2028", "\u2029", "\u180e", "\U000e0041", "\x00", "\x1b", "\x7f", "\x85", "\x9b",
]  # fmt: skip


@pytest.mark.parametrize("character", DECEIVING, ids=ascii)
def test_what_deceives_is_no_label(character: str, tmp_path: Path) -> None:
    text = f"cat{character}dog"
    assert has_control_characters(text)
    assert printable(text) == ascii(text)
    path = tmp_path / "labels.txt"
    path.write_bytes(f"good\n{text}\n".encode())
    with pytest.raises(LabelsError, match="control characters"):
        read_labels(path)


@pytest.mark.parametrize(
    ("name", "classes", "first", "last"),
    [
        ("kinetics600", 600, "abseiling", "zumba"),
        ("jester", 27, "Doing other things", "Zooming Out With Two Fingers"),
    ],
)
def test_classes_of_data_sets(
    name: str,
    classes: int,
    first: str,
    last: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = labels_from(name)
    assert (labels[0], labels[-1]) == (first, last)
    assert len(set(labels)) == len(labels) == classes
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("a file\nof this name\n")
    assert labels_from(name) == ("a file", "of this name")


def test_every_data_set_is_here() -> None:
    files = Path(labels_module.__file__).parent / "class_names"
    assert sorted(path.stem for path in files.iterdir()) == list(labels_module.DATA_SETS)


def test_kinetics_is_in_the_order_of_the_reference(reference: Callable[[str], Path]) -> None:
    assert read_labels(reference("kinetics600_labels.txt")) == read_labels(Path("kinetics600"))


def test_other_writing_is_as_it_is() -> None:
    for text in ("Ärger", "ناقوس", "שלום", "猫", "क्या", "e\u0301", "🙂", "a b\u00a0c", "½ ≤ ∞"):
        assert not has_control_characters(text)
        assert printable(text) == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "=1+1|x!A", "-2+3", "@SUM(1)"])
def test_formulas_are_quoted(start: str) -> None:
    assert cell(f"{start}x") == f"'{start}x"


def test_other_cells_are_as_they_are() -> None:
    for text in ("", "a=b", "1", " =1", "pan left", "'=1"):
        assert cell(text) == text


def test_a_table_of_names_that_a_spreadsheet_would_calculate(
    model_path: Path, tmp_path: Path, small_frames: object
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"{start}cmd|x" for start in "=+-@a"))
    source = ArraySource(small_frames[:3], 5.0, name="=HYPERLINK(1)")  # type: ignore[index]
    path = tmp_path / "table.csv"
    with (
        load(model_path, labels=read_labels(labels)) as model,
        StreamPool(model, [source], WatchOptions(top=5)) as pool,
        frame_table(path, 5) as table,
    ):
        take = filled(table)
        for item in pool:
            take(item)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 3
    for row in rows:
        assert row["source"] == "'=HYPERLINK(1)"
        names = {row[f"label_{rank}"] for rank in range(1, 6)}
        assert names == {"'=cmd|x", "'+cmd|x", "'-cmd|x", "'@cmd|x", "acmd|x"}
        assert 0 <= float(row["score_1"]) <= 1
        float(row["time_s"])
