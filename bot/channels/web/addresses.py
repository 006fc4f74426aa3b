"""Whose address a request comes from: for the limits, and for nothing else.

Behind a proxy the connection is the proxy's, and whoever asked stands in `X-Forwarded-For`.
Anybody can write anything into that header, so only what trusted proxies added counts: each adds
at the right end whom it was asked by. Nothing here is written or logged.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HEADER = "X-Forwarded-For"
MOST_PROXIES = 10
"""No chain of proxies is as long. What stands further left is not even looked at."""

_HOME_BITS = 64
"""One home, or one phone, has that much of an IPv6 network to itself."""


def address_of(request: web.Request, trusted: Sequence[Network]) -> str:
    """Who sent the request: an IPv4 address, or the network of an IPv6 one."""
    said = ",".join(request.headers.getall(HEADER, ()))
    return find_address(request.remote or "", said, trusted)


def find_address(peer: str, said: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy's, from `peer` on and leftwards in `said`.

    The peer's own, when it is not trusted or what stands there is no address.
    """
    own = _read(peer)
    if own is None or not _is_in(own, trusted):
        return _shared(own) if own else peer
    farthest = own
    for part in reversed(said.rsplit(",", MOST_PROXIES)[-MOST_PROXIES:]):
        found = _read(part)
        if found is None:
            return _shared(own)
        farthest = found
        if not _is_in(found, trusted):
            break
    return _shared(farthest)


def _read(written: str) -> Address | None:
    """An address; some proxies write a port behind it, and brackets around it."""
    plain = written.strip()
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        found = ip_address(plain)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _shared(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), _HOME_BITS), strict=False))
