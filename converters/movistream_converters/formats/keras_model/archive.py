"""What a .keras file holds: the description of a model, and its arrays."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.hdf5 import read_arrays
from movistream_converters.formats.limits import check_zip

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
DAMAGED = (
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)
"""What zipfile, json and h5py raise for damaged files; they raise RecursionError for some."""

_MOST_CONFIG_BYTES = 2**24
_OF_LAYERS = "layers/"


@dataclass(frozen=True)
class Archive:
    """A file's content.

    Attributes:
        path: of the file.
        described: the model, as JSON.
        arrays: of its layers, by name.
        names: of the layers that they belong to, where the file says so, by the place of the
            arrays.
        unused: names of the other arrays: the optimizer's.
    """

    path: Path
    described: Any
    arrays: Mapping[str, npt.NDArray[Any]]
    names: Mapping[str, str]
    unused: tuple[str, ...]


def read_archive(path: Path) -> Archive:
    """Reads a file.

    Raises:
        ConversionError: if it is damaged, too large, or Keras 3 did not write it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_zip(path, map(archive.getinfo, (CONFIG, WEIGHTS)))
            if (size := archive.getinfo(CONFIG).file_size) > _MOST_CONFIG_BYTES:
                raise ConversionError(
                    f"{path} describes its model in {size} bytes; more than {_MOST_CONFIG_BYTES}"
                    " are not read"
                )
            described = json.loads(archive.read(CONFIG))
            _check_version(path, archive)
            with h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r") as file:
                arrays, unused = read_arrays(path, file, lambda name: name.startswith(_OF_LAYERS))
                names = _names(file)
    except DAMAGED as error:
        raise ConversionError(
            f"{path} is damaged or no file of Keras': {printable(str(error))}"
        ) from None
    return Archive(path, described, arrays, names, unused)


def _names(file: h5py.File) -> dict[str, str]:
    found: dict[str, str] = {}

    def take(place: str, item: Any) -> None:
        if isinstance(item, h5py.Group) and place.startswith(_OF_LAYERS) and "name" in item.attrs:
            found[place] = str(item.attrs["name"])

    file.visititems(take)
    return found


def _check_version(path: Path, archive: zipfile.ZipFile) -> None:
    """Keras 2 names arrays in other ways, and describes models in others."""
    if METADATA not in archive.namelist():
        return
    check_zip(path, [archive.getinfo(METADATA)])
    metadata = json.loads(archive.read(METADATA))
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    if isinstance(version, str) and not version.startswith("3."):
        raise ConversionError(
            f"{path} was written by Keras {printable(version)}; load it with Keras 3 and save it"
            " anew"
        )
