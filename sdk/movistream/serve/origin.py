"""Whose a connection is."""

from __future__ import annotations

import ipaddress

RESERVED = "movistream_reserved"
"""In the state of a request's scope, where its connection was let in although there are too many:
only ``/healthz`` is answered, and who brings the token."""


def origin_of(client: tuple[str, int] | None) -> str:
    """Whose a connection is: an address, or a network where one has a whole one for himself."""
    host = (client or ("", 0))[0].partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
