"""Which addresses may be dialled: a table, in every form that carries an address inside another."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.images.address import Reach, address_reach

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:2800:220:1::1946",
    "2a00:1450:4001:81b::2004",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::7f00:1",
    "::192.168.0.1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.0",
    "100.127.255.255",
    "169.254.169.254",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::2",
    "::ffff:0.0.0.0",
    "::ffff:169.254.169.254",
    "::ffff:100.64.0.1",
    "::ffff:0:8.8.8.8",  # IPv4-translated, RFC 2765
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::8.8.8.8",  # local use: what is inside is not known
    "64:ff9b:1:7f00:0:100::",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::",
    "2002:c0a8:101::1",
    "2001:0:7f00:1:0:0:f7f7:f7f7",  # Teredo with a loopback server
    "2001:0:808:808:0:0:80ff:fffe",  # Teredo with a loopback client (obfuscated)
    "2001:db8::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
    "1::",
    "",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "8.8.8.8.",
    "/run/socket",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    assert address_reach(address) is Reach.PUBLIC


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address):
    assert address_reach(address) is Reach.PRIVATE


@pytest.mark.parametrize("address", NEVER)
def test_never(address):
    assert address_reach(address) is Reach.NEVER


@given(st.ip_addresses(v=4))
def test_no_wrapping_makes_an_address_public(inner):
    number = int(inner)
    is_public = address_reach(str(inner)) is Reach.PUBLIC
    wrapped = [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80) | 1),
        IPv6Address((0x20010000 << 96) | (0x08080808 << 64) | (number ^ 0xFFFFFFFF)),
        IPv6Address((0x20010000 << 96) | (number << 64) | (0x08080808 ^ 0xFFFFFFFF)),
    ]
    assert [address_reach(str(outer)) is Reach.PUBLIC for outer in wrapped] == [is_public] * len(wrapped)


@given(st.ip_addresses())
def test_public_is_never_more_than_ipaddress_calls_global(address):
    if address_reach(str(address)) is Reach.PUBLIC and isinstance(address, IPv4Address):
        assert address.is_global
        assert not address.is_multicast


def test_verdicts_are_remembered():
    address_reach.cache_clear()
    address_reach("9.9.9.9")
    address_reach("9.9.9.9")
    assert address_reach.cache_info().hits == 1
