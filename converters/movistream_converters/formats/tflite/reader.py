"""Stream models that are .tflite files already, of whatever precision.

A file of this project says in its manifest what network it holds (:mod:`.manifest`). A file
of another program is read from its graph (:mod:`.network`): kernels come back per channel,
with their batch norms folded in, and activations, gates and the size of the image are to be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from movistream.errors import ModelError
from movistream.file.binding import bind
from movistream.file.graph import FILE_IDENTIFIER, map_file, read_model_file
from movistream.file.manifest import METADATA_NAME
from movistream_converters.errors import ConversionError
from movistream_converters.formats.source import Source
from movistream_converters.formats.tflite import manifest as own_file
from movistream_converters.formats.tflite import weights as foreign_file
from movistream_converters.formats.tflite.graph import UnlikeError, trace
from movistream_converters.ir.document import METADATA_NAME as NETWORK_METADATA_NAME

_MOST_BYTES = 2**30


def sniff(path: Path) -> bool:
    """Whether a file is a .tflite."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(8)[4:] == FILE_IDENTIFIER


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a stream model's file and recognises its network.

    Args:
        architecture: such as ``movinet-a0-stream``; by default recognised from the file.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if it is damaged, it is no MoViNet stream model, or it does not fit the
            architecture or the overrides.
    """
    try:
        with map_file(path) as mapped:
            if len(mapped) > _MOST_BYTES:
                raise ModelError(f"{path} is larger than any stream model")
            data = bytes(mapped)
        file = read_model_file(data, str(path))
        manifest = bind(file, data, str(path)) if METADATA_NAME in file.metadata else None
    except ModelError as error:
        raise ConversionError(str(error)) from None
    try:
        if manifest is not None:
            graph = file.signatures[manifest.signature].graph
            traced = trace(file, graph, data, str(path))
            document = None
            if NETWORK_METADATA_NAME in file.metadata:
                start, size = file.metadata[NETWORK_METADATA_NAME]
                document = data[start : start + size]
            return own_file.read(path, traced, manifest, document, architecture, overrides or {})
        # Others in the file make states, or are functions.
        graph = max(file.graphs, key=lambda graph: len(graph.operators))
        signature = next((s for s in file.signatures.values() if s.graph is graph), None)
        traced = trace(file, graph, data, str(path))
        return foreign_file.read(path, traced, signature, architecture, overrides or {})
    except UnlikeError as error:
        raise ConversionError(f"{path} is no MoViNet stream model: {error}") from None
