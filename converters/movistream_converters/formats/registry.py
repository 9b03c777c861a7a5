"""The kinds of files that weights are read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from movistream_converters.errors import ConversionError
from movistream_converters.formats import (
    keras_file,
    model_garden,
    pytorch,
    safetensors_file,
    saved_model,
    tflite,
)
from movistream_converters.formats.source import Source

Reader = Callable[[Path, str | None, Mapping[str, object] | None], Source]


@dataclass(frozen=True)
class Format:
    """One kind.

    Attributes:
        what: it is, for people.
        sniff: whether a path looks like it; reads no more than it has to.
        read: the network that a path holds.
    """

    what: str
    sniff: Callable[[Path], bool]
    read: Reader


FORMATS: Mapping[str, Format] = {
    "saved-model": Format("a SavedModel's folder", saved_model.sniff, saved_model.read),
    "model-garden": Format(
        "a TensorFlow checkpoint: its prefix, its .index file, or a folder with a 'checkpoint'"
        " file",
        model_garden.sniff,
        model_garden.read,
    ),
    "movistream": Format(
        "a .safetensors file that movistream wrote", safetensors_file.sniff, safetensors_file.read
    ),
    "keras": Format(
        "a file of Keras: .keras, .weights.h5, or the .h5 of Keras 2",
        keras_file.sniff,
        keras_file.read,
    ),
    "pytorch": Format(
        "a state dict of MoViNet-pytorch, .safetensors or .pt", pytorch.sniff, pytorch.read
    ),
    "tflite": Format("a stream model that is a .tflite file already", tflite.sniff, tflite.read),
}
"""By name; the first that recognises a path reads it."""


def read_source(
    path: Path,
    source_format: str | None = None,
    architecture: str | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Source:
    """Reads the network that a file or folder holds.

    Args:
        source_format: a key of :data:`FORMATS`; by default recognised from the content.
        architecture: such as ``movinet-a0-stream``; by default recognised.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if it is of no known kind, damaged, no MoViNet stream model, or does not
            fit the architecture or the overrides.
    """
    name = source_format or _recognised(path)
    if name not in FORMATS:
        raise ConversionError(f"unknown format {name!r}; there are {', '.join(FORMATS)}")
    source = FORMATS[name].read(path, architecture, overrides)
    # A file of our own says itself where its weights come from.
    known = path.name.encode(errors="replace").decode()
    return source if source.name else replace(source, name=known, format=name)


def _recognised(path: Path) -> str:
    for name, kind in FORMATS.items():
        if kind.sniff(path):
            return name
    known = "\n".join(f"  {name}: {kind.what}" for name, kind in FORMATS.items())
    problem = "is of no known kind" if path.exists() else "does not exist"
    raise ConversionError(f"{path} {problem}. Weights are read from\n{known}")
