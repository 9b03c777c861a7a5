"""Arrays of an HDF5 file that the file itself holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from movistream_converters.formats.limits import check_weights


def read_arrays(
    path: Path, file: h5py.File, wanted: Callable[[str], bool]
) -> tuple[dict[str, npt.NDArray[Any]], tuple[str, ...]]:
    """The arrays whose names are wanted, and the names of all others.

    Args:
        path: of the file, for errors.

    Raises:
        ConversionError: if they are larger than any network's.
        ValueError: if one lies in another file: such are not looked for.
    """
    found: list[h5py.Dataset] = []
    file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    if elsewhere := [item.name for item in found if item.external or item.is_virtual]:
        raise ValueError(f"{elsewhere[0]} is kept in another file")
    datasets = {item.name.lstrip("/"): item for item in found}
    kept = {name: item for name, item in datasets.items() if wanted(name)}
    check_weights(path, [item.shape or () for item in kept.values()])
    # A chunk is read as a whole, for whatever part of it.
    check_weights(path, [item.chunks for item in kept.values() if item.chunks])
    rest = tuple(sorted(datasets.keys() - kept.keys()))
    return {name: np.asarray(item[()]) for name, item in kept.items()}, rest
