"""An emulated ARM Python with LiteRT and PyAV, and a plugin that counts what it executes.

Set up in a folder of its own from Debian 12's and Python's packages; nothing is installed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Any

import movistream
import movistream_benchmarks
from movistream.errors import EngineUnavailableError, MovistreamError
from movistream.system.output import make_output_folder
from movistream_benchmarks.arm.program import record
from movistream_benchmarks.arm.step_counted import Answer, Moment, Request

CPUS = ("cortex-a76", "cortex-a72")
"""The cores of a Raspberry Pi 5 and of a Raspberry Pi 4."""

_TOOLS = ("apt-get", "dpkg-deb", "gcc", "setarch")
_READY = "ready"


@dataclass(frozen=True)
class Count:
    """Instructions of one contender on one core.

    Attributes:
        frames: of each step, from the written image to the logits, Python included.
        engine_alone: of each step's run in the engine; empty for the published loop.
        answer: what it gave.
    """

    frames: tuple[int, ...]
    engine_alone: tuple[int, ...]
    answer: Answer

    @property
    def median(self) -> int:
        """Of the frames, one that was counted."""
        return statistics.median_low(self.frames)


def set_up(folder: Path) -> None:
    """Fills the folder, unless it is filled already; takes a minute or two, and a network.

    Raises:
        EngineUnavailableError: if this machine cannot run the emulator.
        MovistreamError: if a download or the compiler fails.
    """
    sources = files("movistream_benchmarks.arm")
    recipe = [sources / name for name in ("setup.sh", "count_instructions.c", "wheels.txt")]
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in recipe)).hexdigest()
    ready = folder / _READY
    if ready.is_file() and ready.read_text(encoding="ascii") == digest:
        return
    _check_machine()
    make_output_folder(folder)
    with ExitStack() as opened:
        script, plugin, wheels = (str(opened.enter_context(as_file(each))) for each in recipe)
        command = ["bash", script, str(folder), plugin, wheels]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise MovistreamError(f"setting up the emulator in {folder} failed:\n{said}")
    ready.write_text(digest, encoding="ascii")


def count(folder: Path, cpu: str, request: Request) -> Count:
    """Runs a contender in the emulator.

    Args:
        folder: that :func:`set_up` filled.
        cpu: one of :data:`CPUS`.

    Raises:
        MovistreamError: if the emulated program fails.
    """
    return next(count_all(folder, cpu, [request]))


def count_all(folder: Path, cpu: str, requests: Sequence[Request]) -> Iterator[Count]:
    """As :func:`count`, for many contenders in one emulator, which takes a fraction of the time.

    Each is counted as if it were alone.

    Yields:
        The counts, in the order of the requests, each as soon as it is there.

    Raises:
        MovistreamError: if the emulated program fails.
    """
    asked = [(each.path, record(each)) for each in requests]
    for marks, found in run_all(folder, cpu, asked):
        yield Count(*instructions(marks), Answer(**found))


def run_all(
    folder: Path, cpu: str, asked: Sequence[tuple[str, bytes]]
) -> Iterator[tuple[list[tuple[int, int]], dict[str, Any]]]:
    """Has one emulator answer requests.

    Args:
        asked: what each is called in errors, and its record.

    Yields:
        The marks of each, and the fields of its answer, as soon as it is there.

    Raises:
        MovistreamError: if the emulated program fails.
    """
    folder = folder.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        # Of this machine's packages, only this project's own: the others are not for ARM.
        own = Path(temporary, "own")
        own.mkdir()
        for package in (movistream, movistream_benchmarks):
            assert package.__file__ is not None
            home = Path(package.__file__).resolve().parent
            (own / home.name).symlink_to(home)
        marks, log = Path(temporary, "marks"), Path(temporary, "log")
        command = emulator_command(folder, cpu, marks, "-m", "movistream_benchmarks.arm.program")
        environment = emulator_environment(folder, Path(temporary), (own, folder / "site-packages"))
        # Files cannot fill up as pipes can, so neither side ever waits for the other to read.
        requests = Path(temporary, "requests")
        requests.write_bytes(b"".join(each for _, each in asked))
        with (
            requests.open("rb") as stdin,
            log.open("wb") as stderr,
            subprocess.Popen(
                command,
                env=environment,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                errors="replace",
                start_new_session=True,
            ) as emulated,
        ):
            assert emulated.stdout is not None
            try:
                for index, (name, _) in enumerate(asked):
                    found = _next_answer(emulated.stdout)
                    if "logits" not in found:
                        said = found.get("failed") or _last_line(log) or found.get("died")
                        said = said or f"exit code {emulated.wait()}"
                        raise MovistreamError(f"{name} on an emulated {cpu}: {said}")
                    # The next one may have begun by now.
                    yield marks_by_request(marks.read_text(encoding="ascii"))[index], found
            finally:
                # With the child that counts just now, whoever lost patience.
                with suppress(ProcessLookupError):
                    os.killpg(emulated.pid, signal.SIGKILL)


def emulator_command(folder: Path, cpu: str, marks: Path, *arguments: str) -> list[str]:
    """The command that runs Python with these arguments in the emulator.

    Args:
        folder: that :func:`set_up` filled; an absolute path.
        cpu: one of :data:`CPUS`.
        marks: the file where the plugin writes each mark, and the instructions until then.
    """
    return [
        *("setarch", "--addr-no-randomize"),
        str(folder / "qemu-aarch64"),
        *("-cpu", cpu, "-L", str(folder / cpu)),
        *("-plugin", f"{folder / 'count_instructions.so'},out={marks}"),
        str(folder / "arm/usr/bin/python3.11"),
        *arguments,
    ]


def emulator_environment(folder: Path, home: Path, python_path: Sequence[Path]) -> dict[str, str]:
    """The environment of that command, the same whoever asks.

    Args:
        folder: that :func:`set_up` filled; an absolute path.
        home: a folder that the program may write to.
        python_path: of the emulated Python.
    """
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PYTHONHOME": str(folder / "arm/usr"),
        "PYTHONPATH": ":".join(map(str, python_path)),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _next_answer(output: IO[str]) -> dict[str, Any]:
    """The next line of JSON, past what native libraries say; empty at the end."""
    for line in output:
        if line.startswith("{"):
            found: dict[str, Any] = json.loads(line)
            return found
    return {}


def marks_by_request(text: str) -> list[list[tuple[int, int]]]:
    """The marks and their counts; those of a request begin with zeros."""
    found: list[list[tuple[int, int]]] = []
    before = -1
    for line in text.splitlines():
        mark, executed = map(int, line.split())
        if mark == 0 != before:
            found.append([])
        found[-1].append((mark, executed))
        before = mark
    return found


def _last_line(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]


def instructions(marks: list[tuple[int, int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What was executed between a request's marks, without the marks themselves.

    Returns:
        Of each frame that has an end, and of the engine alone in each; empty where that was not
        marked.
    """
    calibration = [executed for mark, executed in marks if mark == 0]
    cost = min(after - before for before, after in itertools.pairwise(calibration))
    at = {divmod(mark, 10): executed for mark, executed in marks if mark}
    numbers = sorted(frame for frame, moment in at if moment == Moment.END)
    split = all((frame, Moment.RUN) in at for frame in numbers)
    frames = (
        at[frame, Moment.END] - at[frame, Moment.BEGIN] - cost * (3 if split else 1)
        for frame in numbers
    )
    alone = (at[frame, Moment.RAN] - at[frame, Moment.RUN] - cost for frame in numbers if split)
    return tuple(frames), tuple(alone)


def _check_machine() -> None:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise EngineUnavailableError(
            "the emulator is set up from Debian 12's packages for x86-64 Linux, which this machine"
            f" is not ({platform.system()} {platform.machine()})"
        )
    if _debian_release() != "bookworm":
        raise EngineUnavailableError(
            "the emulator is set up from the packages of Debian 12 (bookworm), which this system"
            " does not get; run it in a container of debian:12"
        )
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        raise EngineUnavailableError(
            f"the emulator needs {', '.join(missing)}, which this machine lacks: apt-get install"
            " gcc libc6-dev dpkg util-linux"
        )


def _debian_release() -> str | None:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME")
    except OSError:
        return None
