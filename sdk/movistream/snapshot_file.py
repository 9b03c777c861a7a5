"""A stream's memory in a file, to go on later.

The file is a zip archive of .npy arrays, numpy's own ``.npz``, with one more entry that says which
model it is of. Nothing in it is executed.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import msgspec
import numpy as np

from movistream.errors import SnapshotError
from movistream.model import Snapshot
from movistream.output import check_output, replaced_when_done

_ABOUT = "movistream.json"
_LARGEST_BYTES = 2**30
_SUFFIX = ".npy"


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    msgspec.DecodeError,
    EOFError,
    KeyError,
    MemoryError,
    RuntimeError,  # encrypted, or compressed in a way that this Python does not know
    ValueError,
)


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    frames_seen: int
    version: int = 1


def write_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Writes a snapshot, in place of what was there.

    Raises:
        OutputError: if the file cannot be written.
    """
    check_output(path)
    about = _About(snapshot.model, snapshot.frames_seen)
    with replaced_when_done(path) as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr(_ABOUT, msgspec.json.encode(about))
        for name, values in snapshot.tensors.items():
            with archive.open(f"{name}{_SUFFIX}", "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)


def read_snapshot(path: Path) -> Snapshot:
    """Reads a snapshot.

    Raises:
        SnapshotError: if the file cannot be read, is damaged, or is no snapshot.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _LARGEST_BYTES:
                raise SnapshotError(f"{path} is too large for the memory of a stream")
            about = msgspec.json.decode(archive.read(_ABOUT), type=_About)
            tensors = {}
            for entry in entries:
                if entry.filename != _ABOUT:
                    with archive.open(entry) as file:
                        values = np.lib.format.read_array(file, allow_pickle=False)
                    tensors[entry.filename.removesuffix(_SUFFIX)] = values
    except SnapshotError:
        raise
    except FileNotFoundError:
        raise SnapshotError(f"there is no saved state {path}") from None
    except OSError as error:
        raise SnapshotError(f"cannot read the saved state {path}: {error.strerror}") from None
    except _DAMAGE:
        raise SnapshotError(f"{path} is damaged, or no saved state") from None
    return Snapshot(about.model, about.frames_seen, tensors)
