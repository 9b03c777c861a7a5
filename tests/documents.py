"""What the pages show as commands and as Python, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
_WHOLE = re.compile(r"movistream [a-z-]+ [^-\s]|python\d? -m \S+ [^-\s]|python\d? [^-\s]+\.py ")
_QUOTED_OR_COMMENT = re.compile(r"('[^']*'|\"[^\"]*\")|\s+#\s.*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    Attributes:
        page: its file's name.
        language: as the block names it.
        text: between the fences.
    """

    page: str
    language: str
    text: str

    @property
    def commands(self) -> tuple[str, ...]:
        """What stands behind prompts: each on one line, without its comment."""
        return tuple(map(_plain, _COMMAND.findall(self.text)))


def blocks_of(page: Path) -> tuple[Block, ...]:
    """The blocks of code on a page, from top to bottom."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return tuple(Block(page.name, language, text) for language, text in found)


def commands_of(page: Path) -> tuple[str, ...]:
    """All commands on a page, from top to bottom."""
    shown = [block for block in blocks_of(page) if block.language == "console"]
    return tuple(command for block in shown for command in block.commands)


def python_of(page: Path) -> tuple[str, ...]:
    """The programs on a page, from top to bottom."""
    return tuple(block.text for block in blocks_of(page) if block.language == "python")


def spoken_commands_of(page: Path) -> tuple[str, ...]:
    """Whole commands that stand within lines: a program, what it does and what it does it with."""
    return tuple(mention for mention in mentions_of(page) if _WHOLE.match(mention))


def mentions_of(page: Path) -> tuple[str, ...]:
    """What is said of commands anywhere: in blocks and, as code, within lines."""
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`([^`]+)`", _BLOCK.sub("", text))
    return (*commands_of(page), *(" ".join(span.split()) for span in spans))


def _plain(command: str) -> str:
    joined = re.sub(r"\s*\\\n\s*", " ", command)
    return _QUOTED_OR_COMMENT.sub(lambda found: found[1] or "", joined).strip()
