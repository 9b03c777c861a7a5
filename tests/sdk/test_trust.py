"""A file that was not converted here is tried in a child process, once."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import movistream
from movistream.errors import EngineError, ModelError, MovistreamError
from movistream.stream import file_trial, loading, trust
from movistream.stream.trust import is_known, remember
from movistream.system import child
from movistream_converters.conversion import convert_source
from tests.conftest import foreign_model, small_checkpoint


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home where nothing is known yet."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME")
    return home


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(foreign_model())
    return path


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Loads a file and counts the children that have tried it."""
    count = 0
    real = loading.try_file

    def counted(*arguments: Any) -> None:
        nonlocal count
        count += 1
        real(*arguments)

    monkeypatch.setattr(loading, "try_file", counted)

    def trials_of(path: Path, **options: Any) -> int:
        before = count
        movistream.load(path, **options).close()
        return count - before

    return trials_of


def test_a_foreign_file_is_tried_once(foreign: Path, trials: Callable[..., int]) -> None:
    assert [trials(foreign) for _ in range(3)] == [1, 0, 0]


def test_the_log_tells_of_a_trial(
    home: Path, foreign: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "movistream"):
        movistream.load(foreign).close()
        (told,) = caplog.messages
        assert f"{foreign} is not known on this machine: it is tried" in told
        caplog.clear()
        movistream.load(foreign).close()
        assert not caplog.messages
        (home / ".config" / "movistream" / "key").unlink()
        (home / ".config" / "movistream").rmdir()
        (home / ".config" / "movistream").write_text("in the way")
        movistream.load(foreign).close()
        assert "no place to remember" in caplog.messages[1]


def test_a_copy_is_known_and_an_edited_file_is_not(
    foreign: Path, tmp_path: Path, trials: Callable[..., int]
) -> None:
    assert trials(foreign) == 1
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(foreign.read_bytes())
    assert trials(copy) == 0
    copy.write_bytes(foreign.read_bytes() + b"\0\0\0\0")
    assert trials(copy) == 1


def test_a_file_converted_here_is_not_tried(tmp_path: Path, trials: Callable[..., int]) -> None:
    path = tmp_path / "own.tflite"
    convert_source(small_checkpoint(image_size=32), path, verified=False)
    assert trials(path) == 0
    assert trials(path, engine="interpreter") == 0


def test_a_file_that_another_machine_converted_is_tried(
    tmp_path: Path, home: Path, trials: Callable[..., int]
) -> None:
    path = tmp_path / "own.tflite"
    convert_source(small_checkpoint(image_size=32), path, verified=False)
    (home / ".config" / "movistream" / "key").unlink()
    assert [trials(path), trials(path)] == [1, 0]


def test_trust_as_told(foreign: Path, trials: Callable[..., int]) -> None:
    assert trials(foreign, trust="always") == 0
    assert [trials(foreign, trust="never") for _ in range(2)] == [1, 1]
    assert trials(foreign) == 0
    with pytest.raises(MovistreamError, match="trust is known, always, never, not 'maybe'"):
        movistream.load(foreign, trust="maybe")


def test_another_way_of_running_it_is_another_trial(
    foreign: Path, trials: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trials(foreign) == 1
    assert trials(foreign, engine="interpreter") == 1
    monkeypatch.setattr(loading, "engine_identity", lambda: "the next version")
    assert [trials(foreign), trials(foreign)] == [1, 0]


def test_a_file_that_crashes_is_tried_again(
    foreign: Path, tmp_path: Path, trials: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = tmp_path / "crashing"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(child.sys, "executable", str(crashing))
        for _ in range(2):
            with pytest.raises(ModelError, match=r"the engine crashes \(SIGSEGV\)"):
                trials(foreign)
    assert trials(foreign) == 1


def test_the_trial_is_of_the_file_that_was_checked(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loading.try_file

    def replaced_meanwhile(path: Path, *arguments: Any) -> None:
        path.write_bytes(path.read_bytes() + b"\0\0\0\0")
        real(path, *arguments)

    monkeypatch.setattr(loading, "try_file", replaced_meanwhile)
    with pytest.raises(EngineError, match="was replaced while it was loaded"):
        movistream.load(foreign)


def test_the_key_is_private(home: Path) -> None:
    remember("a" * 64, "somehow")
    key = home / ".config" / "movistream" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32
    assert list(key.parent.iterdir()) == [key]
    before = key.read_bytes()
    remember("b" * 64, "somehow")
    assert key.read_bytes() == before


def test_a_verdict_is_of_one_file_run_one_way() -> None:
    remember("a" * 64, "somehow")
    assert is_known("a" * 64, "somehow")
    assert not is_known("a" * 64, "otherwise")
    assert not is_known("b" * 64, "somehow")


def test_verdicts_of_another_key_are_not_believed(home: Path) -> None:
    remember("a" * 64, "somehow")
    (home / ".config" / "movistream" / "key").write_bytes(b"\1" * 32)
    assert not is_known("a" * 64, "somehow")


@pytest.mark.parametrize("spoil", ["readable", "short", "long", "linked", "a folder", "a pipe"])
def test_a_key_that_somebody_may_know_is_replaced(spoil: str, home: Path, tmp_path: Path) -> None:
    remember("a" * 64, "somehow")
    key = home / ".config" / "movistream" / "key"
    known = key.read_bytes()
    match spoil:
        case "readable":
            key.chmod(0o640)
        case "short":
            key.write_bytes(known[:31])
        case "long":
            key.write_bytes(known + b"1")
        case "linked":
            elsewhere = tmp_path / "elsewhere"
            key.rename(elsewhere)
            key.symlink_to(elsewhere)
        case "a folder":
            key.unlink()
            key.mkdir()
        case "a pipe":
            key.unlink()
            os.mkfifo(key)
    assert not is_known("a" * 64, "somehow")
    remember("b" * 64, "somehow")
    if spoil == "a folder":
        # What is not a file is not ours to remove: nothing is remembered.
        assert key.is_dir()
        assert not is_known("b" * 64, "somehow")
        return
    assert key.read_bytes() != known
    assert stat.S_IMODE(key.lstat().st_mode) == 0o600
    assert is_known("b" * 64, "somehow")
    assert not is_known("a" * 64, "somehow")


@pytest.mark.parametrize("place", [".config", ".cache"])
def test_without_a_place_to_remember_each_load_is_a_trial(
    place: str, home: Path, foreign: Path, trials: Callable[..., int]
) -> None:
    (home / place).write_text("in the way")
    assert [trials(foreign), trials(foreign)] == [1, 1]


def test_folders_that_the_environment_names(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative ones are void, as the specification says."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    remember("a" * 64, "somehow")
    assert (tmp_path / "config" / "movistream" / "key").is_file()
    assert len(list((home / ".cache" / "movistream" / "verdicts").iterdir())) == 1
    assert is_known("a" * 64, "somehow")


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(trust.Path, "home", no_home)
    remember("a" * 64, "somehow")
    assert not is_known("a" * 64, "somehow")


def test_the_trial_notices_writes_beside_what_was_allocated() -> None:
    """Such damage kills a process later, or never; the trial is to end at once."""
    beside = "import ctypes, numpy; a = numpy.empty(5001, numpy.uint8);"
    beside += "ctypes.memset(a.ctypes.data + 5001, 7, 1); del a"
    for environment, code in (({}, 0), (file_trial._strict_allocator(), -signal.SIGABRT)):
        child = subprocess.run(
            [sys.executable, "-c", beside],
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
        )
        assert child.returncode == code


def test_a_trial_that_needs_too_much_memory(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_trial, "_LEAST_MEMORY_BYTES", 2**25)
    # Not all native code says what it dies of, and an engine may notice by itself.
    with pytest.raises(MovistreamError, match=r"needs more memory|fails|crashes|refuses"):
        movistream.load(foreign)
