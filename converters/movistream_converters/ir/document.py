"""A network as JSON, which travels in the header of a weights file and in a .tflite file.

``docs/network.md`` describes it field by field; ``network.schema.json`` beside this module is
generated from the classes. A document may come from a stranger: what is read is bounded.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

from movistream.file import manifest
from movistream.system.text import printable
from movistream_converters.ir.cost import BYTES_PER_VALUE
from movistream_converters.ir.network import (
    Network,
    NetworkError,
    layer_states,
    multiply_adds,
    node_shapes,
)

METADATA_NAME = "movistream.network"
"""Of the entry of a .tflite file that holds a document."""

MOST_DOCUMENT_BYTES = 2**22
_MOST_FRAME_BYTES = 2**31
"""Of all outputs of one frame together, in float32."""
_MOST_STATE_BYTES = 2**28
_MOST_KEPT_FRAMES = 2**12
"""Of all buffers together: a file has a tensor for each."""
_MOST_MULTIPLY_ADDS = 2**34
"""Of one frame: many times those of A5. The runtime refuses files with more."""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network and the version of its description.

    Attributes:
        network: see :class:`.network.Network`.
        version: of this description; other versions are refused.
    """

    network: Network
    version: Literal[1] = 1


def encode_network(network: Network) -> bytes:
    """The document of a network. Fields that have their default are left out of it."""
    return msgspec.json.encode(Document(network))


def decode_network(data: bytes) -> Network:
    """Reads a document.

    Raises:
        NetworkError: if it is none of this version, the network cannot be, or it is larger than
            any stream model.
    """
    if len(data) > MOST_DOCUMENT_BYTES:
        raise NetworkError(
            f"a description of {len(data)} bytes is no network's; the largest has"
            f" {MOST_DOCUMENT_BYTES}"
        )
    try:
        network = msgspec.json.decode(data, type=Document).network
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NetworkError(_reason(error)) from None
    _check_size(network)
    return network


def json_schema() -> dict[str, Any]:
    """The JSON schema of a document."""
    return manifest.json_schema(Document)


def _reason(error: Exception) -> str:
    if isinstance(error.__cause__, NetworkError):
        return str(error.__cause__)
    return (
        f"its description cannot be used: {printable(str(error))}. It may be damaged, or written by"
        " a newer version of movistream"
    )


def _check_size(network: Network) -> None:
    """Refuses what no machine could run, before anybody tries."""
    outputs = sum(map(math.prod, node_shapes(network).values()))
    states = [state for _, state in layer_states(network)] if network.causal else []
    for amount, most, what in (
        (BYTES_PER_VALUE * outputs, _MOST_FRAME_BYTES, "bytes of activations for a frame"),
        (
            BYTES_PER_VALUE * sum(state.frames * math.prod(state.shape) for state in states),
            _MOST_STATE_BYTES,
            "bytes of states",
        ),
        (sum(state.frames for state in states), _MOST_KEPT_FRAMES, "past frames of its layers"),
        (sum(multiply_adds(network).values()), _MOST_MULTIPLY_ADDS, "multiplications for a frame"),
    ):
        if amount > most:
            name = printable(network.name)
            raise NetworkError(f"{name} would need {amount} {what}, more than {most}")
