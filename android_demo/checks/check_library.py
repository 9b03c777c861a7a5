"""Checks what build_library.sh made: classes, sources, documentation, rules, nothing else.

check_library.py OUTPUT
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from pathlib import Path

_SIGNATURE = re.compile(r"META-INF/(MANIFEST\.MF|[A-Z]+\.(SF|RSA)|)")


def contents(archive: zipfile.ZipFile) -> set[str]:
    """Names of files, but for those of a signature."""
    files = {name for name in archive.namelist() if not name.endswith("/")}
    signed = {name for name in files if _SIGNATURE.fullmatch(name)}
    assert any(name.endswith(".SF") for name in signed) or archive.filename is None, "not signed"
    return files - signed


def check(output: Path) -> str:
    """A line about the libraries; an AssertionError where something is wrong."""
    (core,) = output.glob("movistream-core-[0-9]*[0-9].jar")
    (litert,) = output.glob("movistream-litert-*.aar")
    version = core.stem.removeprefix("movistream-core-")
    assert litert.stem == f"movistream-litert-{version}", litert
    with zipfile.ZipFile(core) as archive:
        names = contents(archive)
    others = {name for name in names if not name.startswith("org/movistream/core/")}
    assert all(name.endswith((".json", ".txt")) for name in others), others
    for name in ("Manifest", "Stream", "Watch", "YuvFrame", "package-info"):
        assert f"org/movistream/core/{name}.class" in names, name
    with zipfile.ZipFile(litert) as archive:
        assert contents(archive) == {"AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt"}
        manifest = archive.read("AndroidManifest.xml").decode()
        assert 'package="org.movistream.litert"' in manifest, manifest
        assert b"-keep class com.google.ai.edge.litert" in archive.read("proguard.txt")
        with zipfile.ZipFile(io.BytesIO(archive.read("classes.jar"))) as classes:
            found = contents(classes)
    assert all(name.startswith("org/movistream/litert/") for name in found), found
    assert "org/movistream/litert/LiteRtEngine.class" in found
    for library in ("core", "litert"):
        for kind, suffix in (("sources", ".java"), ("javadoc", ".html")):
            with zipfile.ZipFile(output / f"movistream-{library}-{version}-{kind}.jar") as archive:
                assert any(name.endswith(suffix) for name in contents(archive)), (library, kind)
    sizes = [f"{path.name} {path.stat().st_size / 1000:.0f} kB" for path in (core, litert)]
    return f"libraries: {', '.join(sizes)}, signed, with sources and documentation"


if __name__ == "__main__":
    print(check(Path(sys.argv[1])))
