"""How work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as work goes on; a total of 0 is not known yet."""


def ignore_progress(_stage: str, _done: int, _total: int) -> None:
    """Nobody is watching."""
