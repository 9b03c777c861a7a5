"""The folder of a search: what it was asked, what it has found out, and what it says in the end.

Whatever took time is kept in a file of its own that appears whole or not at all. A search that is
begun again asks the same questions in the same order, and finds the answers here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from movistream.system.leftovers import remove_leftovers
from movistream.system.output import make_output_folder, replaced_when_done
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.examples import Example
from movistream_training.recipe import Recipe
from movistream_training.run_folder import examples_digest
from movistream_training.search.budget import Budget
from movistream_training.search.candidates import digest
from movistream_training.search.space import Space, space_text

Found = TypeVar("Found")


class Question(msgspec.Struct, frozen=True):
    """All that decides the course of a search, in digests and words."""

    space: str
    budgets: tuple[str, ...]
    base: str
    labels: tuple[str, ...]
    material: str
    recipe: Recipe
    width: int | None
    minutes: float | None
    seed: int


def question_of(
    *,
    space: Space,
    budgets: Sequence[Budget],
    base: Architecture | None,
    labels: tuple[str, ...],
    material: str,
    sides: Mapping[str, Sequence[Example]] | None,
    recipe: Recipe,
    width: int | None,
    minutes: float | None,
    seed: int,
) -> Question:
    """A question.

    Args:
        material: what tells what is learnt from, apart from the examples.
        sides: examples by split, if it is made of some.
    """
    examples = "" if sides is None else examples_digest(sides)
    return Question(
        space=hashlib.sha256(space_text(space).encode()).hexdigest()[:16],
        budgets=tuple(map(str, budgets)),
        base="" if base is None else digest(base),
        labels=labels,
        material=f"{material} {examples}".strip(),
        recipe=recipe,
        width=width,
        minutes=minutes,
        seed=seed,
    )


@dataclass(frozen=True)
class FoundFolder:
    """Where the files of a search are."""

    path: Path

    @property
    def table(self) -> Path:
        """The chosen network, as ``movistream train --arch`` takes it."""
        return self.path / "arch.txt"

    @property
    def summary(self) -> Path:
        """JSON of what was asked and found."""
        return self.path / "search.json"

    @property
    def space(self) -> Path:
        """The space that was searched."""
        return self.path / "space.toml"

    @property
    def split(self) -> Path:
        """Which examples were for what."""
        return self.path / "split.csv"

    @property
    def costs(self) -> Path:
        """What members cost, a line for each."""
        return self.path / "costs.csv"

    @property
    def trials(self) -> Path:
        """A line for each training."""
        return self.path / "trials.csv"

    @property
    def front(self) -> Path:
        """A line for each network that was trained to the end."""
        return self.path / "front.csv"

    @property
    def picture(self) -> Path:
        """The same, drawn."""
        return self.path / "front.png"

    @property
    def report(self) -> Path:
        """A page to read."""
        return self.path / "report.html"

    @property
    def work(self) -> Path:
        """What an interrupted search goes on from."""
        return self.path / "work"

    @property
    def trial_tables(self) -> Path:
        """The folder of all trainings, and of the tables of what was trained."""
        return self.path / "trials"

    def trial(self, member: Architecture, seed: int) -> Path:
        """The folder of one training, with its checkpoint."""
        return self.trial_tables / f"{digest(member)}-{seed}"


def open_found(path: Path, question: Question) -> FoundFolder:
    """Begins a search in a new or empty folder, or goes on with one of the same question.

    Raises:
        SearchError: if the folder holds something else, or another search.
        OutputError: if it cannot be written.
    """
    found = FoundFolder(path)
    asked = found.work / "question.json"
    if path.is_dir() and any(path.iterdir()) and not asked.exists():
        raise SearchError(f"{path} is not empty, and holds no search; name another folder")
    make_output_folder(path)
    make_output_folder(found.work)
    remove_leftovers(found.work)
    if asked.exists():
        before = _read(asked, Question)
        if before != question:
            names = [
                field
                for field in question.__struct_fields__
                if getattr(before, field) != getattr(question, field)
            ]
            raise SearchError(
                f"{path} holds a search with other settings ({', '.join(names)}): go on with the"
                " same command, or name another folder"
            )
        return found
    write_json(asked, question)
    return found


def remembered(path: Path, kind: type[Found], find: Callable[[], Found]) -> Found:
    """What a file says; where there is none, what is found, which is written to it.

    Raises:
        SearchError: if the file is damaged.
    """
    if path.exists():
        return _read(path, kind)
    answer = find()
    write_json(path, answer)
    return answer


def write_json(path: Path, value: object) -> None:
    """Writes a JSON file.

    Raises:
        OutputError: if it cannot be written.
    """
    with replaced_when_done(path) as part:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(value)))


def write_text(path: Path, text: str) -> None:
    """Writes a text file.

    Raises:
        OutputError: if it cannot be written.
    """
    with replaced_when_done(path) as part:
        part.write_text(text, encoding="utf-8")


def _read(path: Path, kind: type[Found]) -> Found:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SearchError(f"{path} is damaged ({error}): delete it, and go on") from None
    except OSError as error:
        raise SearchError(f"cannot read {path}: {error.strerror}") from None
