"""Files of torch.save, read without PyTorch; what they say is never run or believed."""

from __future__ import annotations

import os
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from movistream_converters.errors import ConversionError
from movistream_converters.formats.torch_file import load_tensors
from tests.converters.torch_files import Written, ordered, save

NUMBERS = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("inside", [None, "model_state", "state_dict", "model"])
def test_numbers_by_name(inside: str | None, protocol: int, tmp_path: Path) -> None:
    tensors = {
        "single": NUMBERS,
        "half": NUMBERS.astype(np.float16),
        "double": NUMBERS.astype(np.float64),
        "count": np.array(7),
        "turned": Written(NUMBERS, (4, 3), (1, 4)),
        "part": Written(NUMBERS, (2,), (4,), 5),
        "repeated": Written(NUMBERS, (5,), (0,), 11),
        "empty": Written(NUMBERS, (0, 4), (4, 1)),
        "brain": Written((NUMBERS.view(np.uint32) >> 16).astype(np.uint16), kind="BFloat16Storage"),
    }
    content: Any = ordered(tensors)
    save({inside: content, "epoch": 3} if inside else content, tmp_path / "m.pt", protocol=protocol)
    found = load_tensors(tmp_path / "m.pt")
    expected = {
        **dict.fromkeys(("single", "half", "double", "brain"), NUMBERS),
        "count": np.array(7),
        "turned": NUMBERS.T,
        "part": np.array([5, 9], np.float32),
        "repeated": np.full(5, 11, np.float32),
        "empty": np.zeros((0, 4), np.float32),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == (np.int64 if name == "count" else np.float32)


class _Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("inside", [None, "model_state"])
def test_objects_are_not_made(inside: str | None, tmp_path: Path) -> None:
    made = tmp_path / "made"
    content = {"a": NUMBERS, "b": _Malicious(made)}
    save({inside: content} if inside else content, tmp_path / "m.pt")
    with pytest.raises(ConversionError, match=r"holds Python objects, .* could run code"):
        load_tensors(tmp_path / "m.pt")
    save(_Malicious(made), tmp_path / "m.pt")
    with pytest.raises(ConversionError, match="holds Python objects"):
        load_tensors(tmp_path / "m.pt")
    # Elsewhere in the file, they are of no interest.
    save({"model_state": {"a": NUMBERS}, "optimizer": _Malicious(made)}, tmp_path / "m.pt")
    assert list(load_tensors(tmp_path / "m.pt")) == ["a"]
    assert not made.exists()


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (Written(NUMBERS, (13,), (1,)), "outside its storage"),
        (Written(NUMBERS, (3, 4), (4, 2)), "outside its storage"),
        (Written(NUMBERS, (2,), (1,), 11), "outside its storage"),
        (Written(NUMBERS, (2,), (1,), 10**15), "impossible shape"),
        (Written(NUMBERS, (2,), (-1,), 5), "impossible shape"),
        (Written(NUMBERS, (2,), (1, 1)), "impossible shape"),
        (Written(NUMBERS, (1,) * 9, (1,) * 9), "impossible shape"),
        (Written(NUMBERS, ("x",), (1,)), "damaged or no state dict"),
        (Written(NUMBERS, (10**9,), (0,)), "says that it has 4000 MB of weights"),
        (Written(NUMBERS, kind="StrangeStorage"), "holds Python objects"),
    ],
)
def test_tensors_that_cannot_be(tensor: Written, reason: str, tmp_path: Path) -> None:
    save({"a": tensor}, tmp_path / "m.pt")
    with pytest.raises(ConversionError, match=reason):
        load_tensors(tmp_path / "m.pt")


def _packed(program: bytes, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", program)
    return path


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"\x80\x02",
        b"\x80\x02}",
        b"\x80\x02u.",
        b"\x80\x02(u.",
        b"\x80\x02h\x07.",
        b"\x80\x02]}\x85s.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02}]K\x01s.",
        b"\x80\x02cos\nmkdir\n",
        b"\x80\x02i os\nmkdir\n.",
        b"\x80\x02Qnope.",
        b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x02X\xff\xff\xff\x7fabc.",
        b"\xff\xfe\xfd",
    ],
)
def test_programs_that_make_no_sense(program: bytes, tmp_path: Path) -> None:
    path = _packed(program, tmp_path / "m.pt")
    with pytest.raises(ConversionError, match="damaged or no state dict"):
        load_tensors(path)


def test_a_dict_that_is_everywhere_is_one(tmp_path: Path) -> None:
    """Twenty levels, each naming the one below ten times: 10^20 dicts, and one that is itself."""
    level: dict[str, Any] = {"a": NUMBERS}
    for _ in range(20):
        level = {f"n{index}": level for index in range(10)}
    save(level, tmp_path / "m.pt")
    assert load_tensors(tmp_path / "m.pt") == {}
    level["n0"] = level
    save(level, tmp_path / "m.pt")
    with pytest.raises(ConversionError, match="damaged or no state dict"):
        load_tensors(tmp_path / "m.pt")


def test_files_that_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    save({"a": NUMBERS}, path)
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for place in generator.integers(0, len(data), 3):
            data[place] = generator.integers(256)
        path.write_bytes(bytes(data[: generator.integers(1, len(data) + 1)]))
        if not data.startswith(b"PK\x03\x04") or path.stat().st_size < 4:
            continue
        with suppress(ConversionError):
            load_tensors(path)
    save({"a": NUMBERS}, path, byteorder="big")
    with pytest.raises(ConversionError, match="not little-endian"):
        load_tensors(path)
    for odd in ([1, 2], {1: NUMBERS}, 5):
        save(odd, path)
        with pytest.raises(ConversionError, match="holds no tensors by name"):
            load_tensors(path)
    _packed(pickle.dumps({}), path)
    assert load_tensors(path) == {}
