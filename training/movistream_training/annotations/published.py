"""What annotations say, before anybody looks for the videos."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from movistream_training.recordings.moments import Moment
from movistream_training.recordings.table_file import can_be_written

WHOLE = ((0.0, math.inf),)
"""A video that was looked through from its beginning to its end."""

LONGEST_S = 1e9
"""No time in a video is later."""

_LONGEST_NAME = 500
_MOST_SHOWN = 40
"""Of surrogate pairs, which JSON may hold alone, and by which Python reads names of files that are
not UTF-8: they cannot be written as UTF-8."""

_SPLITS = {
    "train": "training",
    "training": "training",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


class RowError(Exception):
    """What is wrong with a row."""


@dataclass(frozen=True)
class AnnotatedVideo:
    """A video, and what happens in it.

    Attributes:
        names: how its file may be called, without a suffix, perhaps with the folders that it is in;
            the first that there is counts, and the first is what people call it.
        moments: in the order of their beginnings.
        split: ``training``, ``validation`` or ``test``, if the annotations say so.
        parts: from when to when it was looked through, in seconds.
    """

    names: tuple[str, ...]
    moments: tuple[Moment, ...]
    split: str | None = None
    parts: tuple[tuple[float, float], ...] = WHOLE


@dataclass(frozen=True)
class Annotations:
    """What a file of annotations says.

    Attributes:
        labels: of the classes, in their order.
        videos: all that it tells of.
        notes: what people should know of it, a sentence each.
    """

    labels: tuple[str, ...]
    videos: tuple[AnnotatedVideo, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """What a file of annotations does not say itself.

    Attributes:
        classes: a file of the data set's that names its classes.
        excluded: one that says which parts of videos were not looked at.
    """

    classes: Path | None = None
    excluded: Path | None = None


def in_order(moments: Collection[Moment]) -> tuple[Moment, ...]:
    """Moments by their beginnings."""
    return tuple(sorted(moments, key=lambda one: (one.start_s, one.end_s, one.label)))


def name_of(text: str, what: str) -> str:
    """A label, or a video's name.

    Raises:
        RowError: if it is empty, far too long, or has control characters.
    """
    name = text.strip()
    if not name or len(name) > _LONGEST_NAME or not can_be_written(name):
        raise RowError(
            f"it needs {what} of up to {_LONGEST_NAME} letters without control characters, not"
            f" {shortened(text)}"
        )
    return name


def seconds_of(value: object) -> float:
    """A time, as text or as a number.

    Raises:
        RowError: if it is none.
    """
    try:
        # float() takes digits that are joined by _, which nobody means in a table.
        if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
            raise ValueError
        seconds = float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_S:
        raise RowError(f"{shortened(value)} stands where a time in seconds belongs")
    return seconds


def moment_of(label: str, start: object, end: object) -> Moment:
    """A moment from when to when.

    Raises:
        RowError: if these are no times, or the end is not after the start.
    """
    start_s, end_s = seconds_of(start), seconds_of(end)
    if end_s <= start_s:
        raise RowError(f"{shortened(label)} ends at {end_s:g} s, and begins at {start_s:g} s")
    return Moment(label, start_s, end_s)


def check_class(label: str, known: Collection[str] | None) -> None:
    """Refuses a class that is none of the data set's, where these are known.

    Raises:
        RowError: if it is none.
    """
    if known is not None and label not in known:
        raise RowError(f"the class {shortened(label)} is none of the {len(known)} classes")


def split_of(text: str) -> str:
    """A split in our word for it.

    Raises:
        RowError: if it is none of those that data sets have.
    """
    split = _SPLITS.get(text.strip().lower())
    if split is None:
        raise RowError(f"{shortened(text)} is no split; there are {', '.join(_SPLITS)}")
    return split


def counted(count: int, name: str) -> str:
    """So many of a thing, in words."""
    return f"{count} {name}{'s'[: count != 1]}"


def shortened(value: object) -> str:
    """A value as a message shows it: on one line, and not all of a long one."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]!r} …"
    if isinstance(value, float):
        return repr(value)
    # The digits of an integer, and what is in a list, may be without end.
    return f"something of type {type(value).__name__}"
