"""The kinds of files that weights are read from."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from movistream_converters.errors import ConversionError
from movistream_converters.formats import RANGE_OPTIONS
from movistream_converters.formats.source import Source
from movistream_converters.formats.tensorflow_paths import is_checkpoint, is_saved_model

Sniff: TypeAlias = Callable[[Path], bool]
Read: TypeAlias = Callable[[Path, str | None, Mapping[str, object] | None], Source]


@dataclass(frozen=True)
class Format:
    """One kind; its module is imported when it is used, since some need TensorFlow.

    Attributes:
        what: it is, for people.
        module: in this package, with the functions below.
        of_clips: whether its networks see whole clips, of which it makes streams.
        is_told_range: whether it may be told what its networks see of a picture.
        may_be_late: whether its networks may be told to answer later than their frames.
        recognises: :attr:`sniff`, of a module that needs TensorFlow for anything else.
    """

    what: str
    module: str
    of_clips: bool = False
    is_told_range: bool = False
    may_be_late: bool = False
    recognises: Sniff | None = None

    @property
    def sniff(self) -> Sniff:
        """Says whether a path looks like it; reads no more than it has to."""
        function: Sniff = self.recognises or self._imported().sniff
        return function

    @property
    def read(self) -> Read:
        """Gives the network that a path holds."""
        function: Read = self._imported().read
        return function

    def _imported(self) -> Any:
        return importlib.import_module(f"{__package__}.{self.module}")


FORMATS: Mapping[str, Format] = {
    "tflite": Format("a stream model that is a .tflite file already", "tflite.reader"),
    "movistream": Format("a .safetensors file that movistream wrote", "safetensors_file"),
    "keras": Format(
        "a file of Keras: .keras, .weights.h5, or the .h5 of Keras 2",
        "keras_file",
        is_told_range=True,
        may_be_late=True,
    ),
    "pytorchvideo": Format(
        "a checkpoint of PyTorchVideo's X3D, .pyth, .pt or .safetensors",
        "pytorchvideo",
        of_clips=True,
        may_be_late=True,
    ),
    "torch-export": Format(
        "a program of torch.export, .pt2",
        "exported_program.reader",
        of_clips=True,
        is_told_range=True,
        may_be_late=True,
    ),
    "tsm": Format("a state dict of TSM's online MobileNetV2, .pth.tar, .pt or .safetensors", "tsm"),
    "pytorch": Format("a state dict of MoViNet-pytorch, .safetensors or .pt", "pytorch"),
    "saved-model": Format("a SavedModel's folder", "saved_model", recognises=is_saved_model),
    "model-garden": Format(
        "a TensorFlow checkpoint: its prefix, its .index file, or a folder with a 'checkpoint'"
        " file",
        "model_garden.checkpoint",
        recognises=is_checkpoint,
    ),
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
        overrides: fields of :class:`.MovinetOptions` that the user has set; None for those not.
            ``window_frames``: of the mean in a network that sees clips, which becomes a stream;
            ``all`` for one over all frames so far. ``value_range``, ``mean`` and ``std``: what a
            network sees of a picture, where its source does not say it. ``delay``: True where
            answers may come later than their frames, by as many as the network sees to come.

    Raises:
        ConversionError: if it is of no known kind, damaged, no MoViNet stream model, or does not
            fit the architecture or the overrides.
        MissingExtraError: if it takes a package to read it that is not installed.
    """
    name = source_format or _recognised(path)
    if name not in FORMATS:
        raise ConversionError(f"unknown format {name!r}; there are {', '.join(FORMATS)}")
    if not FORMATS[name].of_clips and (overrides or {}).get("window_frames") is not None:
        raise ConversionError(
            f"{path} holds a stream, whose means are what they are: a window is for networks that"
            " see clips"
        )
    if not FORMATS[name].may_be_late and (overrides or {}).get("delay"):
        raise ConversionError(
            f"{path} is of the format {name}, whose networks see past frames alone: a delay is for"
            " networks that see frames to come"
        )
    if not FORMATS[name].is_told_range and any(
        (overrides or {}).get(option) is not None for option in RANGE_OPTIONS
    ):
        raise ConversionError(
            f"{path} is of the format {name}, whose networks see pictures as its own program shows"
            " them: a range, a mean and a std are told of programs and models of one's own alone"
        )
    source = FORMATS[name].read(path, architecture, overrides)
    if source.name:
        return source  # A weights file says itself where its weights come from.
    # It goes into JSON, which holds no names that are not Unicode.
    file_name = path.name.encode(errors="replace").decode()
    return replace(source, name=file_name, format=name)


def _recognised(path: Path) -> str:
    for name, kind in FORMATS.items():
        if kind.sniff(path):
            return name
    known = "\n".join(f"  {name}: {kind.what}" for name, kind in FORMATS.items())
    problem = "is of no known kind" if path.exists() else "does not exist"
    raise ConversionError(f"{path} {problem}. Weights are read from\n{known}")
