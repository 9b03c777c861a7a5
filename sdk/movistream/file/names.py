"""Names of models: those that come with this package, and those in this user's folder.

A name is a file's name without ``.tflite``. The folder is ``models`` in the user's cache folder, by
default ``~/.cache/movistream/models``.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from movistream.errors import ModelError
from movistream.system.text import printable
from movistream.system.user_folders import cache_folder

MODEL_SUFFIX = ".tflite"

BUILT_IN_DIGESTS: Mapping[str, str] = MappingProxyType(
    {
        "camera-motion": "40c606c6ad12a3ec0e0ccb371355d8b4b37e80f51351a8427b100a89503f90e9",
        "camera-motion-small": "079e7b4e442e12dd7011a6585c378c9f0ed2ffe376b5ab9694d5d2644260fcee",
        "camera-health": "8e9397567cf58aad028b5d6b21565a57ce8b8a554e2bdbcb605332da6e19e178",
    }
)
"""Models that come with this package, by name: the digests that their manifests are sealed with.

``make built-in-models`` writes the files and prints their digests.
"""

_BUILT_IN_FOLDER = Path(__file__).parent / "models"


@dataclass(frozen=True)
class NamedModel:
    """A model that has a name on this machine.

    Attributes:
        name: the name of the model.
        path: the path of its file.
        built_in: whether it comes with this package.
    """

    name: str
    path: Path
    built_in: bool


def models_folder() -> Path | None:
    """Where this user's named models are; None if this user has no home."""
    folder = cache_folder()
    return None if folder is None else folder / "models"


def named_models() -> tuple[NamedModel, ...]:
    """All models that have a name: the built-in ones, then those in the user's folder.

    A file of the user's folder that is called as a built-in model is not among them.
    """
    found = [NamedModel(name, _built_in_file(name), True) for name in BUILT_IN_DIGESTS]
    folder = models_folder()
    try:
        files = [] if folder is None else sorted(folder.iterdir())
    except OSError:
        files = []
    found += [
        NamedModel(file.stem, file, False)
        for file in files
        if file.suffix == MODEL_SUFFIX and file.stem not in BUILT_IN_DIGESTS and file.is_file()
    ]
    return tuple(found)


def find_model(model: str | os.PathLike[str]) -> Path:
    """The file that a path or a name stands for; a path that exists wins over a name.

    A folder is no model, and takes no name from one.

    Raises:
        ModelError: if there is no such file, and no model of such a name.
    """
    if not isinstance(model, (str, os.PathLike)):
        raise ModelError(f"a model must be the path or the name of a file, not {model!r}")
    path, name = Path(model), os.fspath(model)
    if path.exists() and not path.is_dir():
        return path
    known = {named.name: named.path for named in named_models()}
    if name in known:
        return known[name]
    if path.exists() or not _may_be_a_name(name):
        return path  # Whoever opens it says what is wrong with it.
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"models with names are {_listed(known)}"
    raise ModelError(f"there is no file and no model called {name!r}; {hint}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(printable, names))


def _built_in_file(name: str) -> Path:
    return _BUILT_IN_FOLDER / f"{name}{MODEL_SUFFIX}"


def _may_be_a_name(text: str) -> bool:
    separators = {os.sep, os.altsep or os.sep}
    return not text.endswith(MODEL_SUFFIX) and separators.isdisjoint(text)
