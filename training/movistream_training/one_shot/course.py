"""The course of a one-shot search: its steps so far, its files, and where it goes on."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open

from movistream.system.output import replaced_when_done
from movistream_converters.formats.movinet_table import table_text
from movistream_converters.formats.safetensors_file import weights_bytes
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.one_shot.choices import Choice
from movistream_training.one_shot.controller import Controller, probabilities
from movistream_training.one_shot.settings import Settings
from movistream_training.one_shot.shared_weights import SharedWeights
from movistream_training.search.members import Task
from movistream_training.search.space import Space


class Step(msgspec.Struct, frozen=True):
    """A step of a search; means over its replicas.

    Attributes:
        step: from 1.
        loss: of the members on their training batches, in nats.
        accuracy: of the members on their judging batches; None in the warm-up, as what follows.
        cost: of the members.
        reward: of the members.
        entropy: of the controller after the step, in nats.
    """

    step: int
    loss: float
    accuracy: float | None
    cost: float | None
    reward: float | None
    entropy: float


class Course(msgspec.Struct, frozen=True):
    """All of a search but its shared weights.

    Attributes:
        begun_with: a digest of what decides the course.
        controller: after the steps.
        steps: so far.
        snapshots: the controller's probabilities at the end of the warm-up, and after every
            checkpoint since: the number of steps, and the alternatives' by choice.
    """

    begun_with: str
    controller: Controller
    steps: tuple[Step, ...] = ()
    snapshots: tuple[tuple[int, dict[str, list[float]]], ...] = ()


def digest_of(space: Space, task: Task, target: float, settings: Settings) -> str:
    """Of all that decides a search's course, but for its data and its cost."""
    return hashlib.sha256(msgspec.json.encode((space, task, target, settings))).hexdigest()


def with_snapshot(course: Course) -> Course:
    """The course, with what the controller thinks now."""
    found = {name: each.tolist() for name, each in probabilities(course.controller).items()}
    snapshots = (*course.snapshots, (len(course.steps), found))
    return msgspec.structs.replace(course, snapshots=snapshots)


def save(course: Course, shared: SharedWeights, folder: Path) -> None:
    """Writes all that a search goes on from, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    metadata = {"course": msgspec.json.encode(course).decode()}
    with replaced_when_done(_checkpoint(folder)) as part:
        part.write_bytes(weights_bytes(shared.memory(), metadata))


def resume(begun_with: str, shared: SharedWeights, folder: Path) -> Course | None:
    """The course of the search in a folder, and its shared weights; None if there is none.

    Raises:
        SearchError: if it is another search, or cannot be read.
    """
    path = _checkpoint(folder)
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            course = msgspec.json.decode((file.metadata() or {})["course"], type=Course)
            if course.begun_with == begun_with:
                shared.restore({name: file.get_tensor(name) for name in shared.memory_names()})
    except (SafetensorError, OSError, KeyError, ValueError, msgspec.DecodeError) as error:
        raise SearchError(
            f"{path} cannot be gone on from: {error}. Begin anew in another folder"
        ) from None
    if course.begun_with != begun_with:
        raise SearchError(
            f"{folder} holds a search in another space, or with other settings; take another folder"
        )
    return course


def write_results(
    course: Course, choices: Sequence[Choice], found: Architecture, folder: Path
) -> None:
    """Writes ``arch.txt``, ``controller.json`` and ``history.csv``.

    Raises:
        OutputError: if one cannot be written.
    """
    document = {
        "choices": {choice.name: choice.alternatives for choice in choices},
        "probabilities": [{"steps": steps, "choices": found} for steps, found in course.snapshots],
    }
    for name, text in (
        ("arch.txt", table_text(found)),
        ("controller.json", msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"),
        ("history.csv", _history_text(course.steps)),
    ):
        with replaced_when_done(folder / name) as part:
            part.write_text(text, encoding="utf-8")


def _history_text(steps: Sequence[Step]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Step.__struct_fields__)
    for step in steps:
        values = msgspec.structs.astuple(step)
        writer.writerow("" if value is None else value for value in values)
    return text.getvalue()


def _checkpoint(folder: Path) -> Path:
    return folder / "checkpoint.safetensors"
