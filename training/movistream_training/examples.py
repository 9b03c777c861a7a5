"""The videos of a data set, with their classes, and their division into training and validation.

A data set is a folder with a folder of videos per class, or a table: a CSV file with the columns
``path`` and ``label``, and, where wanted, ``start`` and ``end`` in seconds, ``split``
(``training``, ``validation`` or ``test``) and, of several labels, ``certain`` (``yes`` or ``no``).
Paths in a table are relative to its folder.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from movistream.sources import VIDEO_SUFFIXES
from movistream.system.text import has_control_characters, printable
from movistream_training.errors import TrainingError

_COLUMNS = ("path", "label", "start", "end", "split", "certain")
SPLITS = ("training", "validation", "test")
_DIGEST_BYTES = 1 << 20


@dataclass(frozen=True)
class Example:
    """A video, or a part of one, of one class.

    Attributes:
        path: of the video.
        label: of its class.
        start_s: where the part begins.
        end_s: where it ends; None: with the video.
        split: ``training``, ``validation`` or ``test`` if the data say so.
        certain: whether it is of the class; if not, nobody can say.
    """

    path: Path
    label: str
    start_s: float = 0.0
    end_s: float | None = None
    split: str | None = None
    certain: bool = True

    def __str__(self) -> str:
        part = "" if self.end_s is None else f" from {self.start_s:g} to {self.end_s:g} s"
        return f"{self.path}{part}"


@dataclass(frozen=True)
class DataSet:
    """Examples and their classes.

    Attributes:
        labels: of the classes, in their order.
        examples: at least one per class.
    """

    labels: tuple[str, ...]
    examples: tuple[Example, ...]


def find_examples(data: Path) -> DataSet:
    """Reads a data set's folder or table. Classes are in alphabetical order.

    Raises:
        TrainingError: if it is neither, or has fewer than two classes, or a class without videos.
    """
    if data.is_dir():
        examples = _of_folder(data)
    elif data.suffix.lower() == ".csv" and data.is_file():
        examples = rows_of_table(data)
    elif data.exists():
        raise TrainingError(
            f"{data} is neither a folder with a folder of videos per class nor a .csv file"
        )
    else:
        raise TrainingError(f"{data} does not exist")
    labels = tuple(sorted({example.label for example in examples}))
    if len(labels) < 2:
        raise TrainingError(
            f"{data} has one class only, {labels[0]!r}: a network needs two or more to tell apart"
        )
    return DataSet(labels, examples)


def _of_folder(data: Path) -> tuple[Example, ...]:
    folders = sorted(f for f in data.iterdir() if f.is_dir() and not f.name.startswith("."))
    if not folders:
        raise TrainingError(f"{data} holds no folders: put the videos of each class in one")
    examples: list[Example] = []
    for folder in folders:
        if has_control_characters(folder.name):
            raise TrainingError(f"the folder {printable(str(folder))} has control characters")
        videos = sorted(f for f in folder.rglob("*") if f.suffix.lower() in VIDEO_SUFFIXES)
        if not videos:
            raise TrainingError(
                f"the class {folder.name!r} has no videos: {folder} holds no file that ends in"
                f" {', '.join(sorted(VIDEO_SUFFIXES))}"
            )
        examples += [Example(video, folder.name) for video in videos]
    return tuple(examples)


def rows_of_table(table: Path, *, unlabelled: bool = False) -> tuple[Example, ...]:
    """Reads the rows of a table, of which there is one at least.

    Args:
        unlabelled: whether a row may have no label, or be uncertain.

    Raises:
        TrainingError: if it is no such table.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            if not {"path", "label"} <= set(columns):
                raise TrainingError(f"{table} needs the columns path and label; it has {columns}")
            if unknown := [column for column in columns if column not in _COLUMNS]:
                raise TrainingError(
                    f"{table} has the unknown column {unknown[0]!r}; there are {_COLUMNS}"
                )
            examples = tuple(_of_row(table, reader.line_num, row, unlabelled) for row in reader)
    except UnicodeDecodeError:
        raise TrainingError(f"{table} is not UTF-8 text") from None
    except csv.Error as error:
        raise TrainingError(f"{table} is not a table: {error}") from None
    except OSError as error:
        raise TrainingError(f"cannot read {table}: {error.strerror}") from None
    if not examples:
        raise TrainingError(f"{table} has no rows")
    return examples


def _of_row(table: Path, line: int, row: Mapping[str, str | None], unlabelled: bool) -> Example:
    where = f"line {line} of {table}"
    # A row that is too long has its rest under None.
    if None in row or any(value is None for value in row.values()):
        raise TrainingError(f"{where} does not have one value per column")
    label, path = (row["label"] or "").strip(), (row["path"] or "").strip()
    if not (label or unlabelled) or not path or has_control_characters(label + path):
        raise TrainingError(
            f"{where} needs a path and a label, without control characters; rows without a label,"
            " where nothing happens, are for --multi-label"
        )
    start_s = _seconds(where, row.get("start")) or 0.0
    end_s = _seconds(where, row.get("end"))
    if end_s is not None and end_s <= start_s:
        raise TrainingError(f"{where} ends at {end_s:g} s, before it starts at {start_s:g} s")
    split = (row.get("split") or "").strip() or None
    if split is not None and split not in SPLITS:
        raise TrainingError(f"{where} has the split {split!r}; there are {SPLITS}")
    certain = (row.get("certain") or "").strip() or "yes"
    if certain not in ("yes", "no"):
        raise TrainingError(f"{where} has {certain!r} where yes or no belongs")
    if certain == "no" and not (unlabelled and label):
        raise TrainingError(f"{where} is uncertain: only a label can be, for --multi-label")
    return Example(table.parent / path, label, start_s, end_s, split, certain == "yes")


def _seconds(where: str, text: str | None) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise TrainingError(f"{where} has {text!r} where a time in seconds belongs")
    return seconds


class HasSplit(Protocol):
    """Something of a data set that may name its split."""

    @property
    def split(self) -> str | None:
        """One of :data:`SPLITS`, or None."""


AnyRow = TypeVar("AnyRow", bound=HasSplit)


def of_split(rows: Sequence[AnyRow], split: str) -> tuple[AnyRow, ...]:
    """Those that name a split.

    Raises:
        TrainingError: if none does.
    """
    found = tuple(row for row in rows if row.split == split)
    if not found:
        raise TrainingError(f"none of the data names the split {split!r}")
    return found


def divide(
    data: DataSet, validation_share: float, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Training and validation examples.

    All parts of a video go to one side, and so do copies of it; each class is shared out by itself.
    Examples that name their split go there; those for a test to neither.

    Raises:
        TrainingError: if a class would be missing on a side, or parts of a video that must stay
            together name different splits and overlap.
    """
    splits = _named_splits(data) or _named(_drawn_sides(data, validation_share, seed), "validation")
    training, validation = _sides(data, splits, SPLITS[:2])
    return training, validation


def divide_in_three(
    data: DataSet, validation_share: float, test_share: float, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...], tuple[Example, ...]]:
    """Training, validation and test examples; otherwise as :func:`divide`.

    Raises:
        TrainingError: likewise.
    """
    splits = _named_splits(data)
    if not splits:
        splits = _named(_drawn_sides(data, test_share, seed), "test")
        rest = DataSet(data.labels, tuple(e for e in data.examples if splits[e] != "test"))
        splits |= _named(_drawn_sides(rest, validation_share, seed), "validation")
    training, validation, test = _sides(data, splits, SPLITS)
    return training, validation, test


def _named_splits(data: DataSet) -> dict[Example, str]:
    """The splits of examples, if they name them; empty where none does."""
    splits = {example: example.split for example in data.examples if example.split is not None}
    if splits:
        if unnamed := [example for example in data.examples if example.split is None]:
            raise TrainingError(f"{unnamed[0]} names no split, and others do")
        _check_overlaps(data.examples)
    return splits


def _named(sides: Mapping[Example, bool], name: str) -> dict[Example, str]:
    return {example: name if side else "training" for example, side in sides.items()}


def _sides(
    data: DataSet, splits: Mapping[Example, str], names: Sequence[str]
) -> list[tuple[Example, ...]]:
    """The examples of each split, in which every class must be."""
    for label in data.labels:
        found = {splits[example] for example in data.examples if example.label == label}
        if missing := [name for name in names if name not in found]:
            count = len({e.path for e in data.examples if e.label == label})
            raise TrainingError(
                f"the class {label!r} has nothing for {missing[0]}: it has {count} video(s), and"
                " the parts of one never go to both sides. Give it more videos, or say in a table's"
                " column 'split' which parts are which"
            )
    return [tuple(e for e in data.examples if splits[e] == name) for name in names]


def _drawn_sides(data: DataSet, share: float, seed: int) -> dict[Example, bool]:
    generator = np.random.default_rng(seed)
    contents = {path: _content(path) for path in {e.path for e in data.examples}}
    chosen: dict[str, bool] = {}
    for label in data.labels:
        groups = sorted({contents[e.path] for e in data.examples if e.label == label})
        free = [group for group in groups if group not in chosen]
        wanted = max(1, round(share * len(groups))) - sum(chosen.get(g, False) for g in groups)
        picked = generator.permutation(len(free))[: max(0, wanted)]
        chosen.update({group: index in picked for index, group in enumerate(free)})
    return {example: chosen[contents[example.path]] for example in data.examples}


def _content(path: Path) -> str:
    """What tells a video from others: copies of it have the same."""
    try:
        with path.open("rb") as file:
            start = file.read(_DIGEST_BYTES)
        return hashlib.sha256(start + str(path.stat().st_size).encode()).hexdigest()
    except OSError:
        return str(path)


def _check_overlaps(examples: Sequence[Example]) -> None:
    """Refuses parts of one video that are on different sides and share some time."""
    by_video: dict[Path, list[Example]] = {}
    for example in examples:
        by_video.setdefault(example.path.resolve(), []).append(example)
    for parts in by_video.values():
        parts.sort(key=lambda part: part.start_s)
        for part, other in itertools.combinations(parts, 2):
            if overlap(part, other) and other.split != part.split:
                raise TrainingError(f"{part} and {other} overlap, and are on different sides")


def overlap(one: Example, other: Example) -> bool:
    """Whether two examples share some time of one video."""
    if one.path.resolve() != other.path.resolve():
        return False
    ends_s = (math.inf if part.end_s is None else part.end_s for part in (other, one))
    return all(part.start_s < end_s for part, end_s in zip((one, other), ends_s, strict=True))
