"""What a zip file holds, for those who only want to know what it is."""

from __future__ import annotations

import zipfile
from pathlib import Path


def names_in_zip(path: Path) -> list[str]:
    """Names of its members; none if it is no zip file, or a damaged one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return []
