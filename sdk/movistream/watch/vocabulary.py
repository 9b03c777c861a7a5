"""The words of results that leave the program: JSON lines, result files, the server's messages."""

from __future__ import annotations

from typing import Any, Literal

VERSION = 1
"""Of the vocabulary; another one where a word changes its meaning or goes."""

LineType = Literal["start", "step", "event", "notice", "end", "error"]


def line(kind: LineType, source: str) -> dict[str, Any]:
    """What every line begins with, as plain JSON types."""
    return {"version": VERSION, "type": kind, "source": source}
