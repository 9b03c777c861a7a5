from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream import snapshot_file
from movistream.errors import OutputError, SnapshotError
from movistream.snapshot_file import read_snapshot, write_snapshot


@pytest.fixture(scope="module")
def written(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("state") / "state.npz"
    with movistream.load(model_path) as model, model.stream() as stream:
        for value in (10, 200, 90):
            stream.step(np.full((48, 48, 3), value, np.uint8))
        write_snapshot(stream.snapshot(), path)
    return path


def test_it_comes_back_bit_by_bit(
    model_path: Path, written: Path, small_frames: np.ndarray
) -> None:
    snapshot = read_snapshot(written)
    assert snapshot.frames_seen == 3
    with movistream.load(model_path) as model, model.stream() as one, model.stream() as other:
        for value in (10, 200, 90):
            one.step(np.full((48, 48, 3), value, np.uint8))
        other.restore(snapshot)
        for frame in small_frames:
            np.testing.assert_array_equal(one.step(frame).logits, other.step(frame).logits)


def test_numpy_reads_it_too(written: Path) -> None:
    with np.load(written, allow_pickle=False) as arrays:
        assert all(isinstance(arrays[name], np.ndarray) for name in arrays if "json" not in name)


def test_what_is_no_saved_state(tmp_path: Path, model_path: Path) -> None:
    empty = tmp_path / "empty.npz"
    with zipfile.ZipFile(empty, "w"):
        pass
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, movistream=np.array([{"a": 1}], dtype=object))
    for path in (empty, pickled, model_path):
        with pytest.raises(SnapshotError, match="no saved state"):
            read_snapshot(path)
    with pytest.raises(SnapshotError, match="there is no saved state"):
        read_snapshot(tmp_path / "missing.npz")
    with pytest.raises(SnapshotError, match="cannot read"):
        read_snapshot(tmp_path)


def test_an_archive_that_is_huge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_file, "_LARGEST_BYTES", 1000)
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", bytes(1001))
    with pytest.raises(SnapshotError, match="too large"):
        read_snapshot(path)


def test_a_damaged_file_never_crashes(written: Path, model_path: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    whole = written.read_bytes()
    path = tmp_path / "damaged.npz"
    with movistream.load(model_path) as model, model.stream() as stream:
        for count in range(300):
            damaged = bytearray(whole)
            if count % 3 == 0:
                del damaged[generator.integers(0, len(whole)) :]
            else:
                for place in generator.integers(0, len(whole), count % 3 * 4):
                    damaged[place] ^= 1 << generator.integers(0, 8)
            path.write_bytes(damaged)
            with suppress(SnapshotError):
                stream.restore(read_snapshot(path))
        stream.step(np.zeros((48, 48, 3), np.uint8))


def test_a_place_that_cannot_be_written(written: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_snapshot(read_snapshot(written), tmp_path / "missing" / "state.npz")
