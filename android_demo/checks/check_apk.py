"""Checks what build_apk.sh made: permissions, versions, size, and the models inside.

check_apk.py OUTPUT
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

from movistream.file import operators
from movistream.file.binding import bind
from movistream.file.graph import read_model_file
from movistream.file.names import BUILT_IN_DIGESTS

MOST_BYTES = 3_000_000


def check(output: Path) -> str:
    """A line about the APK; an AssertionError where something is wrong."""
    badging = (output / "badging.txt").read_text(encoding="utf-8")
    permissions = re.findall(r"uses-permission[^:]*: name='([^']+)'", badging)
    assert permissions == ["android.permission.CAMERA"], permissions
    for line in (
        "sdkVersion:'26'",
        "targetSdkVersion:'36'",
        "launchable-activity: name='org.movistream.demo.MainActivity'",
        "application-label:'movistream'",
    ):
        assert line in badging, badging
    verified = (output / "verified.txt").read_text(encoding="utf-8")
    assert verified.startswith("Verifies\n"), verified
    apk = output / "demo.apk"
    size = apk.stat().st_size
    assert size < MOST_BYTES, size
    with zipfile.ZipFile(apk) as archive:
        names = archive.namelist()
        assert not [name for name in names if name.endswith(".so")], "a native library"
        # Resources that aapt2 put into a folder for newer versions use what 26 lacks.
        newer = [name for name in names if re.search(r"-v(2[7-9]|[3-9]\d)/", name)]
        assert not newer, newer
        found = {Path(name).stem for name in names if name.endswith(".tflite")}
        assert found == set(BUILT_IN_DIGESTS), found
        models = {name: archive.read(f"assets/{name}.tflite") for name in BUILT_IN_DIGESTS}
        table = archive.read("org/movistream/core/tflite.json")
    assert table == Path(operators.__file__).with_name("tflite.json").read_bytes()
    bundled = []
    for name, data in models.items():
        manifest = bind(read_model_file(data, name), data, name)
        assert len(manifest.labels) == manifest.logits.classes
        bundled.append(f"{name} ({manifest.quantization}, {len(manifest.labels)} labels)")
    return (
        f"APK: {size:,} bytes, signature verifies, permissions {permissions}, bundled"
        f" {', '.join(bundled)}"
    )


if __name__ == "__main__":
    print(check(Path(sys.argv[1])))
