"""A stream's memory in a file, to go on later.

The file is a zip archive of .npy arrays, numpy's own ``.npz``, with one more entry that says which
model it is of. Nothing in it is executed. Nothing in it is compressed either, so that reading takes
no more memory than the file has bytes; and it is read strictly as it is written.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
from contextlib import closing
from pathlib import Path
from typing import IO, Annotated, Any, TypeAlias

import msgspec
import numpy as np

from movistream.errors import SnapshotError
from movistream.stream.ensemble import Streamable
from movistream.stream.model import Snapshot
from movistream.system.output import check_output, replaced_when_done

_VERSION = 1
_ABOUT = "movistream.json"
_LARGEST_BYTES = 2**30
_MOST_DIRECTORY_BYTES = 2**20
_SUFFIX = ".npy"

_MAGIC = b"\x93NUMPY\x01\x00"
_START = struct.Struct(f"<{len(_MAGIC)}sH")
_HEADER = re.compile(
    rb"{'descr': '(?P<dtype>[<|][biufc]\d+)', 'fortran_order': False,"
    rb" 'shape': \((?P<shape>(?:\d{1,18}, ?)*\d{0,18})\), } *\n"
)
"""As numpy writes it."""
_DIRECTORY_END = struct.Struct("<4s8xLLH")
_DIRECTORY_MAGIC = b"PK\x05\x06"
_LARGE_MAGIC, _LARGE_BYTES = b"PK\x06\x07", 20
"""What stands before the end of an archive with more than 4 GB or 65,535 entries."""

_DAMAGE = (
    zipfile.BadZipFile,
    msgspec.DecodeError,
    struct.error,
    EOFError,
    KeyError,
    RuntimeError,  # encrypted
    TypeError,  # a dtype that is none
    ValueError,
)


_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Index: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
_Waiting: TypeAlias = Annotated[
    tuple[tuple[_Index, float | None], ...], msgspec.Meta(max_length=2**16)
]
_Layout: TypeAlias = tuple[np.dtype[Any], tuple[int, ...]]


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    frames_seen: _Count
    waiting: _Waiting | msgspec.UnsetType = msgspec.UNSET
    version: int = _VERSION


def write_snapshot(snapshot: Snapshot, path: str | os.PathLike[str]) -> None:
    """Writes a snapshot, in place of what was there.

    Raises:
        OutputError: if the file cannot be written.
    """
    path = Path(path)
    check_output(path)
    about = _About(snapshot.model, snapshot.frames_seen, snapshot.waiting or msgspec.UNSET)
    with replaced_when_done(path) as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr(_ABOUT, msgspec.json.encode(about))
        for name, values in snapshot.tensors.items():
            with archive.open(f"{name}{_SUFFIX}", "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)


def read_snapshot(path: str | os.PathLike[str], model: Streamable | None = None) -> Snapshot:
    """Reads a snapshot.

    Args:
        model: a model or an ensemble that it is for; the file is compared with it before its arrays
            are read. By default streams compare, when they are restored.

    Raises:
        SnapshotError: if the file cannot be read, is damaged, is no snapshot, or is not one of the
            model.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size > _LARGEST_BYTES:
                raise SnapshotError(f"{path} is too large for the memory of a stream")
            _check_directory(file, size)
            with zipfile.ZipFile(file) as archive:
                return _read(path, archive, size, model)
    except SnapshotError:
        raise
    except FileNotFoundError:
        raise SnapshotError(f"there is no saved state {path}") from None
    except OSError as error:
        raise SnapshotError(f"cannot read the saved state {path}: {error.strerror}") from None
    except _DAMAGE:
        raise SnapshotError(f"{path} is damaged, or no saved state") from None


def _check_directory(file: IO[bytes], size: int) -> None:
    """Whether the archive's list of entries, which is read as a whole, is not too long."""
    file.seek(max(0, size - _LARGE_BYTES - _DIRECTORY_END.size))
    end = file.read()
    magic, directory_bytes, _, comment_bytes = _DIRECTORY_END.unpack(end[-_DIRECTORY_END.size :])
    is_ours = magic == _DIRECTORY_MAGIC and not comment_bytes and not end.startswith(_LARGE_MAGIC)
    if not is_ours or directory_bytes > _MOST_DIRECTORY_BYTES:
        raise ValueError


def _read(path: Path, archive: zipfile.ZipFile, size: int, model: Streamable | None) -> Snapshot:
    entries = {entry.filename: entry for entry in archive.infolist()}
    stored = sum(entry.file_size for entry in entries.values())
    if stored > size or len(entries) < len(archive.infolist()):
        raise ValueError
    for entry in entries.values():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise ValueError
    about = msgspec.json.decode(archive.read(entries.pop(_ABOUT)), type=_About)
    if about.version != _VERSION:
        raise SnapshotError(
            f"{path} is of version {about.version}; this version of movistream reads {_VERSION}"
        )
    if model is not None and about.model != model.fingerprint:
        raise SnapshotError(f"{path} is the saved state of another model")
    expected = None if model is None else _layout(model)
    tensors = {}
    for entry in entries.values():
        name = entry.filename.removesuffix(_SUFFIX)
        with archive.open(entry) as file:
            layout = _read_header(file, entry.file_size)
            if expected is not None and layout not in expected.get(name, ()):
                raise SnapshotError(f"{path} does not hold the state {name!r} as the model does")
            dtype, shape = layout
            tensors[name] = np.ndarray(shape, dtype, file.read())
    return Snapshot(about.model, about.frames_seen, tensors, about.waiting or ())


def _layout(model: Streamable) -> dict[str, tuple[_Layout, ...]]:
    """What each array of a snapshot may be like."""
    with closing(model.stream()) as stream:
        fresh = stream.snapshot().tensors
    return {
        # A model of an ensemble that has not answered yet has an empty answer.
        name: tuple((values.dtype, shape) for shape in (values.shape, (model.classes,)))
        if not values.size
        else ((values.dtype, values.shape),)
        for name, values in fresh.items()
    }


def _read_header(file: IO[bytes], size: int) -> _Layout:
    """What an array is like; the rest of the file's so many bytes are the array."""
    magic, length = _START.unpack(file.read(_START.size))
    found = _HEADER.fullmatch(file.read(length))
    if magic != _MAGIC or found is None:
        raise ValueError
    dtype = np.dtype(found["dtype"].decode())
    shape = tuple(map(int, re.findall(rb"\d+", found["shape"])))
    if math.prod(shape) * dtype.itemsize != size - _START.size - length:
        raise ValueError
    return dtype, shape
