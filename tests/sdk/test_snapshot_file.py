from __future__ import annotations

import json
import os
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.errors import OutputError, SnapshotError
from movistream.stream.snapshot_file import read_snapshot, write_snapshot


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


def test_a_file_that_is_huge(written: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.npz"
    path.write_bytes(written.read_bytes())
    os.truncate(path, 2**30 + 1)
    with pytest.raises(SnapshotError, match=r"large.npz is too large for the memory of a stream"):
        read_snapshot(path)


def _entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(path: Path, entries: Iterable[tuple[str, bytes]], compression: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def _peak_bytes(function: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        with suppress(SnapshotError):
            function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _npy(dtype: str, shape: str, data: bytes) -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def test_an_array_as_we_write_it_here_is_read(written: Path, tmp_path: Path) -> None:
    entries = _entries(written)
    name = next(name for name in entries if name.endswith(".npy"))
    entries[name] = _npy("<f4", "(1, 2)", bytes(8))
    tensor = read_snapshot(_write(tmp_path / "a.npz", entries.items())).tensors[name[:-4]]
    assert (tensor.shape, tensor.dtype) == ((1, 2), np.float32)


@pytest.mark.parametrize("with_model", [False, True])
@pytest.mark.parametrize(
    "bomb",
    [
        b"compressed",
        _npy("<f4", "(16777216,)", b""),
        _npy("<f4", "(16777216, 16777216, 16777216)", b""),
        _npy("<f4", f"({'9' * 40},)", b""),
        _npy("<f4", "(-1,)", bytes(4)),
        _npy("<f3", "(1,)", bytes(3)),
        _npy("|O8", "(1,)", bytes(8)),
        _npy("<f4", f"({'(' * 3000}", b""),
        _npy("<f4", "(1,)", bytes(5)),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        b"\x93NUMPY\x01\x00\xff\xff",
        b"",
    ],
)
def test_arrays_that_claim_to_be_huge(
    bomb: bytes, with_model: bool, written: Path, model_path: Path, tmp_path: Path
) -> None:
    entries = _entries(written)
    name = next(name for name in entries if name.endswith(".npy"))
    compression = zipfile.ZIP_STORED
    if bomb == b"compressed":
        bomb = _npy("<f4", "(33554432,)", bytes(2**27))
        compression = zipfile.ZIP_DEFLATED
    entries[name] = bomb
    path = _write(tmp_path / "bomb.npz", entries.items(), compression)
    del bomb, entries
    assert path.stat().st_size < 2**20
    with movistream.load(model_path) as model:
        of = model if with_model else None
        assert _peak_bytes(lambda: read_snapshot(path, of)) < 2**22
        with pytest.raises(SnapshotError, match=r"damaged, or no saved state|as the model does"):
            read_snapshot(path, of)


def test_entries_that_share_their_bytes(written: Path, tmp_path: Path) -> None:
    path = _write(tmp_path / "shared.npz", [*_entries(written).items(), ("x.npy", bytes(2**20))])
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    directory = bytes(data[start:end])
    last = directory[directory.rindex(b"PK\x01\x02") :]
    copies = [last.replace(b"x.npy", f"{number:05}".encode()) for number in range(1000)]
    directory += b"".join(copies)
    ending = bytearray(data[end:])
    ending[12:16] = len(directory).to_bytes(4, "little")
    path.write_bytes(bytes(data[:start]) + directory + ending)
    assert _peak_bytes(lambda: read_snapshot(path)) < 2**24
    with pytest.raises(SnapshotError, match="damaged, or no saved state"):
        read_snapshot(path)


def test_a_directory_of_a_million_entries(written: Path, tmp_path: Path) -> None:
    path = tmp_path / "entries.npz"
    data = written.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    directory = data[start:end] * (2**20 // (end - start) + 1)
    for count, locator in ((len(directory), b""), (46, b"PK\x06\x07" + bytes(16))):
        ending = bytearray(data[end:])
        ending[12:16] = count.to_bytes(4, "little")
        path.write_bytes(data[:start] + directory + locator + ending)
        assert _peak_bytes(lambda: read_snapshot(path)) < 2**22
        with pytest.raises(SnapshotError, match="damaged, or no saved state"):
            read_snapshot(path)


@pytest.mark.parametrize("tail", [b"", b"\0", bytes(22), b"PK\x05\x06" + bytes(18)])
def test_nothing_is_behind_the_end(tail: bytes, written: Path, tmp_path: Path) -> None:
    """Neither a comment, which an archive may have, nor anything else."""
    path = tmp_path / "more.npz"
    data = bytearray(written.read_bytes())
    assert data[-2:] == bytes(2)
    path.write_bytes(data + tail)
    if not tail:
        assert read_snapshot(path).frames_seen == 3
        return
    with pytest.raises(SnapshotError, match="damaged, or no saved state"):
        read_snapshot(path)
    data[-2:] = len(tail).to_bytes(2, "little")
    path.write_bytes(data + tail)
    with pytest.raises(SnapshotError, match="damaged, or no saved state"):
        read_snapshot(path)


def test_an_archive_of_the_large_kind(written: Path, tmp_path: Path) -> None:
    """Its list of entries may have any length, whatever the end of the file says."""
    path = tmp_path / "large.npz"
    data = written.read_bytes()
    end = len(data) - 22
    count = len(_entries(written))
    size, start = struct.unpack_from("<LL", data, end + 12)
    large = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path.write_bytes(data[:end] + large + locator + data[end:])
    assert _entries(path) == _entries(written)
    with pytest.raises(SnapshotError, match="damaged, or no saved state"):
        read_snapshot(path)


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_an_entry_that_is_called_compressed(kind: int, written: Path, tmp_path: Path) -> None:
    """Its bytes, which are as many as before, decompress to nothing."""
    path = tmp_path / "compressed.npz"
    data = bytearray(written.read_bytes())
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, kind)
    struct.pack_into("<H", data, data.index(b"PK\x03\x04") + 8, kind)
    path.write_bytes(data)
    with pytest.raises(SnapshotError, match="damaged, or no saved state"):
        read_snapshot(path)


def test_an_entry_twice(written: Path, tmp_path: Path) -> None:
    entries = _entries(written)
    name = list(entries)[-1]
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = _write(tmp_path / "twice.npz", [*entries.items(), (name, entries[name])])
    with pytest.raises(SnapshotError, match="damaged, or no saved state"):
        read_snapshot(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, r"is of version 2; this version of movistream reads 1"),
        ({"version": 0}, r"is of version 0; this version of movistream reads 1"),
        ({"version": "1"}, "damaged, or no saved state"),
        ({"frames_seen": -1}, "damaged, or no saved state"),
        ({"frames_seen": 2**53 + 1}, "damaged, or no saved state"),
        ({"frames_seen": 10**400}, "damaged, or no saved state"),
        ({"frames_seen": 1.5}, "damaged, or no saved state"),
        ({"other": 1}, "damaged, or no saved state"),
        ({"model": None}, "damaged, or no saved state"),
    ],
)
def test_what_a_file_says_of_itself(
    change: dict[str, object], message: str, written: Path, tmp_path: Path
) -> None:
    entries = _entries(written)
    about = json.loads(entries["movistream.json"])
    assert about == {"model": about["model"], "frames_seen": 3, "version": 1}
    entries["movistream.json"] = json.dumps(about | {"frames_seen": 2**53}).encode()
    path = _write(tmp_path / "about.npz", entries.items())
    assert read_snapshot(path).frames_seen == 2**53
    entries["movistream.json"] = json.dumps(about | change).encode()
    with pytest.raises(SnapshotError, match=message):
        read_snapshot(_write(path, entries.items()))


def test_it_is_compared_with_the_model_first(
    model_path: Path, model_garden_path: Path, written: Path, tmp_path: Path
) -> None:
    with movistream.load(model_path) as model, movistream.load(model_garden_path) as other:
        assert read_snapshot(written, model).frames_seen == 3
        with pytest.raises(SnapshotError, match=r"state.npz is the saved state of another model"):
            read_snapshot(written, other)
        entries = _entries(written)
        name = next(name for name in entries if name.endswith(".npy"))
        for changed in (_npy("<f4", "(5,)", bytes(20)), _npy("<f2", "(0,)", b"")):
            path = _write(tmp_path / "a.npz", (entries | {name: changed}).items())
            read_snapshot(path)
            with pytest.raises(SnapshotError, match=f"the state '{re.escape(name[:-4])}' as the m"):
                read_snapshot(path, model)
        path = _write(tmp_path / "a.npz", (entries | {"odd.npy": entries[name]}).items())
        with pytest.raises(SnapshotError, match="does not hold the state 'odd' as the model does"):
            read_snapshot(path, model)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_an_ensembles(
    steps: int, model_path: Path, model_garden_path: Path, tmp_path: Path, small_frames: np.ndarray
) -> None:
    with movistream.load(model_path) as first, movistream.load(model_garden_path) as second:
        ensemble = movistream.Ensemble([first, second], interleaved=True)
        with ensemble.stream() as one, ensemble.stream() as other:
            for frame in small_frames[:steps]:
                one.step(frame)
            write_snapshot(one.snapshot(), tmp_path / "state.npz")
            other.restore(read_snapshot(tmp_path / "state.npz", ensemble))
            for frame in small_frames[steps:]:
                np.testing.assert_array_equal(one.step(frame).logits, other.step(frame).logits)
        with pytest.raises(SnapshotError, match="another model"):
            read_snapshot(tmp_path / "state.npz", first)


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
    with pytest.raises(OutputError, match="is a folder; name a file in it"):
        write_snapshot(read_snapshot(written), tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is a device or a pipe; name a file"):
        write_snapshot(read_snapshot(written), tmp_path / "pipe")
