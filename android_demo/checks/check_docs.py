"""Writes the programs of docs/android.md as files, so that compilers can try them.

check_docs.py DOCUMENT FOLDER

A program is a block of Java or Kotlin that begins with its file's name in a comment.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_BLOCK = re.compile(r"^```(java|kotlin)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"// (\w+\.(?:java|kt))\n")


def main(document: Path, folder: Path) -> None:
    """Writes the files."""
    blocks = _BLOCK.findall(document.read_text(encoding="utf-8"))
    assert {language for language, _ in blocks} == {"java", "kotlin"}, "the document lacks programs"
    for language, program in blocks:
        name = _NAME.match(program)
        assert name, f"a block of {language} does not begin with its file's name: {program[:40]!r}"
        (folder / name[1]).write_text(program, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
