"""The project's own weights file: one ``.safetensors`` that describes its network in the header.

Weights are float32 under their canonical names (:func:`.ir.network.weight_shapes`), unfolded, as
they were trained. The header's metadata has one entry, ``movistream.checkpoint``, the JSON of
:class:`Header`. docs/weights.md describes the format.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from movistream.file.manifest import (
    Activation,
    EventDefaults,
    FramesPerSecond,
    Text,
    problem_of_events,
)
from movistream.system.output import replaced_when_done
from movistream.system.text import has_control_characters, printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.described import described_findings, read_document
from movistream_converters.formats.limits import check_weights
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.recognition import (
    GUESSABLE,
    evidence_of_options,
    problem_of_options,
    recognise,
)
from movistream_converters.formats.source import Source
from movistream_converters.ir.document import MOST_DOCUMENT_BYTES, encode_network
from movistream_converters.ir.network import Network, classes_of, horizon_of, weight_shapes
from movistream_converters.ir.weights import Weights, mismatch, non_finite
from movistream_converters.networks.movinet import MovinetOptions, build_movinet

_KEY = "movistream.checkpoint"
_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 2 * MOST_DOCUMENT_BYTES


class Header(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="schema_version", tag=2
):
    """What the weights belong to.

    Attributes:
        document: of the network, see :mod:`.ir.document`.
        source: name of the file that the weights come from.
        source_format: the reader that read it.
        labels: one per class, or none.
        frames_per_second: that the network was trained at; null if unknown.
        movinet: a MoViNet's options; null for other networks.
        activation: what makes scores of the logits; absent for ``softmax``.
        events: when something counts as seen; absent if nobody chose that.
        guessed: those of them that nothing has told so far; who reads the file may still say
            otherwise, and gets another network.
    """

    document: msgspec.Raw
    source: Text
    source_format: Text
    labels: tuple[Text, ...] = ()
    frames_per_second: FramesPerSecond | None = None
    movinet: MovinetOptions | None = None
    guessed: tuple[str, ...] = ()
    activation: Activation | UnsetType = UNSET
    events: EventDefaults | UnsetType = UNSET


class OldHeader(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="schema_version", tag=1
):
    """As it was when all networks were MoViNets, which follow from their options.

    Attributes:
        options: of the network, by name.
        guessed: as above, and so are the others.
    """

    options: MovinetOptions
    guessed: tuple[str, ...]
    source: Text
    source_format: Text
    labels: tuple[Text, ...] = ()


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
            source = _described(path, header, architecture, overrides or {})
            weights = _weights(path, file, source.network)
    except (SafetensorError, OSError) as error:
        raise ConversionError(f"{path} is damaged or no weights file: {error}") from None
    if names := non_finite(weights):
        raise ConversionError(f"{path} holds NaN or infinite weights, first in {names[0]}")
    return replace(source, weights=weights)


def write(source: Source, output: Path) -> int:
    """Writes a weights file, which appears when it is whole; returns its size in bytes.

    Raises:
        ConversionError: if it cannot be written.
    """
    options = options_of(source)
    guesses = {finding.option for finding in source.findings if finding.guessed} & GUESSABLE
    header = Header(
        document=msgspec.Raw(encode_network(source.network)),
        source=source.name,
        source_format=source.format,
        labels=source.labels,
        frames_per_second=source.frames_per_second,
        movinet=options,
        guessed=() if options is None else tuple(sorted(guesses)),
        activation=UNSET if source.activation == "softmax" else source.activation,
        events=UNSET if source.events is None else source.events,
    )
    data = weights_bytes(source.weights, {_KEY: msgspec.json.encode(header).decode()})
    with replaced_when_done(output) as part:
        part.write_bytes(data)
    return len(data)


def weights_bytes(weights: Weights, metadata: dict[str, str]) -> bytes:
    """A safetensors file of weights."""
    # The library writes arrays as they lie in memory, whatever their strides say.
    in_order = {name: np.asarray(value, order="C") for name, value in weights.items()}
    return save(in_order, metadata)


def _header(path: Path, metadata: Mapping[str, str] | None) -> Header | OldHeader:
    try:
        text = (metadata or {})[_KEY]
        if len(text) > _MOST_HEADER_BYTES:
            raise ConversionError(f"{path} describes its network in more than any network needs")
        header = msgspec.json.decode(text, type=Header | OldHeader)
    except KeyError:
        raise ConversionError(f"{path} does not say what network its weights belong to") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConversionError(
            f"{path} describes its network in a way that cannot be used: {printable(str(error))}."
            " It may be damaged, or written by a newer version of movistream"
        ) from None
    if any(map(has_control_characters, (header.source, header.source_format, *header.labels))):
        raise _wrong(path, "its labels or names hold control characters")
    options = header.options if isinstance(header, OldHeader) else header.movinet
    guessable = GUESSABLE if options is not None else frozenset[str]()
    if not guessable.issuperset(header.guessed):
        raise _wrong(path, "it leaves options open that it cannot")
    if options is not None and (problem := problem_of_options(options)) is not None:
        raise _wrong(path, problem)
    return header


def _described(
    path: Path,
    header: Header | OldHeader,
    architecture: str | None,
    overrides: Mapping[str, object],
) -> Source:
    """All but the weights."""
    rate = None if isinstance(header, OldHeader) else header.frames_per_second
    network = None if isinstance(header, OldHeader) else read_document(path, header.document)
    options = header.options if isinstance(header, OldHeader) else header.movinet
    if options is None:
        assert network is not None
        findings = described_findings(path, network, rate, architecture, overrides, path.name)
    else:
        evidence = evidence_of_options(options, path.name, header.guessed)
        found, findings = recognise(path, evidence, architecture, overrides)
        if network is not None and not _agree(network, options):
            raise _wrong(path, "it describes two networks, one by options")
        if network is None or found != options:
            # A guess was said otherwise.
            network = build_movinet(found)
        rate = found.frames_per_second
    if len(header.labels) not in (0, classes_of(network)):
        raise _wrong(path, f"it has {classes_of(network)} classes, and {len(header.labels)} labels")
    activation, events = _scores(path, header, classes_of(network))
    check_weights(path, weight_shapes(network).values())
    return Source(
        network,
        {},
        name=header.source,
        format=header.source_format,
        labels=header.labels,
        frames_per_second=rate,
        activation=activation,
        events=events,
        findings=findings,
    )


def _scores(
    path: Path, header: Header | OldHeader, classes: int
) -> tuple[Activation, EventDefaults | None]:
    """What makes scores of logits, and events of scores."""
    if isinstance(header, OldHeader):
        return "softmax", None
    activation = "softmax" if header.activation is UNSET else header.activation
    if header.events is UNSET:
        return activation, None
    if (problem := problem_of_events(header.events, classes)) is not None:
        raise _wrong(path, f"it {problem}")
    return activation, header.events


def _agree(network: Network, options: MovinetOptions) -> bool:
    """Whether a network's weights, classes, size and horizon are those that options say.

    The layers may differ: what options meant when they were written is in the document.
    """
    meant = build_movinet(options)
    return (
        weight_shapes(network) == weight_shapes(meant)
        and network.image_size == meant.image_size
        and horizon_of(network) == horizon_of(meant)
    )


def _wrong(path: Path, problem: str) -> ConversionError:
    return ConversionError(f"{path} describes its network wrongly: {problem}")


def _weights(path: Path, file: Any, network: Network) -> Weights:
    expected = weight_shapes(network)
    found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    if wrong := mismatch(expected, found):
        raise ConversionError(f"{path} does not fit {network.name}:\n{wrong.describe()}")
    weights: Weights = {}
    for name in expected:
        if (kind := file.get_slice(name).get_dtype()) != "F32":
            raise ConversionError(f"{path} holds {kind} numbers in {name}, not float32")
        weights[name] = np.asarray(file.get_tensor(name))
    return weights
