"""Small files that claim large weights: refused before memory is taken, in a bounded process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from movistream.cli import main
from movistream_converters.errors import ConversionError
from movistream_converters.formats import isolated, limits, recognition, safetensors_file
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.network import weight_shapes
from movistream_converters.networks.movinet import ARCHITECTURES, build_movinet, default_options
from tests.conftest import small_checkpoint
from tests.converters.sources import SOURCES, keras, keras_by_attribute, keras_by_layer

_READ = """
import sys
from pathlib import Path
from movistream_converters.formats.registry import read_source
from movistream_converters.errors import ConversionError
try:
    read_source(Path(sys.argv[1]))
except ConversionError as error:
    print(error)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
_KERNEL = "movinet/stem/stem/conv2d/conv2d_3/kernel:0"
_CLASSIFIER = "classifier_head/classifier/conv2d/conv2d_3"


def _read(path: Path) -> tuple[str, int]:
    """In a process of its own: what is wrong, and how much memory the process has had."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(path)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    said, peak = done.stdout.strip().rsplit("\n", 1)
    return said, int(peak) * 1024


def _many_classes(path: Path) -> str:
    with h5py.File(path, "w") as file:
        for name, value in keras_by_layer(small_checkpoint("n0")).items():
            if not name.startswith(_CLASSIFIER):
                file[name] = value
        file.create_dataset(f"{_CLASSIFIER}/kernel:0", (1, 1, 128, 6_000_000), "f2")
        file.create_dataset(f"{_CLASSIFIER}/bias:0", (6_000_000,), "f2")
    assert path.stat().st_size < 4_000_000
    return "says that it has 3097 MB of weights; more than 268 MB are not read"


def _never_written(path: Path) -> str:
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("stem/stem/conv2d/conv2d_3/kernel:0", (500_000_000,), "f4")
    assert path.stat().st_size < 2000
    return "says that it has 2000 MB of weights; more than 268 MB are not read"


def _of_no_layer(path: Path) -> str:
    with h5py.File(path, "w") as file:
        file.create_dataset("dense/kernel:0", (500_000_000,), "f4")
    return "holds no MoViNet: none of its 1 arrays is named like a layer"


def _large_chunk(path: Path) -> str:
    with h5py.File(path, "w") as file:
        chunk = (2**28,)
        file.create_dataset(_KERNEL, (1,), "f4", chunks=chunk, maxshape=(None,), fillvalue=1)
    return "says that it has 1074 MB of weights"


def _compressed(path: Path, member: str = "model.weights.h5") -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(member, "w") as file:
            for _ in range(600):
                file.write(bytes(1_000_000))
        if member != "model.weights.h5":
            archive.writestr("model.weights.h5", b"")
    assert path.stat().st_size < 4_000_000
    return "holds 600 MB; more than 537 MB are not read"


def _compressed_description(path: Path) -> str:
    return _compressed(path, "config.json")


@pytest.mark.parametrize(
    "write",
    [
        _many_classes,
        _never_written,
        _of_no_layer,
        _large_chunk,
        _compressed,
        _compressed_description,
    ],
)
def test_files_of_keras_that_claim_much(write: Callable[[Path], str], tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    expected = write(path)
    said, peak = _read(path)
    assert expected in said
    assert len(said.splitlines()) == 1
    assert peak < 400_000_000
    with pytest.raises(ConversionError) as caught:
        read_isolated(path)
    assert expected in str(caught.value)


def test_a_chunk_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the file says how much it is when it is no longer compressed."""
    path = tmp_path / "model.h5"
    compressor = zlib.compressobj(1)
    data = b"".join(compressor.compress(bytes(1_000_000)) for _ in range(600)) + compressor.flush()
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(_KERNEL, (1000,), "f4", chunks=(1000,), compression="gzip")
        dataset.id.write_direct_chunk((0,), data)
    monkeypatch.setattr(isolated, "MEMORY_LIMIT_BYTES", 300_000_000)
    with pytest.raises(ConversionError, match=r"model.h5 is damaged or none of Keras' files"):
        read_isolated(path)


def test_a_file_with_holes(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    numbers = 2**27 + 2
    name = "conv1.conv_1.conv2d.weight"
    entry = {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}
    header = json.dumps({name: entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(path, 8 + len(header) + 4 * numbers)
    said, peak = _read(path)
    assert "w.safetensors holds 537 MB; more than 537 MB are not read" in said
    assert peak < 400_000_000


def test_many_classes_of_our_own(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    small = small_checkpoint()
    safetensors_file.write(small, path)
    data = path.read_bytes()
    assert data.count(b'{\\"layer\\":\\"convolution\\",\\"filters\\":5,') == 1
    many = data.replace(b'\\"filters\\":5,', b'\\"filters\\":5000000,')
    path.write_bytes((int.from_bytes(data[:8], "little") + 6).to_bytes(8, "little") + many[8:])
    with pytest.raises(ConversionError, match="has 5000000 as filters"):
        read_isolated(path)


@pytest.mark.parametrize("write", SOURCES)
def test_no_kind_is_without_limits(
    write: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    monkeypatch.setattr(limits, "MOST_WEIGHT_BYTES", 600_000)
    monkeypatch.setattr(recognition, "MOST_WEIGHT_BYTES", 600_000)
    with pytest.raises(ConversionError, match=r" \d+ MB of weights, ?more than 1 MB|; more than 1"):
        read_source(path)


def test_memory_of_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keras(tmp_path)
    monkeypatch.setattr(isolated, "MEMORY_LIMIT_BYTES", 40_000_000)
    with pytest.raises(ConversionError) as caught:
        read_isolated(path)
    said = str(caught.value)
    assert "its reader needs more memory than 40 MB" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_there_is_room_for_every_architecture(architecture: str) -> None:
    network = build_movinet(default_options(architecture))
    assert 2 * limits.weight_bytes(weight_shapes(network).values()) < 2**28


def test_an_optimizer_beside_the_weights(tmp_path: Path) -> None:
    """Its numbers are not weights, however many they are."""
    path = tmp_path / "w.h5"
    source: Source = small_checkpoint()
    with h5py.File(path, "w") as file:
        for name, value in keras_by_attribute(source).items():
            file[name] = value
        file.create_dataset("optimizer/vars/0", (10**9,), "f4")
    found = read_isolated(path)
    assert found.unused == ("optimizer/vars/0",)
    for name, value in source.weights.items():
        np.testing.assert_array_equal(found.weights[name], value)


def test_what_is_refused_ends_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.keras"
    expected = _never_written(path)
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(path), "-o", str(tmp_path / "out.tflite")])
    assert ended.value.code == 1
    assert expected in capsys.readouterr().err
    assert [path] == list(tmp_path.iterdir())
