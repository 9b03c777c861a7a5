"""What may be printed."""

from __future__ import annotations

import unicodedata


def has_control_characters(text: str) -> bool:
    """Whether printing a text could do more than print: move the cursor, ring, recolour."""
    return not text.isprintable() and any(
        unicodedata.category(character) == "Cc" for character in text
    )


def printable(text: str) -> str:
    """A text that only prints: quoted, with escapes, if it would do more."""
    return repr(text) if has_control_characters(text) else text
