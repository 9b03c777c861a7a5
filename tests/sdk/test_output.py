"""Files appear whole or not at all."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from movistream.errors import OutputError
from movistream.system.output import replaced_when_done


def _write(output: Path, size_bytes: int) -> None:
    with replaced_when_done(output) as part:
        part.write_bytes(bytes(size_bytes))


@contextmanager
def full_disk() -> Iterator[None]:
    """Files cannot grow beyond 1,000 bytes; no report of a test is written meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_room_the_file_before_stays(tmp_path: Path) -> None:
    output = tmp_path / "a.json"
    output.write_text("before")
    message = r"cannot write .*a.json: File too large"
    with full_disk(), pytest.raises(OutputError, match=message):
        _write(output, 1001)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]
    with full_disk():
        _write(output, 1000)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [bytes(1000)]


def test_it_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "a.json"
    synced = list[tuple[int, bool]]()

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_size, output.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    _write(output, 3000)
    assert synced == [(3000, False)]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), replaced_when_done(tmp_path / "a.json") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_permissions(tmp_path: Path) -> None:
    output = tmp_path / "a.json"
    mask = os.umask(0o027)
    try:
        with replaced_when_done(output) as part:
            assert part.stat().st_mode & 0o777 == 0o600
            part.write_text("new")
    finally:
        os.umask(mask)
    assert output.stat().st_mode & 0o777 == 0o640
    output.chmod(0o604)
    with replaced_when_done(output) as part:
        part.write_text("newer")
    assert output.stat().st_mode & 0o777 == 0o604
