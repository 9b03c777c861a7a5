"""What may be printed."""

from __future__ import annotations

import unicodedata

_CONTROLS = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode's categories of what moves the cursor, rings or recolours; of what turns the direction of
writing round, joins, or takes no room; and of what ends lines and paragraphs."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def has_control_characters(text: str) -> bool:
    """Whether a text could do more than show what it says: move, ring, recolour, or look like
    another one by its direction or by what nobody sees."""
    return not text.isprintable() and any(
        unicodedata.category(character) in _CONTROLS for character in text
    )


def printable(text: str) -> str:
    """A text that only prints: quoted, with escapes, if it would do more."""
    return repr(text) if has_control_characters(text) else text


def one_line(error: BaseException) -> str:
    """What an error of another package says, in a line that only prints."""
    return printable(" ".join(str(error).split()) or type(error).__name__)


def cell(text: str) -> str:
    """A text for a table that a spreadsheet may open: with ' before what it would calculate."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
