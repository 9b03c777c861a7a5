"""What somebody else may have the server watch: never files, and no more than it allows.

A source is opened by this machine, as this user. So whoever may add one could have it read files,
look through its cameras, and talk to what listens on the machine for its own programs alone. Each
of these is a kind that has to be allowed, and reading files is none.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from movistream.errors import VideoError
from movistream.serve.limits import NotAllowedError
from movistream.serve.schema import SourceKind
from movistream.sources.address import HIDDEN, is_like_an_address, public_name
from movistream.system.text import has_control_characters

_CAMERA = re.compile(r"(camera:)?\d{1,3}|/dev/video\d{1,3}|picamera(:\d{1,3})?")
_PROTOCOLS = ("rtsp", "rtsps", "rtmp", "http", "https")
"""Those by which this machine asks another; with tcp, udp and srt it could be told to listen."""

_NAMES = {
    "network": "addresses",
    "this-machine": "addresses of this machine itself",
    "cameras": "cameras of this machine",
}


def check_source(source: str, allowed: Collection[SourceKind]) -> None:
    """Refuses what may not be added. It may look up a host's name, which takes time.

    Raises:
        VideoError: if it can be no source at all, or one that is never read for others.
        NotAllowedError: if it is of a kind that is not allowed.
    """
    if has_control_characters(source) or source != source.strip():
        raise VideoError("a source has no control characters, and no spaces around it")
    if _CAMERA.fullmatch(source):
        _require("cameras", allowed)
        return
    if not is_like_an_address(source):
        raise VideoError(
            "only addresses and cameras can be added: files of this machine are not read for"
            " others; send a video instead"
        )
    protocol = source.partition("://")[0].lower()
    if protocol not in _PROTOCOLS:
        known = ", ".join(f"{name}://" for name in _PROTOCOLS)
        raise VideoError(f"an address that is added begins with one of {known}")
    public = public_name(source)
    if HIDDEN in public:
        raise VideoError("it cannot be told where the host of this address begins and ends")
    host = urlsplit(public).hostname or ""
    _require("this-machine" if _is_own(host) else "network", allowed)


def _require(kind: SourceKind, allowed: Collection[SourceKind]) -> None:
    if kind not in allowed:
        raise NotAllowedError(
            f"{_NAMES[kind]} may not be added here: 'movistream serve --allow-sources {kind}'"
            " would allow them"
        )


def _is_own(host: str) -> bool:
    """Whether a name leads to this machine, or to what only this machine can reach.

    A name that leads nowhere leads nowhere else either.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(_is_special(str(entry[4][0])) for entry in found)


def _is_special(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
    )
