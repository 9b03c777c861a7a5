"""The project's own weights file: one ``.safetensors`` that describes its network in the header.

Weights are float32 under their canonical names (:func:`.ir.network.weight_shapes`), unfolded, as
they were trained. The header's metadata has one entry, ``movistream.checkpoint``, the JSON of
:class:`Header`. docs/weights.md describes the format.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from movistream.file.manifest import Text
from movistream.system.output import replaced_when_done
from movistream.system.text import has_control_characters
from movistream_converters.errors import ConversionError
from movistream_converters.formats.recognition import (
    GUESSABLE,
    evidence_of_options,
    problem_of_options,
    recognise,
)
from movistream_converters.formats.source import Source
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.weights import Mismatch, Weights, non_finite
from movistream_converters.networks.movinet import MovinetOptions, build_movinet

_KEY = "movistream.checkpoint"
_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 1 << 20


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the weights belong to.

    Attributes:
        options: of the network, by name.
        guessed: options that nothing has told so far; who reads the file may still say otherwise.
        source: name of the file that the weights come from.
        source_format: the reader that read it.
        labels: one per class, or none.
        schema_version: of this description; other versions are refused.
    """

    options: MovinetOptions
    guessed: tuple[str, ...]
    source: Text
    source_format: Text
    labels: tuple[Text, ...] = ()
    schema_version: Literal[1] = 1


def sniff(path: Path) -> bool:
    """Whether a file is one of these."""
    return path.is_file() and f'"{_KEY}"'.encode() in header_bytes(path)


def header_bytes(path: Path) -> bytes:
    """The header of a safetensors file: JSON, unless the file is another, or cut off."""
    with path.open("rb") as file:
        start = file.read(_LENGTH.size)
        if len(start) < _LENGTH.size:
            return b""
        return file.read(min(*_LENGTH.unpack(start), _MOST_HEADER_BYTES))


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a weights file.

    Args:
        architecture: such as ``movinet-a0-stream``, to insist on it.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if it is damaged, of another version, or does not fit its own description,
            the architecture or the overrides.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            header = _header(path, file.metadata())
            evidence = evidence_of_options(header.options, path.name, header.guessed)
            options, findings = recognise(path, evidence, architecture, overrides or {})
            network = build_movinet(options)
            weights = _weights(path, file, network)
    except (SafetensorError, OSError) as error:
        raise ConversionError(f"{path} is damaged or no weights file: {error}") from None
    if names := non_finite(weights):
        raise ConversionError(f"{path} holds NaN or infinite weights, first in {names[0]}")
    return Source(
        options,
        network,
        weights,
        findings,
        name=header.source,
        format=header.source_format,
        labels=header.labels,
    )


def write(source: Source, output: Path) -> int:
    """Writes a weights file, which appears when it is whole; returns its size in bytes.

    Raises:
        ConversionError: if it cannot be written.
    """
    guessed = tuple(finding.option for finding in source.findings if finding.guessed)
    header = Header(source.options, guessed, source.name, source.format, source.labels)
    description = msgspec.to_builtins(header)
    for option in ("horizon_frames", "table"):
        if getattr(source.options, option) is None:
            # As it was before networks could have one: older versions read such files too.
            del description["options"][option]
    data = weights_bytes(source.weights, {_KEY: msgspec.json.encode(description).decode()})
    with replaced_when_done(output) as part:
        part.write_bytes(data)
    return len(data)


def weights_bytes(weights: Weights, metadata: dict[str, str]) -> bytes:
    """A safetensors file of weights."""
    # The library writes arrays as they lie in memory, whatever their strides say.
    in_order = {name: np.asarray(value, order="C") for name, value in weights.items()}
    return save(in_order, metadata)


def _header(path: Path, metadata: Mapping[str, str] | None) -> Header:
    try:
        header = msgspec.json.decode((metadata or {})[_KEY], type=Header)
    except KeyError:
        raise ConversionError(f"{path} does not say what network its weights belong to") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConversionError(
            f"{path} describes its network in a way that cannot be used: {error}. It may be"
            " damaged, or written by a newer version of movistream"
        ) from None
    problem = problem_of_options(header.options)
    if problem is None and not GUESSABLE.issuperset(header.guessed):
        problem = "it leaves options open that it cannot"
    if problem is None and len(header.labels) not in (0, header.options.num_classes):
        problem = f"it has {header.options.num_classes} classes, and {len(header.labels)} labels"
    if any(map(has_control_characters, (header.source, header.source_format, *header.labels))):
        problem = "its labels or names hold control characters"
    if problem is not None:
        raise ConversionError(f"{path} describes its network wrongly: {problem}")
    return header


def _weights(path: Path, file: Any, network: Network) -> Weights:
    expected = weight_shapes(network)
    found = set(file.keys())
    shapes = {name: tuple(file.get_slice(name).get_shape()) for name in found & expected.keys()}
    mismatch = Mismatch(
        tuple(name for name in expected if name not in found),
        tuple(sorted(found - expected.keys())),
        tuple(
            (name, expected[name], shape)
            for name, shape in sorted(shapes.items())
            if shape != expected[name]
        ),
    )
    if mismatch:
        raise ConversionError(f"{path} does not fit {network.name}:\n{mismatch.describe()}")
    weights: Weights = {}
    for name in expected:
        if (kind := file.get_slice(name).get_dtype()) != "F32":
            raise ConversionError(f"{path} holds {kind} numbers in {name}, not float32")
        weights[name] = np.asarray(file.get_tensor(name))
    return weights
