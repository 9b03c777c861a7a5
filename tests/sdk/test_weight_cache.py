"""Packed weights that outlive a process."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.engines import compiled_model
from movistream.engines.weight_cache import packed_weights
from movistream.errors import EngineError, EngineUnavailableError
from movistream.system.child import ChildError, RefusalError


def _logits(model_path: Path, cache: Path | str | None, frames: np.ndarray) -> np.ndarray:
    with movistream.load(model_path, weight_cache=cache) as model, model.stream() as stream:
        return np.stack([stream.step(frame).logits for frame in frames])


def test_the_same_answers_with_a_fresh_and_a_warm_cache(
    model_path: Path, frames: np.ndarray, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "cache"
    expected = _logits(model_path, None, frames)
    assert np.array_equal(_logits(model_path, folder, frames), expected)
    (file,) = folder.iterdir()
    written = file.stat().st_mtime_ns
    assert np.array_equal(_logits(model_path, folder, frames), expected)
    assert [file] == list(folder.iterdir())
    assert file.stat().st_mtime_ns == written


def test_models_do_not_share_a_cache(
    model_path: Path, model_garden_path: Path, frames: np.ndarray, tmp_path: Path
) -> None:
    for path in (model_path, model_garden_path):
        expected = _logits(path, None, frames)
        assert np.array_equal(_logits(path, tmp_path, frames), expected)
    assert len(list(tmp_path.iterdir())) == 2


def test_refusals(model_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(EngineError, match="cannot keep weights"):
        movistream.load(model_path, weight_cache=file)
    with pytest.raises(EngineUnavailableError, match="no weight cache"):
        movistream.load(model_path, weight_cache=tmp_path / "cache", engine="interpreter")


def test_a_folder_given_as_text(
    model_path: Path, frames: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = _logits(model_path, None, frames[:1])
    assert np.array_equal(_logits(model_path, "new/cache", frames[:1]), expected)
    (file,) = (tmp_path / "new" / "cache").iterdir()
    before = file.stat()
    assert np.array_equal(_logits(model_path, Path("new/cache"), frames[:1]), expected)
    assert file.stat() == before
    (tmp_path / "file").touch()
    with pytest.raises(
        EngineError, match="cannot keep weights in file: it is a file, and a folder is needed"
    ):
        movistream.load(model_path, weight_cache="file")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(EngineError, match="cannot keep weights in new/cache: no permission to"):
        movistream.load(model_path, weight_cache="new/cache")


@pytest.fixture
def caches(
    model_path: Path, model_garden_path: Path, frames: np.ndarray, tmp_path: Path
) -> tuple[Path, Path]:
    """Those of two models, in one folder."""
    found = []
    for path in (model_path, model_garden_path):
        before = set(tmp_path.iterdir())
        _logits(path, tmp_path, frames[:1])
        (file,) = set(tmp_path.iterdir()) - before
        found.append(file)
    return found[0], found[1]


def _damaged(whole: bytes, other: bytes) -> Iterator[bytes]:
    """Sixty ways to damage a file."""
    generator = np.random.default_rng(3)
    for count in (*[1] * 15, *[8] * 10, *[1000] * 5):
        flipped = bytearray(whole)
        for place in generator.integers(0, len(whole), count):
            flipped[place] ^= 1 << generator.integers(0, 8)
        yield bytes(flipped)
    for size in (0, 1, 16, *generator.integers(17, len(whole), 7)):
        yield whole[:size]
    for size in (1, 4096, len(whole)):
        yield whole + bytes(size)
        yield whole + whole[:size]
    for _ in range(8):
        start = int(generator.integers(0, len(whole)))
        end = min(len(whole), start + 4096)
        yield whole[:start] + bytes(end - start) + whole[end:]
    yield bytes(len(whole))
    yield other
    yield other + whole[len(other) :]
    yield whole[: len(whole) // 2] + other[len(whole) // 2 :]
    yield generator.bytes(len(whole))
    yield whole[::-1]


def test_sixty_damaged_caches_and_no_wrong_answer(
    model_path: Path,
    frames: np.ndarray,
    tmp_path: Path,
    caches: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ChildError("is not to be asked")

    monkeypatch.setattr(compiled_model, "call", fail)
    file, other = caches
    whole = file.read_bytes()
    expected = _logits(model_path, None, frames[:2])
    count = 0
    for damaged in _damaged(whole, other.read_bytes()):
        if damaged == whole:
            continue
        count += 1
        file.write_bytes(damaged)
        file.chmod(0o600)
        caplog.clear()
        assert np.array_equal(_logits(model_path, tmp_path, frames[:2]), expected)
        assert not file.exists()
        assert [record.getMessage() for record in caplog.records] == [
            f"{file} is damaged, and written anew",
            f"packed weights are not kept in {tmp_path}: the engine that writes them is not to be"
            " asked. The disk may be full",
        ]
    assert count == 60
    file.write_bytes(whole)
    file.chmod(0o600)
    caplog.clear()
    assert np.array_equal(_logits(model_path, tmp_path, frames[:2]), expected)
    assert not caplog.records


def test_a_damaged_cache_is_written_anew(
    model_path: Path, frames: np.ndarray, tmp_path: Path, caches: tuple[Path, Path]
) -> None:
    file, other = caches
    whole = file.read_bytes()
    file.write_bytes(other.read_bytes())
    expected = _logits(model_path, None, frames[:1])
    assert np.array_equal(_logits(model_path, tmp_path, frames[:1]), expected)
    assert file.read_bytes() == whole
    assert sorted(tmp_path.iterdir()) == sorted(caches)


def test_another_models_cache_under_its_own_digest(
    model_path: Path, frames: np.ndarray, tmp_path: Path, caches: tuple[Path, Path]
) -> None:
    file, other = caches
    key, digest = file.name.split("-", 1)[0], other.name.split("-", 1)[1]
    file.unlink()
    renamed = other.rename(tmp_path / f"{key}-{digest}")
    expected = _logits(model_path, None, frames[:1])
    assert np.array_equal(_logits(model_path, tmp_path, frames[:1]), expected)
    assert not renamed.exists()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_one_that_others_may_write_is_not_believed(
    mode: int, model_path: Path, frames: np.ndarray, tmp_path: Path, caches: tuple[Path, Path]
) -> None:
    file, _ = caches
    file.chmod(mode)
    # While it is open, no other file can get its number.
    with file.open("rb") as before:
        _logits(model_path, tmp_path, frames[:1])
        assert not os.path.samestat(file.stat(), os.fstat(before.fileno()))
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_one_of_another_user_is_not_believed(
    model_path: Path,
    tmp_path: Path,
    frames: np.ndarray,
    caches: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[str]()

    def note(*arguments: object, **_: object) -> None:
        asked.append(str(arguments[-1]))

    monkeypatch.setattr(compiled_model, "call", note)
    file, _ = caches
    _logits(model_path, tmp_path, frames[:1])
    assert not asked
    os.chown(file, 12345, -1)
    _logits(model_path, tmp_path, frames[:1])
    assert len(asked) == 1
    assert file.exists()


def test_a_link_is_not_followed(
    model_path: Path, frames: np.ndarray, tmp_path: Path, caches: tuple[Path, Path]
) -> None:
    file, _ = caches
    elsewhere = file.rename(tmp_path / "elsewhere")
    file.symlink_to(elsewhere)
    _logits(model_path, tmp_path, frames[:1])
    assert not file.is_symlink()
    assert elsewhere.exists()


_LOAD = """
import json, sys
import numpy as np
import movistream
with movistream.load(sys.argv[1], weight_cache=sys.argv[2]) as model, model.stream() as stream:
    print(json.dumps(stream.step(np.full((48, 48, 3), 90, np.uint8)).logits.tolist()))
"""


def _load_in_a_process(
    model_path: Path, cache: Path, before: Callable[[], None] | None = None
) -> tuple[str, str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(model_path), str(cache)],
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=before,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_without_room_for_it(
    share: float, model_path: Path, tmp_path: Path, caches: tuple[Path, Path]
) -> None:
    limit_bytes = int(share * caches[0].stat().st_size)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    folder = tmp_path / "cache"
    answer, said = _load_in_a_process(model_path, folder, limit)
    assert said.startswith(f"packed weights are not kept in {folder}: ")
    assert len(said.splitlines()) == 1
    assert list(folder.iterdir()) == []
    assert _load_in_a_process(model_path, folder) == (answer, "")
    assert len(list(folder.iterdir())) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts file systems of so many bytes."""
    mounted = []

    def mount(size_bytes: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a small disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(
    model_path: Path, tmp_path: Path, small_disk: Callable[[int], Path], caches: tuple[Path, Path]
) -> None:
    answer, _ = _load_in_a_process(model_path, tmp_path)
    pages = -(-caches[0].stat().st_size // 4096)
    for left_out in (1, pages // 2, pages - 1):
        disk = small_disk((pages - left_out) * 4096)
        found, said = _load_in_a_process(model_path, disk)
        assert found == answer
        assert len(said.splitlines()) == 1
        assert list(disk.iterdir()) == []
    disk = small_disk(pages * 4096)
    assert _load_in_a_process(model_path, disk) == (answer, "")
    assert len(list(disk.iterdir())) == 1


def test_no_room_for_the_folder(
    model_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def mkdir(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with movistream.load(model_path, weight_cache=tmp_path / "new") as model:
        assert model.classes == 5
    assert caplog.messages == [
        f"packed weights are not kept in {tmp_path / 'new'}: No space left on device"
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RefusalError("the engine refuses"), "the engine refuses. The disk may be full"),
        (
            ChildError("crashes (SIGBUS)"),
            "the engine that writes them crashes (SIGBUS). The disk may be full",
        ),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
def test_why_weights_are_not_kept_is_told(
    error: Exception, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    with packed_weights(tmp_path / "cache", fail) as path:
        assert path is None
    assert caplog.messages == [f"packed weights are not kept in {tmp_path}: {reason}"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 36, 262_143, 262_144, 262_145, 600_000])
def test_weights_of_any_size_come_back(size: int, tmp_path: Path) -> None:
    """Their digest is read in parts of 256 KiB."""
    content = np.random.default_rng(size).bytes(size)
    packed = list[Path]()

    def pack(path: Path) -> None:
        packed.append(path)
        path.write_bytes(content)

    for _ in range(2):
        with packed_weights(tmp_path / "cache", pack) as found:
            assert found is not None
            assert Path(found).read_bytes() == content
    assert len(packed) == 1
    (file,) = tmp_path.iterdir()
    digest = hashlib.sha256(b"cache" + content).hexdigest()
    assert file.name == f"cache-{digest}.xnnpack-weights"
