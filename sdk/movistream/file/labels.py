"""Class labels: a sequence of names, one a line in a UTF-8 text file, or those of a known data set.

The classes of data sets are in the order in which published networks have them:

- ``kinetics600``: ``official/projects/movinet/files/kinetics_600_labels.txt`` of TensorFlow Model
  Garden (Apache-2.0, The TensorFlow Authors).
- ``jester``: those of the gesture demo of the Temporal Shift Module, ``online_demo/main.py`` (MIT,
  Copyright (c) 2021 MIT HAN Lab).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from movistream.errors import LabelsError
from movistream.system.text import has_control_characters

DATA_SETS = ("jester", "kinetics600")
"""Names that stand for the classes of a data set wherever labels are taken."""

_FOLDER = Path(__file__).parent / "class_names"


def labels_from(given: str | os.PathLike[str] | Sequence[str]) -> tuple[str, ...]:
    """Labels as a program gives them: a sequence of names, the path of a file with one a line, or
    the name of a data set, see :data:`DATA_SETS`.

    Raises:
        LabelsError: if they are none of these, or the file cannot be read.
    """
    if isinstance(given, (str, os.PathLike)):
        return read_labels(Path(given))
    labels = tuple(given) if isinstance(given, Sequence) else None
    if labels is None or not all(isinstance(label, str) for label in labels):
        raise LabelsError(
            "labels must be the path of a file with one label a line, a sequence of names, or one"
            f" of {', '.join(DATA_SETS)}; not"
            f" {type(given).__name__}{'' if labels is None else ' of other things'}"
        )
    return labels


def read_labels(path: Path) -> tuple[str, ...]:
    """Labels from a file, one a line, in the order of the classes; empty lines at the end are not
    labels. The name of a data set stands for its classes, unless there is a file of that name.

    Raises:
        LabelsError: if the file cannot be read, is not UTF-8 text, or has an empty line or control
            characters inside.
    """
    # Path.exists() raises where a name is too long for a file.
    if not os.path.exists(path):  # noqa: PTH110
        if str(path) not in DATA_SETS:
            raise LabelsError(
                f"there is no file {str(path)!r}; labels must be the path of a file with one label"
                f" a line, or one of {', '.join(DATA_SETS)}"
            )
        path = _FOLDER / f"{path}.txt"
    elif not path.is_file():
        raise LabelsError(f"the labels in {path} are not a file")
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().split("\n")
    except OSError as error:
        raise LabelsError(f"cannot read the labels in {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LabelsError(f"the labels in {path} are not UTF-8 text") from None
    labels = tuple(line.strip() for line in lines)
    if control := [label for label in labels if has_control_characters(label)]:
        raise LabelsError(f"the labels in {path} hold control characters, first in {control[0]!r}")
    if "" in labels:
        raise LabelsError(f"line {labels.index('') + 1} of the labels in {path} is empty")
    return labels


def check_labels(labels: Sequence[str], classes: int, origin: str = "the given labels") -> None:
    """Refuses labels that are not one per class.

    Args:
        origin: of the labels, for the message.

    Raises:
        LabelsError: if their number differs.
    """
    if len(labels) != classes:
        raise LabelsError(
            f"{origin}: {len(labels)} labels for {classes} classes; give one label per class"
        )
