"""Whose address a request comes from, through the proxies that an operator trusts."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from fastapi import Request

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"


def client_address(request: Request, trusted_proxies: Sequence[Network]) -> str:
    """The caller's address: the connection's, or where that is a trusted proxy's, the one it names.

    Each proxy adds its caller to the right end of X-Forwarded-For, so the caller is the rightmost address that no
    trusted proxy has; what stands left of it anyone may have written.
    """
    caller = _address(request.client.host) if request.client else None
    if caller is None:
        return UNKNOWN
    named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while named and any(caller in network for network in trusted_proxies):
        further = _address(named.pop().strip())
        if further is None:
            break
        caller = further
    return str(caller)


def _address(text: str) -> Address | None:
    """None where `text` isn't an address. An IPv4 address written as IPv6 is the same caller."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
