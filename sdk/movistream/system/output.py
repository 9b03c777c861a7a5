"""Output files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from movistream.errors import OutputError
from movistream.system.leftovers import temporary_file


def check_output(output: Path) -> None:
    """Refuses an output path that cannot be written.

    Raises:
        OutputError: if its folder is missing or not writable, or it is there already and not
            a regular file.
    """
    if str(output) == "-":
        raise OutputError("- is no file; only --json writes to standard output")
    if output.is_dir():
        raise OutputError(f"{output} is a folder; name a file in it")
    if output.exists() and not output.is_file():
        raise OutputError(f"{output} is a device or a pipe; name a file")
    if not output.parent.is_dir():
        what = "is not a folder" if output.parent.exists() else "does not exist"
        raise OutputError(f"cannot write {output}: {output.parent} {what}")
    if not os.access(output.parent, os.W_OK):
        raise OutputError(f"cannot write {output}: no permission to write in {output.parent}")


def make_output_folder(folder: Path) -> None:
    """Makes a folder for outputs, where there is none, and sees whether files can be put there.

    Raises:
        OutputError: if not.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, and a folder is needed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"cannot write in {folder}: {error.strerror}") from None


@contextmanager
def replaced_when_done(output: Path) -> Iterator[Path]:
    """A temporary file beside the output, which takes its place when the block ends well.

    It is on the disk by then: after a power cut, the output is the file before or this one, whole.
    Where the output is a symbolic link, the file that it leads to is replaced.

    Raises:
        OutputError: if it cannot be written.
    """
    output = output.resolve()
    try:
        with temporary_file(output.parent, output.name) as part:
            yield part.path
            part.path.chmod(_mode(output))
            os.fsync(part.descriptor)
            part.become(output)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror}") from None


def _mode(output: Path) -> int:
    """The permissions of the file that is there, or those of a new one."""
    if output.exists():
        return stat.S_IMODE(output.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
