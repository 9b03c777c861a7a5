"""Files that plots are written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from movistream.errors import MissingExtraError, OutputError
from movistream.system.output import replaced_when_done

PLOT_FORMATS = {".png": "png", ".svg": "svg"}
_PIXELS_PER_INCH = 120


def figure_class() -> Any:
    """Matplotlib's figures.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("drawing plots", "plot") from None
    return Figure


def check_plot_output(path: Path) -> None:
    """Refuses a path that no plot can be written to.

    Raises:
        OutputError: if the format is unknown.
        MissingExtraError: if what draws plots is not installed.
    """
    if path.suffix.lower() not in PLOT_FORMATS:
        raise OutputError(
            f"cannot write the plot {path}: its name must end in {' or '.join(PLOT_FORMATS)}"
        )
    figure_class()


def save_plot(figure: Any, path: Path) -> None:
    """Writes a figure of matplotlib's, in the format that the name ends in.

    Raises:
        OutputError: if it cannot be written.
    """
    with replaced_when_done(path) as part:
        figure.savefig(part, format=PLOT_FORMATS[path.suffix.lower()], dpi=_PIXELS_PER_INCH)
