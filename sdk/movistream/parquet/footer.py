"""What a table's file says about itself at its end, so that nobody has to read its rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from movistream.parquet.schema import VERSION, Status

FOOTER_KEY = b"movistream"
"""Of the entry in the file's metadata."""


@dataclass(frozen=True)
class Run:
    """What tells a run from others: the model, and whatever has an influence on results.

    Attributes:
        id: 16 hexadecimal digits, made of the rest.
        made_of: as plain JSON types.
    """

    id: str
    made_of: dict[str, Any]


@dataclass(frozen=True)
class VideoOutcome:
    """What came of a video.

    Attributes:
        video: its name, see :func:`.schema.video_text`.
        fingerprint: of the file as it was, see :func:`fingerprint_of`; empty where there is none.
        status: ``done``, ``error``, or ``interrupted`` where it was not looked at to its end.
        error: why it failed; None if it did not.
        attempts: how often it was begun, at least once.
        frames: that were looked at.
        seconds: how long it says it is; None if it does not.
        ms: from opening it to its end, 0 or more.
    """

    video: str
    fingerprint: str
    status: Status
    error: str | None
    attempts: int
    frames: int
    seconds: float | None
    ms: float


@dataclass(frozen=True)
class Footer:
    """The end of a table's file.

    Attributes:
        schema_version: of the columns.
        run: that made it.
        videos: one for each row of type ``video``.
    """

    schema_version: int
    run: Run
    videos: tuple[VideoOutcome, ...]


_DECODER = msgspec.json.Decoder(Footer)


def run_of(made_of: Mapping[str, Any]) -> Run:
    """A run by what it is made of, plain JSON types."""
    found = {**made_of, "schema_version": VERSION}
    text = json.dumps(found, sort_keys=True)
    return Run(hashlib.sha256(text.encode()).hexdigest()[:16], found)


def encoded(footer: Footer) -> bytes:
    """A footer as JSON."""
    return msgspec.json.encode(footer)


def decoded(text: bytes) -> Footer | None:
    """A footer; None if that is none of this version."""
    try:
        footer = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return footer if footer.schema_version == VERSION else None
