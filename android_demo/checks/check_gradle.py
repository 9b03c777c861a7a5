"""Checks what can be checked of the Gradle files without Gradle.

check_gradle.py PROJECT

Every alias that a build file uses is in the version catalogue, and every entry there is used and
has a version; the build files' least and target versions are those that the APK is checked for.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import toml_subset


def check(project: Path) -> str:
    """A line about the files; an AssertionError where something is wrong."""
    catalogue = toml_subset.read(project / "gradle/libs.versions.toml")
    builds = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(project.rglob("*.gradle.kts"))
    )
    for bracket, closing in ("{}", "()"):
        assert builds.count(bracket) == builds.count(closing), bracket
    for section, prefix in (("libraries", "libs."), ("plugins", "libs.plugins.")):
        for alias, entry in catalogue[section].items():
            assert entry["version.ref"] in catalogue["versions"], entry
            assert prefix + alias.replace("-", ".") in builds, f"{alias} is not used"
    known = {f"libs.{alias.replace('-', '.')}" for alias in catalogue["libraries"]}
    known |= {f"libs.plugins.{alias.replace('-', '.')}" for alias in catalogue["plugins"]}
    used = set(re.findall(r"libs\.[a-z.]+[a-z]", builds))
    assert used == known, used ^ known
    for line in ("minSdk = 26", "targetSdk = 36"):
        assert line in builds, line
    modules = re.findall(r'include\("([^"]+)"\)', builds)
    for module in modules:
        assert (project / module.strip(":") / "build.gradle.kts").is_file(), module
    wrapper = project / "gradle/wrapper"
    with zipfile.ZipFile(wrapper / "gradle-wrapper.jar") as jar:
        assert "org/gradle/wrapper/GradleWrapperMain.class" in jar.namelist()
    properties = (wrapper / "gradle-wrapper.properties").read_text(encoding="utf-8")
    version = re.search(r"gradle-([\d.]+)-bin\.zip", properties)
    assert version, properties
    versions = ", ".join(f"{name} {value}" for name, value in catalogue["versions"].items())
    return f"Gradle files: modules {', '.join(modules)}; Gradle {version.group(1)}, {versions}"


if __name__ == "__main__":
    print(check(Path(sys.argv[1])))
