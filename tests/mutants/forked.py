"""Runs tests over changed copies of the project; TensorFlow is imported once for all of them.

What was found is kept in ``build/mutants`` until the module or its tests change.
"""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import pytest
import tensorflow  # noqa: F401 - for the processes that are forked from this one
from mutations import Mutation

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "mutants"
RESULTS = BUILD / "results.json"
ROOMS = ("sdk", "converters", "training", "benchmarks")
JAVA_COPY = "android_demo/core/src/main/resources"
COPIED = (*ROOMS, "demo", "docs", "tests", JAVA_COPY, "setup.cfg", "pyproject.toml")
PYTEST = ("-x", "-q", "--tb=short", "-p", "no:cacheprovider", "--hypothesis-seed=0")


@dataclass(frozen=True)
class Run:
    """Tests over one change.

    Attributes:
        mutation: None: over the project as it is.
        tests: files.
        limit_s: so long may they take; what takes longer hangs, which is noticed.
    """

    mutation: Mutation | None
    tests: tuple[str, ...]
    limit_s: int

    @cached_property
    def digest(self) -> str:
        """Of the tests and of what they look at: the changed module, or the whole project.

        As they are when it is first asked for, before they are copied: they may be edited since.
        """
        read = [*self.tests] if self.mutation else [*self.tests, *_sources()]
        digest = hashlib.sha256(self.mutation.code.encode() if self.mutation else b"")
        for name in read:
            digest.update((ROOT / name).read_bytes())
        return digest.hexdigest()


def measured(tests: Mapping[str, tuple[str, ...]], processes: int) -> dict[str, int]:
    """Runs the tests of each module over the project as it is; returns limits for them.

    Raises:
        RuntimeError: if tests fail, as what they notice would mean nothing.
    """
    limits_s = {}
    runs = [Run(None, files, 600) for files in dict.fromkeys(tests.values())]
    for run, seconds in _remembered(runs, processes):
        if seconds is None:
            raise RuntimeError(f"{' '.join(run.tests)} fails without any change; see {BUILD}/*.log")
        limits_s[run.tests] = 30 + round(5 * seconds)
    return {path: limits_s[files] for path, files in tests.items()}


def noticed(runs: Sequence[Run], processes: int) -> Iterator[tuple[Run, bool]]:
    """Whether the tests of each run fail."""
    for run, seconds in _remembered(runs, processes):
        yield run, seconds is None


def _remembered(runs: Sequence[Run], processes: int) -> Iterator[tuple[Run, float | None]]:
    """How long the tests of each run took in seconds; None where they failed."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for run in runs:
        if run.digest in kept:
            yield run, kept[run.digest]
    for run, code, seconds in _forked([r for r in runs if r.digest not in kept], processes):
        found = None if code else seconds
        # Without a change nothing should fail: it is tried again.
        if run.mutation is not None or found is not None:
            kept[run.digest] = found
            RESULTS.write_text(json.dumps(kept, indent=0))
        yield run, found


def _forked(runs: Sequence[Run], processes: int) -> Iterator[tuple[Run, int, float]]:
    """Each run, its exit code, negative for a signal, and how long it took in seconds."""
    copies = [_copy(BUILD / str(number)) for number in range(min(processes, len(runs)))]
    waiting = iter(runs)
    going_on: dict[int, tuple[Run, Path, float]] = {}
    while True:
        while copies and (run := next(waiting, None)) is not None:
            copy = copies.pop()
            going_on[_start(run, copy)] = run, copy, time.monotonic()
        if not going_on:
            return
        process, status = os.wait()
        run, copy, start = going_on.pop(process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        if run.mutation is not None:
            shutil.copyfile(ROOT / run.mutation.path, copy / run.mutation.path)
        copies.append(copy)
        yield run, os.waitstatus_to_exitcode(status), time.monotonic() - start


def _sources() -> list[str]:
    return sorted(
        str(file.relative_to(ROOT)) for room in ROOMS for file in (ROOT / room).rglob("*.py")
    )


def _copy(place: Path) -> Path:
    """The project, where it may be changed."""
    shutil.rmtree(place, ignore_errors=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "output")
            shutil.copytree(ROOT / name, place / name, ignore=ignored)
        else:
            shutil.copyfile(ROOT / name, place / name)
    compileall.compile_dir(place, quiet=2)
    return place


def _start(run: Run, copy: Path) -> int:
    """The number of a process that runs the tests, in a group of its own."""
    if run.mutation is not None:
        changed = copy / run.mutation.path
        changed.write_text(run.mutation.code, encoding="utf-8")
        # Python would take it for unchanged within the same second.
        Path(importlib.util.cache_from_source(str(changed))).unlink(missing_ok=True)
    process = os.fork()
    if process:
        return process
    try:
        os.setsid()
        signal.alarm(run.limit_s)
        os.chdir(copy)
        log = os.open(f"{copy}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(log, stream)
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        os.environ["PYTHONPATH"] = os.pathsep.join(str(copy / room) for room in ROOMS)
        sys.path.remove(str(Path(__file__).parent))
        os._exit(pytest.main([*PYTEST, f"--basetemp={copy}.tmp", *run.tests]))
    finally:
        os._exit(pytest.ExitCode.INTERNAL_ERROR)
