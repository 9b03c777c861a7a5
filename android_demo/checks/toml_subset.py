"""Reads the version catalogue, for Pythons that come without a TOML reader (before 3.11)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Sections of ``name = "text"`` and ``name = { key = "text", … }``; nothing else."""
    sections: dict[str, dict[str, Any]] = {}
    section: dict[str, Any] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if heading := re.fullmatch(r"\[(\w+)\]", text):
            section = sections.setdefault(heading.group(1), {})
        elif plain := re.fullmatch(r'([\w-]+) = "([^"]*)"', text):
            section[plain.group(1)] = plain.group(2)
        elif table := re.fullmatch(r"([\w-]+) = \{ (.*) \}", text):
            section[table.group(1)] = dict(re.findall(r'([\w.]+) = "([^"]*)"', table.group(2)))
        else:
            raise ValueError(f"{path}: {line!r} is not understood")
    return sections
