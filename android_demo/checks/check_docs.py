"""Writes the code of docs/android.md as a class of the app, so that a compiler can try it.

check_docs.py DOCUMENT OUTPUT.java
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CLASS = """package org.movistream.demo;

import android.media.Image;
import java.io.File;
import java.util.List;
import org.movistream.core.*;

final class Documented {{
    void all(String path, Image image, int rotationDegrees) throws Exception {{
{code}
    }}
}}
"""


def main(document: Path, output: Path) -> None:
    """Writes the class."""
    found = re.search(r"```java\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "the document has no Java"
    output.write_text(CLASS.format(code=found.group(1)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
