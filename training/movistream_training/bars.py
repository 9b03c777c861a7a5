"""Bars on a terminal that say how far a command is."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def bars(last: ProgressColumn | None = None) -> Progress:
    """Bars on stderr, which go when they are done; they are disabled where that is no terminal.

    Args:
        last: what stands at their end; by default the time that is left.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        last or TimeRemainingColumn(),
    )
    terminal = sys.stderr is not None and sys.stderr.isatty()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not terminal)


def print_line(shown: Progress, line: str) -> None:
    """Prints a line above the bars, as it is."""
    shown.console.print(line, highlight=False, markup=False, soft_wrap=True)
