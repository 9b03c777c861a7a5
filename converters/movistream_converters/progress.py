"""How work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as work goes on; a total of 0 is not known yet."""


def ignore_progress(_stage: str, _done: int, _total: int) -> None:
    """Nobody is watching."""


def counted(progress: Progress, stage: str, total: int) -> Callable[[], None]:
    """Announces a stage; each call of what it returns tells of one more piece done."""
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        progress(stage, done, total)

    progress(stage, 0, total)
    return one_more
