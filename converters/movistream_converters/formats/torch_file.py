"""Tensors by name from files of PyTorch's world: ``.safetensors``, and those of ``torch.save``.

The latter are zip archives, which are read here without PyTorch (:mod:`.torch_zip`), or, from old
versions, bare pickles, which PyTorch reads without running what they may hold (``weights_only``).
"""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from movistream.errors import MissingExtraError
from movistream.system.native_stderr import first_line
from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import check_file, check_weights
from movistream_converters.formats.safetensors_file import header_bytes
from movistream_converters.formats.torch_zip import Unknown, is_zip, read_torch_zip
from movistream_converters.formats.zip_names import names_in_zip

SUFFIXES = (".pt", ".pth", ".pyth", ".bin")
"""That files of ``torch.save`` have."""

_BARE_PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""What files of old versions begin with: a number that tells them, pickled."""

_MOST_TEXT_BYTES = 1 << 24
_INSIDE = ("state_dict", "model_state_dict", "model_state", "model")
"""Where training programs put the weights, beside other things."""


def pickled_text(path: Path) -> bytes:
    """What describes the tensors of a file of ``torch.save``; nothing if it is no such file.

    Of old versions' it is the file's begin, in which their names stand.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_BARE_PICKLE)) == _BARE_PICKLE:
                return file.read(_MOST_TEXT_BYTES)
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith("/data.pkl"):
                    with archive.open(name) as file:
                        return file.read(_MOST_TEXT_BYTES)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, zlib.error):
        pass
    return b""


def holds_pickle(path: Path) -> bool:
    """Whether a file is one of today's ``torch.save``, whatever it is called."""
    return any(name.endswith("/data.pkl") for name in names_in_zip(path))


def safetensors_names(path: Path) -> list[str]:
    """What the tensors of a ``.safetensors`` file are called; nothing if it is none."""
    try:
        header = json.loads(header_bytes(path))
    except (ValueError, RecursionError):
        return []
    return list(header) if isinstance(header, dict) else []


def load_tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a state dict, numbers with a fraction as float32.

    Raises:
        ConversionError: if the file is damaged or too large, or holds anything else by name.
        MissingExtraError: if it takes PyTorch to read it, which is not installed.
    """
    try:
        check_file(path)
        if path.suffix == ".safetensors":
            return {name: _as_float32(array) for name, array in load_file(path).items()}
        loaded = read_torch_zip(path) if is_zip(path) else _load_by_torch(path)
    except (SafetensorError, OSError, TypeError, KeyError) as error:
        raise ConversionError(f"{path} is damaged or no state dict: {error}") from None
    for name in _INSIDE:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping):
            loaded = loaded[name]
    values = loaded.values() if isinstance(loaded, Mapping) else [loaded]
    if any(isinstance(value, Unknown) for value in values):
        raise _holds_objects(path)
    if not isinstance(loaded, Mapping) or not all(isinstance(name, str) for name in loaded):
        raise ConversionError(f"{path} is no state dict: it holds no tensors by name")
    return {name: value for name, value in loaded.items() if isinstance(value, np.ndarray)}


def _holds_objects(path: Path) -> ConversionError:
    return ConversionError(
        f"{path} is no plain state dict: it holds Python objects, which are not loaded because"
        " they could run code. Save model.state_dict() alone"
    )


def _load_by_torch(path: Path) -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError(
            "reading bare pickles of PyTorch (but no zip files and no .safetensors)", "torch"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It warns of pickles that it then refuses.
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise _holds_objects(path) from None
    except (RuntimeError, EOFError, ValueError, LookupError) as error:
        raise ConversionError(
            f"{path} is damaged or no state dict: {first_line(str(error))}"
        ) from None
    shapes: list[tuple[int, ...]] = []
    _arrays(loaded, torch.is_tensor, lambda tensor: shapes.append(tuple(tensor.shape)))
    # One number may stand for a whole tensor.
    check_weights(path, shapes)
    return _arrays(
        loaded,
        torch.is_tensor,
        lambda tensor: (tensor.float() if tensor.is_floating_point() else tensor).numpy(),
    )


def _arrays(loaded: Any, is_tensor: Any, convert: Any) -> Any:
    """The same, with what is made of tensors in their place, down to dicts in a dict."""
    if not isinstance(loaded, Mapping):
        return loaded
    return {
        name: {key: convert(item) if is_tensor(item) else item for key, item in value.items()}
        if isinstance(value, Mapping)
        else convert(value)
        if is_tensor(value)
        else value
        for name, value in loaded.items()
    }


def _as_float32(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array
