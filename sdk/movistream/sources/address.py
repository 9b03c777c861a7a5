"""What an address of a source may be called: never with what its owner keeps to himself.

Cameras take passwords before the host, in queries and in paths, so that a public name has none of
these: ``rtsp://admin:secret@camera:554/user=admin&password=secret`` is ``rtsp://camera:554``.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

HIDDEN = "…"

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LIKE_AN_ADDRESS = re.compile(
    # A scheme with a typing error behind it, one that lacks, or one behind something else.
    r"\s*[a-z][a-z0-9+.-]+:/|\s*(rtsps?|https?|rtmps?|srt|tcp|udp):|[^/\s]+:[^/\s]*@[^/\s]|.*://",
    re.IGNORECASE | re.DOTALL,
)
_HOST_AND_PORT = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*)|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
_ADDRESS_IN_TEXT = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>]*", re.IGNORECASE)
_STORES = ("s3://", "gs://", "gcs://", "az://", "abfs://", "hdfs://")
_PUNCTUATION = ".,:;)]}"


def is_address(name: str) -> bool:
    """Whether a source's name is a URL."""
    return _ADDRESS.match(name) is not None


def is_like_an_address(name: str) -> bool:
    """Whether a source's name is a URL, or was meant to be one: it may hold a password then."""
    return _LIKE_AN_ADDRESS.match(name) is not None


def public_name(source: str | Path) -> str:
    """What a source may be called: a file or device as it is, an address by scheme, host and port.

    The host is hidden too where it cannot be told for sure from a password. Addresses of object
    stores say where something is, and nothing else; they are told as they are, unless a sign in
    them could be of a password.
    """
    text = str(source)
    if not is_like_an_address(text):
        return text
    if text.lower().startswith(_STORES) and not set("@?:") & set(text.partition("://")[2]):
        return text
    found = _ADDRESS.match(text)
    return HIDDEN if found is None else f"{found[0].lower()}{_host(text[found.end() :])}"


def is_unknown_host(url: str) -> bool:
    """Whether an address leads nowhere: it has no host, or one that the network does not know.

    Asks the network, so only for who has just failed to connect.
    """
    try:
        host = urlsplit(url).hostname
        if host:
            socket.getaddrinfo(host, None)
        return not host
    except socket.gaierror:
        return True
    except (OSError, ValueError):
        return False


def short_name(source: str | Path) -> str:
    """The same, a file without its folders."""
    public = public_name(source)
    return public if is_like_an_address(str(source)) else Path(public).name or public


def numbered(names: Iterable[str]) -> list[str]:
    """Names with a number behind those that come again: a, b, a (2)."""
    found: list[str] = []
    for name in names:
        unique, number = name, 2
        while unique in found:
            unique, number = f"{name} ({number})", number + 1
        found.append(unique)
    return found


def without_addresses(text: str, known: Sequence[str] = ()) -> str:
    """A text in which each address is called by its public name.

    Args:
        known: addresses that may be in it, in whatever form; others are found by their scheme.
    """
    for address in filter(is_like_an_address, known):
        forms = {form for plain in (address, unquote(address)) for form in _forms(plain)}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, public_name(address))
    return _ADDRESS_IN_TEXT.sub(_named, text)


def reason_of(error: Exception) -> str:
    """What an error says, without the addresses in it."""
    return without_addresses(str(getattr(error, "strerror", None) or error))


def _host(rest: str) -> str:
    """Host and port of what follows the scheme."""
    location = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(location) :]:
        # A password with one of these signs in it, perhaps.
        return HIDDEN
    found = _HOST_AND_PORT.fullmatch(location.rpartition("@")[2])
    if found is None or not _is_host(found[1]):
        return HIDDEN
    return found[0].lower()


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return True
    try:
        return ipaddress.ip_address(host[1:-1]).version == 6
    except ValueError:
        return False


def _forms(text: str) -> set[str]:
    """How a text may be written in a message."""
    path = str(Path(text))
    return {text, repr(text)[1:-1], quote(text), quote(text, safe=""), quote_plus(text), path}


def _named(found: re.Match[str]) -> str:
    address = found[0].rstrip(_PUNCTUATION)
    return public_name(address) + found[0][len(address) :]
