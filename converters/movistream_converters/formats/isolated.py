"""Reads a source in a child process: sources are untrusted, and their readers are native code.

The child hands over numbers and descriptions, as a safetensors file. What crashes, hangs or leaks
in a reader ends with the child.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
from safetensors import safe_open

from movistream.errors import MovistreamError
from movistream.file.manifest import Activation, EventDefaults
from movistream.system.child import ChildError, RefusalError, call, nothing, refuse
from movistream.system.leftovers import temporary_folder
from movistream_converters.errors import ConversionError
from movistream_converters.formats.described import read_document
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.safetensors_file import weights_bytes
from movistream_converters.formats.source import Finding, Source, SourceProgram
from movistream_converters.ir.document import encode_network
from movistream_converters.ir.network import weight_shapes
from movistream_converters.networks.movinet import MovinetOptions
from movistream_converters.tensorflow_import import quiet_tensorflow

TIME_LIMIT_S = 600
MEMORY_LIMIT_BYTES = 2**31
"""Reading a checkpoint of A5 takes half of it, tensorflow a quarter."""
_KEY = "movistream.source"
_FILE = "source.safetensors"


class _Description(msgspec.Struct, frozen=True):
    """A source without its weights; values of findings are plain.

    Attributes:
        document: of the network, see :mod:`.ir.document`.
        program: without its path, which need be no text.
    """

    document: msgspec.Raw
    name: str
    format: str
    labels: tuple[str, ...]
    frames_per_second: float | None
    activation: Activation
    events: EventDefaults | None
    findings: tuple[Finding, ...]
    unused: tuple[str, ...]
    program: SourceProgram | None


def read_isolated(
    path: Path,
    source_format: str | None = None,
    architecture: str | None = None,
    overrides: Mapping[str, object] | None = None,
    meanwhile: Callable[[], None] = nothing,
) -> Source:
    """As :func:`.registry.read_source`, in a child process.

    Args:
        overrides: fields of :class:`.MovinetOptions`, as values or as their texts.
        meanwhile: called in this process while the child reads.

    Raises:
        ConversionError: for the same reasons, or if a package is missing that reads it, or the
            child crashes or does not end in time.
    """
    with temporary_folder() as folder:
        arguments = (str(path), source_format, architecture, dict(overrides or {}), str(folder))
        try:
            call(
                __name__,
                "answer",
                *arguments,
                time_limit_s=TIME_LIMIT_S,
                memory_limit_bytes=MEMORY_LIMIT_BYTES,
                meanwhile=meanwhile,
            )
        except RefusalError as error:
            raise ConversionError(str(error)) from None
        except ChildError as error:
            raise ConversionError(
                f"{path} cannot be read: its reader {error}. It may be damaged, or too large for"
                " this machine"
            ) from None
        return _received(path, folder / _FILE)


def answer(
    path: str,
    source_format: str | None,
    architecture: str | None,
    given: dict[str, Any],
    folder: str,
) -> int:
    """The child's side: leaves the source in a folder."""
    quiet_tensorflow()
    overrides = {option: _typed(option, value) for option, value in given.items()}
    try:
        source = read_source(Path(path), source_format, architecture, overrides)
    except MovistreamError as error:
        return refuse(error)
    description = _Description(
        document=msgspec.Raw(encode_network(source.network)),
        name=source.name,
        format=source.format,
        labels=source.labels,
        frames_per_second=source.frames_per_second,
        activation=source.activation,
        events=source.events,
        findings=source.findings,
        unused=source.unused,
        program=None if source.program is None else replace(source.program, path=None),
    )
    metadata = {_KEY: msgspec.json.encode(description).decode()}
    (Path(folder) / _FILE).write_bytes(weights_bytes(source.weights, metadata))
    return 0


def _received(path: Path, file: Path) -> Source:
    with safe_open(file, framework="numpy") as opened:
        described = msgspec.json.decode(opened.metadata()[_KEY], type=_Description)
        network = read_document(path, described.document)
        program = described.program
        weights = {name: np.asarray(opened.get_tensor(name)) for name in weight_shapes(network)}
    return Source(
        network=network,
        weights=weights,
        name=described.name,
        format=described.format,
        labels=described.labels,
        frames_per_second=described.frames_per_second,
        activation=described.activation,
        events=described.events,
        findings=tuple(map(_found, described.findings)),
        unused=described.unused,
        program=program and replace(program, path=str(path)),
    )


def _typed(option: str, value: object) -> object:
    """An option's value as :class:`.MovinetOptions` has it."""
    return msgspec.convert(value, get_type_hints(MovinetOptions).get(option, Any))


def _found(finding: Finding) -> Finding:
    try:
        return replace(finding, value=_typed(finding.option, finding.value))
    except msgspec.ValidationError:
        return finding  # Of another network, whose values are plain.
