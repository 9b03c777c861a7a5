"""The network that a search starts from and compares with."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from movistream_converters.formats.movinet_table import is_table, read_table
from movistream_converters.networks.movinet import ARCHITECTURES, Architecture
from movistream_training.errors import SearchError


def read_base(name: str) -> Architecture:
    """A table of blocks in a file, or an architecture by its name.

    Raises:
        SearchError: if there is none of this name.
        ConversionError: if the file is no table.
    """
    if is_table(name):
        return read_table(Path(name))
    if name not in ARCHITECTURES:
        raise SearchError(
            f"there is no architecture {name!r}; there are {', '.join(ARCHITECTURES)}, and tables"
            " of blocks in FILE.txt"
        )
    return ARCHITECTURES[name]


def built_in_base(space: str) -> Architecture:
    """The known network of a space that comes with the package."""
    file = files("movistream_training.search") / "spaces" / f"{space}-base.txt"
    with as_file(file) as path:
        return read_table(path)
