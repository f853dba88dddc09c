"""Where somebody comes from, as far as they can be told apart by it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network


def place_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the /64 of IPv6 that one subscriber has to choose
    from (RFC 6177 section 2); anything else as it is.
    """
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return str(found)
