"""The columns of a table of results, whatever wrote it.

A table has rows of three types: a ``step`` for each frame that was looked at, an ``event`` for
each that has ended, and one ``video`` for each video, whatever came of it. Columns that say
nothing of a row's type are null in it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

VERSION = 1
"""Of the columns; another one where a column changes its meaning or goes."""

RowType = Literal["step", "event", "video"]
ROW_TYPES: tuple[RowType, ...] = ("step", "event", "video")

Kind = Literal["text", "integer", "number", "score", "flag", "moment", "classes", "logits"]
"""Of a column's values; ``score`` is a 32-bit number, ``classes`` a list of index, label, score."""

Status = Literal["done", "error", "interrupted"]

_ENCODED = "bytes:"


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: of the column; ``_s`` and ``ms`` are units.
        kind: of its values.
        rows: types of the rows that have it.
    """

    name: str
    kind: Kind
    rows: tuple[RowType, ...]


COLUMNS = (
    Column("type", "text", ROW_TYPES),
    Column("run", "text", ROW_TYPES),
    Column("video", "text", ROW_TYPES),
    Column("frame", "integer", ("step",)),
    Column("time_s", "number", ("step",)),
    Column("captured_at", "moment", ("step", "event")),
    Column("warming_up", "flag", ("step",)),
    Column("start_s", "number", ("event",)),
    Column("end_s", "number", ("event",)),
    Column("label", "text", ROW_TYPES),
    Column("score", "score", ROW_TYPES),
    Column("top", "classes", ("step", "video")),
    Column("is_mean", "flag", ("video",)),
    Column("logits", "logits", ("step",)),
    Column("fingerprint", "text", ("video",)),
    Column("frames", "integer", ("video",)),
    Column("seconds", "number", ("video",)),
    Column("frames_per_second", "number", ("video",)),
    Column("status", "text", ("video",)),
    Column("error", "text", ("video",)),
    Column("attempts", "integer", ("video",)),
    Column("ms", "number", ("video",)),
)
"""In their order. ``logits`` is in a table only where they were asked for."""


NEVER_NULL = frozenset({"type", "run", "video"})


def video_text(name: str) -> str:
    """What a video is called in a table, where all text is Unicode; no two names become one.

    A name that is no Unicode is ``bytes:`` and its bytes, those that are no plain letters as
    ``%FF``; so is a name that begins like that.
    """
    if is_unicode(name) and not name.startswith(_ENCODED):
        return name
    return _ENCODED + quote(os.fsencode(name))


def plain_text(text: str) -> str:
    """A text as Unicode, with escapes in place of what is none."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
