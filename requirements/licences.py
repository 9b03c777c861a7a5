"""Writes the tables of docs/licences.md: what the runtime's packages hold, under which licences.

    python requirements/licences.py SITE_PACKAGES… docs/licences.md

``make licences`` runs it on the locked packages for each Python and machine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

BEGIN = "<!-- tables of licences -->"
END = "<!-- end of tables of licences -->"

GPL = "GPL-2.0-or-later"
_GNU_EITHER = "LGPL-3.0-or-later OR GPL-2.0-or-later"
_FFMPEG = "LGPL-3.0-or-later"

LIBRARIES = {
    "libSvtAv1Enc": "BSD-3-Clause-Clear",
    "libXau": "MIT",
    "libasound": "LGPL-2.1-or-later",
    "libavcodec": _FFMPEG,
    "libavdevice": _FFMPEG,
    "libavfilter": _FFMPEG,
    "libavformat": _FFMPEG,
    "libavif": "BSD-2-Clause",
    "libavutil": _FFMPEG,
    "libbrotlicommon": "MIT",
    "libbrotlidec": "MIT",
    "libdav1d": "BSD-2-Clause",
    "libdrm": "MIT",
    "libfreetype": f"FTL OR {GPL}",
    "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libgmp": _GNU_EITHER,
    "libgnutls": "LGPL-2.1-or-later",
    "libharfbuzz": "MIT",
    "libhogweed": _GNU_EITHER,
    "libjpeg": "IJG AND BSD-3-Clause",
    "liblcms2": "MIT",
    "liblzma": "0BSD",
    "libmp3lame": "LGPL-2.0-or-later",
    "libnettle": _GNU_EITHER,
    "libopencore-amrnb": "Apache-2.0",
    "libopencore-amrwb": "Apache-2.0",
    "libopenjp2": "BSD-2-Clause",
    "libopus": "BSD-3-Clause",
    "libpng16": "libpng-2.0",
    "libquadmath": "LGPL-2.1-or-later",
    "libscipy_openblas64_": "BSD-3-Clause",
    "libsharpyuv": "BSD-3-Clause",
    "libswresample": _FFMPEG,
    "libswscale": _FFMPEG,
    "libtiff": "libtiff",
    "libunistring": _GNU_EITHER,
    "libvmaf": "BSD-2-Clause-Patent",
    "libvpl": "MIT",
    "libvpx": "BSD-3-Clause",
    "libwebp": "BSD-3-Clause",
    "libwebpdemux": "BSD-3-Clause",
    "libwebpmux": "BSD-3-Clause",
    "libx264": GPL,
    "libx265": GPL,
    "libxcb": "MIT",
    "libxcb-shape": "MIT",
    "libxcb-shm": "MIT",
    "libxcb-xfixes": "MIT",
    "libzstd": "BSD-3-Clause OR GPL-2.0-only",
}
"""Of the shared libraries that wheels bring along, which their metadata does not say."""

_LONGEST_NAME = 60
"""Some packages have the licence's whole text where its name should be."""


def licence(distribution: Distribution) -> str:
    """What the package itself says, an SPDX expression where it has one.

    Raises:
        ValueError: if it says nothing.
    """
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    own = (metadata.get("License") or "").strip()
    if own and len(own) <= _LONGEST_NAME:
        return own
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or ()
        if each.startswith("License :: ")
    ]
    if classifiers:
        return " OR ".join(classifiers)
    if own:
        return own.splitlines()[0]
    raise ValueError(f"{distribution.name} {distribution.version} does not say its licence")


def bundled(distribution: Distribution) -> Iterator[str]:
    """Names of the shared libraries that the package's wheel brings along."""
    for file in distribution.files or ():
        if file.parts[0].endswith(".libs"):
            found = re.fullmatch(r"(lib.+?)(?:-[0-9a-f]{8})*\.so[.\d]*", file.name)
            if found is None:
                raise ValueError(f"{file} has an unknown kind of name")
            yield found[1]


def tables(packages: Iterable[Distribution]) -> str:
    """Both, in Markdown.

    Raises:
        ValueError: if a licence is unknown.
    """
    versions: dict[str, set[str]] = {}
    licences: dict[str, set[str]] = {}
    libraries: dict[str, set[str]] = {}
    for each in packages:
        name = re.sub(r"[-_.]+", "-", each.name).lower()
        versions.setdefault(name, set()).add(each.version)
        licences.setdefault(name, set()).add(licence(each))
        for library in bundled(each):
            libraries.setdefault(library, set()).add(name)
    if unknown := sorted(set(libraries) - set(LIBRARIES)):
        raise ValueError(f"name the licences of {', '.join(unknown)} in LIBRARIES")
    lines = ["| package | versions | its licence |", "|---|---|---|"]
    lines += [
        f"| {name} | {', '.join(sorted(versions[name]))} | {'; '.join(sorted(licences[name]))} |"
        for name in sorted(versions)
    ]
    lines += ["", "| library | in the wheels of | its licence |", "|---|---|---|"]
    for library in sorted(libraries, key=lambda name: (LIBRARIES[name] != GPL, name.lower())):
        shown = f"**{GPL}**" if LIBRARIES[library] == GPL else LIBRARIES[library]
        lines.append(f"| {library} | {', '.join(sorted(libraries[library]))} | {shown} |")
    return "\n".join(lines)


def main(folders: list[str], page: Path) -> None:
    """Writes the tables between the page's marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    written = tables(each for folder in folders for each in distributions(path=[folder]))
    page.write_text(f"{before}{BEGIN}\n{written}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:-1], Path(sys.argv[-1]))
