"""How much memory a source of weights may ask for, known before it is given.

Small files can claim large arrays: compressed, never written, or one number repeated.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable
from pathlib import Path

from movistream_converters.errors import ConversionError

MOST_WEIGHT_BYTES = 2**28
"""As float32: twice those of A5."""
MOST_FILE_BYTES = 2**29
"""Of a file that is read as a whole; there may be an optimizer's numbers beside the weights."""
_FLOAT32_BYTES = 4


def weight_bytes(shapes: Iterable[tuple[int, ...]]) -> int:
    """What weights of such shapes take as float32."""
    return _FLOAT32_BYTES * sum(math.prod(shape) for shape in shapes)


def check_weights(path: Path, shapes: Iterable[tuple[int, ...]]) -> None:
    """Refuses weights that are larger than those of any MoViNet.

    Args:
        path: of the file, for messages.

    Raises:
        ConversionError: if they are.
    """
    if (size := weight_bytes(shapes)) > MOST_WEIGHT_BYTES:
        raise ConversionError(
            f"{path} says that it has {_megabytes(size)} of weights; more than"
            f" {_megabytes(MOST_WEIGHT_BYTES)} are not read"
        )


def check_zip(path: Path, entries: Iterable[zipfile.ZipInfo]) -> None:
    """Refuses files in a zip file that are large, whatever they are when compressed.

    Raises:
        ConversionError: if they are.
    """
    _check_content(path, sum(entry.file_size for entry in entries))


def check_file(path: Path) -> None:
    """Refuses a large file.

    Raises:
        ConversionError: if it is.
        OSError: if it cannot be read.
    """
    _check_content(path, path.stat().st_size)


def _check_content(path: Path, size: int) -> None:
    if size > MOST_FILE_BYTES:
        raise ConversionError(
            f"{path} holds {_megabytes(size)}; more than {_megabytes(MOST_FILE_BYTES)} are not read"
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
