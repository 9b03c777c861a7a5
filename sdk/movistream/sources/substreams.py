"""Where cameras send the same picture smaller.

Most network cameras have a second stream of a lower resolution, at an address of their maker's own
pattern. These are patterns that makers document, as of 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"(streaming/channels/\d+)01\b", r"\g<1>02"),  # Hikvision
    (r"(/h26[45]/ch\d+/)main(?=/)", r"\g<1>sub"),  # Hikvision, older
    (r"\b(sub_?type=)0\b", r"\g<1>1"),  # Dahua, Amcrest
    (r"\b(stream(?:type)?=)0\b", r"\g<1>1"),  # Xiongmai, Amlink
    (r"(preview_\d+_)main\b", r"\g<1>sub"),  # Reolink
    (r"(/stream)1\b", r"\g<1>2"),  # TP-Link
    (r"(/video)main\b", r"\g<1>Sub"),  # Foscam
    (r"(/media/video)1\b", r"\g<1>2"),  # Uniview
    (r"(/c\d+/s)0(?=/live\b)", r"\g<1>1"),  # Uniview, recorders
    (r"(/profile)1\b", r"\g<1>2"),  # Hanwha, Avycon
    (r"(/)main$", r"\g<1>sub"),  # Avycon
)
_PLACE = re.compile(r"([a-z][a-z0-9+.-]*://[^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Substream:
    """An address at which a camera may send less.

    Attributes:
        address: may hold a password.
        told: what differs in it, in words without one.
    """

    address: str
    told: str


def substreams_of(address: str) -> tuple[Substream, ...]:
    """Where a camera may send a smaller picture, by its address; nobody has asked it yet."""
    found = _PLACE.fullmatch(address)
    if found is None:
        return ()
    host, place = found.groups()
    substreams = []
    for pattern, replacement in _PATTERNS:
        expression = re.compile(pattern, re.IGNORECASE)
        if (match := expression.search(place)) is not None:
            smaller = match.expand(replacement)
            changed = place[: match.start()] + smaller + place[match.end() :]
            told = f"its address with {smaller.lstrip('/')} for {match[0].lstrip('/')}"
            substreams.append(Substream(host + changed, told))
    return tuple(substreams)
