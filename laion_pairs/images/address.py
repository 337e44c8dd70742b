"""How far an IP address reaches: public, private, or neither. Judges what is dialled, never the text of a URL.

IPv6 forms that carry an IPv4 address are unwrapped first, and the address inside is judged too: v4-mapped
(``::ffff:0:0/96``), v4-compatible (``::/96``), 6to4 (``2002::/16``), Teredo (``2001::/32``, both its server and its
client) and NAT64 (``64:ff9b::/96``). ``64:ff9b:1::/48`` is for local use and hides its IPv4 address at a place that
only its network knows, so it is refused whole.

What is left must be outside of the IANA special-purpose registries (RFC 6890 and its updates) *and* global for
``ipaddress``, whose own list differs between Python versions; IPv6 must lie in ``2000::/3``, all that IANA has
allocated as global unicast.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["Reach", "address_reach"]


class Reach(Enum):
    """Who can be at an address."""

    PUBLIC = "a globally routable host"
    PRIVATE = "this machine or its own network: loopback, RFC 1918, unique local IPv6"
    NEVER = "no host that an image could be on: link-local, shared, multicast, reserved, documentation, unreadable"


_PRIVATE_V4 = tuple(map(IPv4Network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_NEVER_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # "this network"; Linux dials 0.0.0.0 as loopback
            "100.64.0.0/10",  # shared address space (carrier-grade NAT), RFC 6598
            "169.254.0.0/16",  # link-local, cloud metadata services among it
            "192.0.0.0/24",  # IETF protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays, withdrawn
            "198.18.0.0/15",  # benchmarking
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_PRIVATE_V6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))
_GLOBAL_V6 = IPv6Network("2000::/3")
_NEVER_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # IETF protocol assignments; Teredo among them is unwrapped before
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_NAT64 = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=65_536)
def address_reach(address: str) -> Reach:
    """How far ``address`` (as a socket prints it) reaches; anything that is not an IP address is ``NEVER``.

    Memoised: a judgement costs tens of microseconds, and popular hosts are dialled again and again.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return Reach.NEVER
    return _reach_v4(parsed) if isinstance(parsed, IPv4Address) else _reach_v6(parsed)


def _reach_v4(address: IPv4Address) -> Reach:
    if any(address in network for network in _PRIVATE_V4):
        return Reach.PRIVATE
    if any(address in network for network in _NEVER_V4) or not address.is_global:
        return Reach.NEVER
    return Reach.PUBLIC


def _reach_v6(address: IPv6Address) -> Reach:
    if address.scope_id is not None:
        return Reach.NEVER
    if any(address in network for network in _PRIVATE_V6):
        return Reach.PRIVATE
    number = int(address)
    if address in _MAPPED or address in _COMPATIBLE:
        return _reach_v4(_v4(number))
    if address in _NAT64:
        return _through_a_tunnel(_v4(number))
    if address in _SIX_TO_FOUR:
        return _through_a_tunnel(_v4(number >> 80))
    if address in _TEREDO:
        return _through_a_tunnel(_v4(number >> 64), _v4(~number))
    if address not in _GLOBAL_V6 or any(address in network for network in _NEVER_V6) or not address.is_global:
        return Reach.NEVER
    return Reach.PUBLIC


def _v4(number: int) -> IPv4Address:
    return IPv4Address(number & 0xFFFF_FFFF)


def _through_a_tunnel(*addresses: IPv4Address) -> Reach:
    """Public when every end is. A private end is not private to us: it is whatever the tunnel's far side calls so."""
    return Reach.PUBLIC if all(_reach_v4(address) is Reach.PUBLIC for address in addresses) else Reach.NEVER
