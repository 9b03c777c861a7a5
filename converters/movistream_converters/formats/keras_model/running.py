"""Runs a model of a ``.keras`` file by Keras itself.

The file may be a stranger's, and Keras imports what a description names. So the description is held
against a list of what it may name, and Keras is given that, the weights, and nothing else of the
file. There are no layers of one's own, no functions but activations, and nothing to be unpickled.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from movistream.system.leftovers import temporary_folder
from movistream.system.native_stderr import first_line
from movistream.system.text import printable
from movistream_converters.errors import ConversionError, NotRunError
from movistream_converters.formats.keras_model.archive import (
    CONFIG,
    METADATA,
    WEIGHTS,
    read_archive,
)
from movistream_converters.formats.keras_model.description import (
    FUNCTIONAL,
    INPUT,
    OPERATION,
    SEQUENTIAL,
)
from movistream_converters.formats.keras_model.layers import TABLE
from movistream_converters.formats.keras_model.parsing import OPERATIONS

_CLASS, _FUNCTION, _TENSOR = "class_name", "function", "__keras_tensor__"
_CELLS = ("GRUCell", "LSTMCell", "SimpleRNNCell")
_LAYERS = frozenset({*TABLE, *_CELLS, INPUT, FUNCTIONAL, SEQUENTIAL})
_OF_MODELS = ("keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential")
_WITHOUT_EFFECT = ("keras.initializers", "keras.regularizers", "keras.constraints")
"""What they describe does nothing to a model that has its weights and is not trained."""
_POLICY = "DTypePolicy"
_FLOAT32 = "float32"
_MIXED = ("mixed_float16", "mixed_bfloat16")


def runner() -> str:
    """Keras with its version.

    Raises:
        NotRunError: if it is not installed, or cannot be imported.
    """
    try:
        import keras
    except (ImportError, OSError, ValueError) as error:
        raise NotRunError(f"Keras cannot be imported ({first_line(str(error))})") from None
    return f"Keras {keras.__version__}"


def run(path: Path, clips: Iterable[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """What a model gives for each clip.

    Args:
        path: of a ``.keras`` file of Keras 3.
        clips: float32 (1, frames, height, width, channels).

    Raises:
        ConversionError: if the file is damaged, or Keras refuses it.
        NotRunError: if it names what Keras is not let make.
    """
    import keras

    archive = read_archive(path)
    described = checked_description(archive.described)
    with temporary_folder() as folder:
        copy = folder / "model.keras"
        with zipfile.ZipFile(copy, "w") as file:
            file.writestr(CONFIG, json.dumps(described))
            file.writestr(WEIGHTS, _weights(archive.arrays))
            file.writestr(METADATA, json.dumps({"keras_version": keras.__version__}))
        try:
            model = keras.saving.load_model(copy, compile=False, safe_mode=True)
            return [answer(model, clip) for clip in clips]
        except Exception as error:  # Whatever a layer raises.
            raise ConversionError(
                f"{path} is not run by Keras: {printable(first_line(str(error)))}"
            ) from None


def _weights(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Arrays as Keras has them beside a description."""
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return data.getvalue()


def answer(model: Any, clip: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What a model gives for a clip."""
    import keras

    # Not in a graph: of any number of frames, Keras 3.15 counts the batch there.
    return np.asarray(keras.ops.convert_to_numpy(model(clip, training=False)))


def checked_description(described: Any) -> Any:
    """A model's description, in float32 and without what it was trained by.

    Raises:
        NotRunError: if it names anything but layers that are read here, and what belongs to them.
    """
    if isinstance(described, list):
        return [checked_description(each) for each in described]
    if not isinstance(described, dict):
        return described
    if _CLASS in described:
        _check(described)
        if described[_CLASS] == _POLICY:
            return _FLOAT32
    return {
        key: _FLOAT32 if key == "dtype" and value in _MIXED else checked_description(value)
        for key, value in described.items()
        if key != "compile_config"
    }


def _check(described: dict[str, Any]) -> None:
    name, module, content = (described.get(key) for key in (_CLASS, "module", "config"))
    registered = described.get("registered_name")
    if not isinstance(name, str) or not isinstance(module, str | None):
        raise NotRunError(f"it names a {name!r:.40} of {module!r:.40}")
    of_keras = registered in (None, name)
    if name == _TENSOR:
        known = module is None
    elif name == _FUNCTION:
        known = module == "builtins" and isinstance(content, str) and content in _activations()
        of_keras = registered in (None, name, content)
    elif name == _POLICY:
        known = module in ("keras", "keras.dtype_policies")
    elif module is not None and module.startswith(OPERATIONS):
        known = f"{OPERATION}{name}" in TABLE
    else:
        known = (
            (module == "keras.layers" and name in _LAYERS)
            or (module in _OF_MODELS and name in (FUNCTIONAL, SEQUENTIAL))
            or (module in _WITHOUT_EFFECT and name.isidentifier())
        )
    if not known or not of_keras:
        raise NotRunError(
            f"it names {printable(name)} of {printable(str(module))}, which Keras is not let make"
        )


def _activations() -> frozenset[str]:
    import keras

    return frozenset(name for name in dir(keras.activations) if not name.startswith("_"))
