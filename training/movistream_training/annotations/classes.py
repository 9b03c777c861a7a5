"""Files that say what the classes of a data set are called."""

from __future__ import annotations

import re
from pathlib import Path

from movistream_training.annotations.published import RowError, name_of
from movistream_training.annotations.reading import text_of
from movistream_training.errors import TrainingError


def numbered_classes(path: Path, line_form: re.Pattern[str]) -> dict[str, str]:
    """Classes by their codes, from a file with one a line.

    Args:
        line_form: of a line; its first group is the code, its second the name.

    Raises:
        TrainingError: if it cannot be read, a line has another form, or a code or a name is there
            twice.
    """
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if not line.strip():
            continue
        parts = line_form.fullmatch(line.strip())
        if parts is None:
            raise TrainingError(f"line {number} of {path} does not name a class: {line[:40]!r}")
        found.append((parts[1], parts[2]))
    return checked_classes(path, found)


def checked_classes(path: Path, found: list[tuple[str, str]]) -> dict[str, str]:
    """Classes by their codes, each of which is there once.

    Raises:
        TrainingError: if one is there twice or has no proper name, or there is none.
    """
    if not found:
        raise TrainingError(f"{path} names no classes")
    for what, every in (("class", [code for code, _ in found]), ("name", [n for _, n in found])):
        seen: set[str] = set()
        for one in every:
            if one in seen:
                raise TrainingError(f"{path} has the {what} {one!r} twice")
            seen.add(one)
    try:
        return {code: name_of(name, "names of classes") for code, name in found}
    except RowError as fault:
        raise TrainingError(f"{path}: {fault}") from None
