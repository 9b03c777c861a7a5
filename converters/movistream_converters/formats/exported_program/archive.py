"""The archive of a program: JSON, and the numbers of each weight in a file of its own.

Nothing that is pickled is ever loaded.

Source: PyTorch's ``torch/export/pt2_archive`` (BSD-3-Clause).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.exported_program.program import Program, decode_program
from movistream_converters.formats.limits import check_weights, check_zip
from movistream_converters.formats.torch_zip import strided_array
from movistream_converters.formats.zip_names import names_in_zip

_MODEL = re.compile(r"(?P<root>(?:[^/]+/)?)models/(?P<model>[^/]+)\.json")
_OLD = "serialized_exported_program.json"
_MOST_JSON_BYTES = 2**26
_MOST_ENTRIES = 2**16
_PARTS = (("weights", "weights_config.json"), ("constants", "constants_config.json"))
_STORAGES = {
    1: "ByteStorage",
    2: "CharStorage",
    3: "ShortStorage",
    4: "IntStorage",
    5: "LongStorage",
    6: "HalfStorage",
    7: "FloatStorage",
    8: "DoubleStorage",
    12: "BoolStorage",
    13: "BFloat16Storage",
}
"""What PyTorch calls the storages of its types, by their numbers."""


class _Meta(msgspec.Struct):
    dtype: int
    sizes: list[dict[str, Any]]
    strides: list[dict[str, Any]]
    storage_offset: dict[str, Any]


class _Entry(msgspec.Struct):
    path_name: str
    use_pickle: bool
    tensor_meta: _Meta | None = None


class _Config(msgspec.Struct):
    config: dict[str, _Entry]


def is_program(path: Path) -> bool:
    """Whether a file's names are those of a program's archive, of any version."""
    names = names_in_zip(path)
    if any(name.rpartition("/")[2] == _OLD for name in names):
        return True
    return any(map(_MODEL.fullmatch, names)) and any(
        name.rpartition("/")[2] == "archive_format" for name in names
    )


def read_archive(path: Path) -> tuple[Program, dict[str, npt.NDArray[Any]]]:
    """The program of a file, and its weights, buffers and constants by name.

    Raises:
        ConversionError: if it is damaged, larger than programs are, of a version that is not
            known, or holds what would have to be unpickled.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive)
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
        KeyError,
        TypeError,
        OverflowError,
        NotImplementedError,
        RecursionError,
        zlib.error,
        msgspec.MsgspecError,
    ) as error:
        raise ConversionError(
            f"{path} is damaged or no program of torch.export: {printable(str(error))}"
        ) from None


def _read(path: Path, archive: zipfile.ZipFile) -> tuple[Program, dict[str, npt.NDArray[Any]]]:
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise ValueError(f"it has {len(entries)} entries")
    check_zip(path, entries)
    names = {entry.filename for entry in entries}
    models = [found for name in names if (found := _MODEL.fullmatch(name)) is not None]
    if not models:
        if any(name.rpartition("/")[2] == _OLD for name in names):
            raise ConversionError(
                f"{path} was saved by an old version of PyTorch, whose programs hold pickles: save"
                " it again with torch.export.save of PyTorch 2.9 or newer"
            )
        raise ValueError("it has no model")
    if len(models) > 1:
        listed = ", ".join(sorted(printable(found["model"]) for found in models))
        raise ConversionError(f"{path} holds several programs, {listed}: save one alone")
    root, model = models[0]["root"], models[0]["model"]
    if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
        raise ValueError("its numbers are not little-endian")
    program = decode_program(path, _json(archive, models[0][0]))
    described: list[tuple[str, str, _Meta]] = []
    for part, suffix in _PARTS:
        name = f"{root}data/{part}/{model}_{suffix}"
        if name in names:
            config = msgspec.json.decode(_json(archive, name), type=_Config)
            described += _described(path, f"{root}data/{part}/", config)
    check_weights(path, [_integers(meta.sizes) for _, _, meta in described])
    files: dict[str, bytes] = {}
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name, file, meta in described:
        if file not in files:
            files[file] = archive.read(file)
        if meta.dtype not in _STORAGES:
            raise ValueError(f"{name} holds numbers of the unknown type {meta.dtype}")
        (offset,) = _integers([meta.storage_offset])
        tensors[name] = strided_array(
            _STORAGES[meta.dtype],
            files[file],
            offset,
            _integers(meta.sizes),
            _integers(meta.strides),
        )
    return program, tensors


def _json(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MOST_JSON_BYTES:
        raise ValueError(f"{name} is too large")
    return archive.read(name)


def _described(path: Path, folder: str, config: _Config) -> Iterator[tuple[str, str, _Meta]]:
    for name, entry in config.config.items():
        if entry.use_pickle or entry.tensor_meta is None:
            raise ConversionError(
                f"{path} holds {printable(name)} as a pickle, which is not loaded because it could"
                " run code: export a module whose weights and constants are plain tensors"
            )
        yield name, folder + entry.path_name, entry.tensor_meta


def _integers(sizes: list[dict[str, Any]]) -> tuple[int, ...]:
    found = []
    for size in sizes:
        number = size["as_int"]
        if type(number) is not int or not 0 <= number < 2**40:
            raise ValueError(f"a weight has an impossible size or stride, {number!r:.40}")
        found.append(number)
    return tuple(found)
