"""Reads a source in a child process: sources are untrusted, and their readers are native code.

The child hands over numbers and descriptions, as a safetensors file. What crashes, hangs or leaks
in a reader ends with the child.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
from safetensors import safe_open

from movistream.child import REFUSED, outcome, refuse, started
from movistream.errors import MovistreamError
from movistream_converters.errors import ConversionError
from movistream_converters.formats.safetensors_file import weights_bytes
from movistream_converters.formats.source import Finding, Source
from movistream_converters.movinet import MovinetOptions, build_movinet
from movistream_converters.network import weight_shapes
from movistream_converters.tensorflow_import import import_tensorflow

TIME_LIMIT_S = 600
_KEY = "movistream.source"
_FILE = "source.safetensors"


class _Description(msgspec.Struct, frozen=True):
    """A source without its weights."""

    options: MovinetOptions
    findings: tuple[tuple[str, Any, str, bool], ...]
    unused: tuple[str, ...]
    name: str
    format: str
    labels: tuple[str, ...]


def read_isolated(
    path: Path,
    source_format: str | None = None,
    architecture: str | None = None,
    overrides: Mapping[str, object] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Source:
    """As :func:`.registry.read_source`, in a child process.

    Args:
        meanwhile: called in this process while the child reads.

    Raises:
        ConversionError: for the same reasons, or if the child crashes or does not end in time.
    """
    given = {option: getattr(v, "value", v) for option, v in (overrides or {}).items()}
    with tempfile.TemporaryDirectory(prefix="movistream-") as folder:
        arguments = (str(path), source_format, architecture, given, folder)
        with started(__name__, "answer", *arguments) as child:
            meanwhile()
            ended = outcome(child, TIME_LIMIT_S)
        if ended.code is None:
            raise ConversionError(f"{path} keeps its reader busy for {TIME_LIMIT_S} s")
        if ended.signal is not None:
            raise ConversionError(f"{path} crashes its reader ({ended.signal}): it is damaged")
        if ended.code == REFUSED:
            raise ConversionError(ended.output)
        if ended.code:
            raise ConversionError(f"{path} cannot be read: {ended.last_line}")
        return _received(Path(folder) / _FILE)


def answer(
    path: str,
    source_format: str | None,
    architecture: str | None,
    given: dict[str, Any],
    folder: str,
) -> int:
    """The child's side: leaves the source in a folder, or says what is wrong with it."""
    import_tensorflow()
    from movistream_converters.formats.registry import read_source

    kinds = get_type_hints(MovinetOptions)
    overrides = {
        option: None if value is None else msgspec.convert(value, kinds[option])
        for option, value in given.items()
    }
    try:
        source = read_source(Path(path), source_format, architecture, overrides)
    except MovistreamError as error:
        return refuse(error)
    description = _Description(
        options=source.options,
        findings=tuple((f.option, f.value, f.source, f.guessed) for f in source.findings),
        unused=source.unused,
        name=source.name,
        format=source.format,
        labels=source.labels,
    )
    metadata = {_KEY: msgspec.json.encode(description).decode()}
    (Path(folder) / _FILE).write_bytes(weights_bytes(source.weights, metadata))
    return 0


def _received(file: Path) -> Source:
    kinds = get_type_hints(MovinetOptions)
    with safe_open(file, framework="numpy") as opened:
        described = msgspec.json.decode(opened.metadata()[_KEY], type=_Description)
        network = build_movinet(described.options)
        weights = {name: np.asarray(opened.get_tensor(name)) for name in weight_shapes(network)}
    findings = tuple(
        Finding(option, msgspec.convert(value, kinds[option]), source, guessed)
        for option, value, source, guessed in described.findings
    )
    return Source(
        described.options,
        network,
        weights,
        findings,
        described.unused,
        described.name,
        described.format,
        described.labels,
    )
