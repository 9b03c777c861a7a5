"""What is installed: locked versions with digests, and a list of their licences that is true."""

from __future__ import annotations

import configparser
import re
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from requirements.licences import LIBRARIES, bundled, licence, tables

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "requirements/runtime.txt"
BUILD = ROOT / "requirements/build.txt"
ARM = ROOT / "benchmarks/movistream_benchmarks/arm/wheels.txt"
LOCKS = [RUNTIME, BUILD, ARM]
PYTHONS = {"3.10": "3.10.13", "3.11": "3.11.7", "3.12": "3.12.1", "3.13": "3.13.0"}
DEVICES = [(python, machine) for python in PYTHONS for machine in ("x86_64", "aarch64")]


@dataclass(frozen=True)
class Locked:
    """One package of a lock.

    Attributes:
        requirement: with exactly one version.
        digests: of its files.
    """

    requirement: Requirement
    digests: frozenset[str]

    @property
    def name(self) -> str:
        """Canonical."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The one."""
        (only,) = self.requirement.specifier
        assert only.operator == "=="
        return only.version


def read(lock: Path) -> list[Locked]:
    text = re.sub(r"#.*", "", lock.read_text(encoding="utf-8")).replace("\\\n", " ")
    entries = []
    for line in filter(str.strip, text.splitlines()):
        requirement, *digests = re.split(r"\s--hash=", line)
        found = [re.fullmatch(r"sha256:([0-9a-f]{64})\s*", digest) for digest in digests]
        assert digests, f"{requirement} has no digest"
        assert all(found), f"{requirement} has an unknown kind of digest"
        entries.append(
            Locked(Requirement(requirement.strip()), frozenset(each[1] for each in found if each))
        )
    return entries


def environment(python: str, machine: str) -> dict[str, str]:
    full = PYTHONS[python]
    return {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": python,
        "python_full_version": full,
        "implementation_version": full,
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "extra": "",
    }


def chosen(lock: Path, where: dict[str, str]) -> dict[str, Locked]:
    """What is installed there, by name; each once."""
    found = [
        each
        for each in read(lock)
        if each.requirement.marker is None or each.requirement.marker.evaluate(where)
    ]
    by_name = {each.name: each for each in found}
    assert len(by_name) == len(found)
    return by_name


def required() -> list[Requirement]:
    """By the runtime, with all that a device may have of it."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    lines = [config["options"]["install_requires"], extras["video"], extras["serve"]]
    found = [Requirement(line) for line in "\n".join(lines).splitlines() if line.strip()]
    return [each for each in found if each.name != "movistream"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert len(read(lock)) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > 0
    assert not re.search(r"://|index|find-links|trusted|@", text)


@pytest.mark.parametrize(("python", "machine"), DEVICES)
def test_the_runtime_is_locked_for_every_device(python: str, machine: str) -> None:
    where = environment(python, machine)
    locked = chosen(RUNTIME, where)
    wanted = [each for each in required() if not each.marker or each.marker.evaluate(where)]
    assert len(wanted) >= 12
    for each in wanted:
        found = locked[canonicalize_name(each.name)]
        assert each.specifier.contains(found.version), f"{each}, and {found.version} is locked"


def test_32_bit_arm_gets_no_litert() -> None:
    locked = chosen(RUNTIME, environment("3.11", "armv7l"))
    assert "ai-edge-litert" not in locked
    assert "numpy" in locked


def test_the_build_is_locked() -> None:
    tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locked = chosen(BUILD, environment("3.11", "aarch64"))
    wanted = [Requirement(each) for each in project["build-system"]["requires"]]
    assert wanted
    for each in wanted:
        assert each.specifier.contains(locked[canonicalize_name(each.name)].version)


def test_the_emulated_core_gets_what_a_device_gets() -> None:
    where = environment("3.11", "aarch64")
    device = chosen(RUNTIME, where)
    emulated = read(ARM)
    assert {each.name for each in emulated} >= {"ai-edge-litert", "click", "msgspec", "numpy"}
    for each in emulated:
        assert each.version == device[each.name].version
        assert each.digests <= device[each.name].digests


def test_tests_run_on_what_is_locked_and_nothing_is_left_out() -> None:
    """Whatever a locked package needs is locked too. ``make setup`` renews an old environment."""
    where = {**default_environment(), "extra": ""}
    locked = chosen(RUNTIME, {name: str(value) for name, value in where.items()})
    extras: dict[str, set[str]] = defaultdict(lambda: {""})
    for _ in range(3):
        for each in locked.values():
            assert version(each.name) == each.version, f"{each.name}: make setup"
            for line in distribution(each.name).requires or ():
                needed = Requirement(line)
                if needed.marker is None or any(
                    needed.marker.evaluate({"extra": extra}) for extra in extras[each.name]
                ):
                    name = canonicalize_name(needed.name)
                    extras[name] |= needed.extras
                    assert needed.specifier.contains(locked[name].version, prereleases=True), line


def rows(page: str) -> dict[str, list[str]]:
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in cells}


def test_the_list_of_licences_names_every_locked_package() -> None:
    listed = rows((ROOT / "docs/licences.md").read_text(encoding="utf-8"))
    locked: dict[str, set[str]] = defaultdict(set)
    for each in read(RUNTIME):
        locked[each.name].add(each.version)
    found = {name: set(cells[0].split(", ")) for name, cells in listed.items() if name in locked}
    assert found == locked


def test_the_list_of_licences_says_what_the_installed_packages_say() -> None:
    page = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    listed = rows(page)
    here = {name: str(value) for name, value in default_environment().items()}
    for name in chosen(RUNTIME, here):
        installed = distribution(name)
        assert licence(installed) in listed[name][1].split("; ")
        for library in bundled(installed):
            packages, said = listed[library]
            assert name in packages.split(", ")
            assert said.strip("*") == LIBRARIES[library]


def test_a_gpl_library_is_not_overlooked() -> None:
    """PyAV's wheels bring x264 and x265, whatever FFmpeg says of its own licence."""
    written = tables([distribution("av"), distribution("numpy")])
    libraries = set(bundled(distribution("av")))
    if not libraries:
        pytest.skip("this PyAV is no wheel")
    assert {"libx264", "libx265"} <= libraries
    first = written.split("\n\n")[1].splitlines()[2]
    assert first == "| libx264 | av | **GPL-2.0-or-later** |"


def test_an_unknown_library_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(bundled(distribution("pillow")))
    monkeypatch.delitem(LIBRARIES, name)
    with pytest.raises(ValueError, match=f"name the licences of {re.escape(name)}"):
        tables([distribution("pillow")])
