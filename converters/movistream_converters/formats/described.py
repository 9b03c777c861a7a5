"""Networks that a file of ours describes itself, as a document (:mod:`.ir.document`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import check_weights
from movistream_converters.formats.source import Finding, option_text
from movistream_converters.ir.document import decode_network
from movistream_converters.ir.network import (
    Network,
    NetworkError,
    classes_of,
    horizon_of,
    weight_shapes,
)


def read_document(path: Path, document: bytes) -> Network:
    """The network of a document.

    Args:
        path: of the file that holds it, for messages.

    Raises:
        ConversionError: if it describes none, one too large, or one that cannot run frame by frame.
    """
    try:
        network = decode_network(document)
    except NetworkError as error:
        raise ConversionError(f"{path} does not describe its network: {error}") from None
    if not network.causal:
        raise ConversionError(
            f"{path} holds {printable(network.name)}, which sees whole clips and cannot run frame"
            " by frame"
        )
    check_weights(path, weight_shapes(network).values())
    return network


def described_findings(
    path: Path,
    network: Network,
    frames_per_second: float | None,
    architecture: str | None,
    overrides: Mapping[str, object],
    where: str,
) -> tuple[Finding, ...]:
    """What a document and the file around it tell of a network that may be any.

    Args:
        architecture: that the user insists on, as of MoViNets.
        overrides: options that the user has set, as of MoViNets.
        where: what tells it.

    Raises:
        ConversionError: if the user says what does not fit.
    """
    height, width = network.image_size
    facts: dict[str, object] = {
        "network": printable(network.name),
        "num_classes": classes_of(network),
        "image_size": height if height == width else f"{height} x {width}",
        "frames_per_second": frames_per_second,
        "horizon_frames": horizon_of(network),
    }
    told = {option: value for option, value in overrides.items() if value is not None}
    if architecture is not None:
        told["arch"] = architecture
    for option, wanted in told.items():
        if option not in facts:
            raise ConversionError(
                f"{path} says itself that it holds {printable(network.name)}: there is no"
                f" {option.replace('_', ' ')} to choose"
            )
        if (known := facts[option]) != wanted:
            raise ConversionError(
                f"{path} has {option.replace('_', ' ')}"
                f" {'unknown' if known is None else option_text(known)}, not {option_text(wanted)}"
            )
    return tuple(
        Finding(option, value, where if told.get(option) is None else "the command")
        for option, value in facts.items()
        if value is not None
    )
