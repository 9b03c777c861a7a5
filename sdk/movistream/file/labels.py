"""Class labels: one a line in a UTF-8 text file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from movistream.errors import LabelsError
from movistream.system.text import has_control_characters


def read_labels(path: Path) -> tuple[str, ...]:
    """Labels from a file, one a line, in the order of the classes; empty lines at the end are not
    labels.

    Raises:
        LabelsError: if the file cannot be read, is not UTF-8 text, or has an empty line or control
            characters inside.
    """
    if path.exists() and not path.is_file():
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
