"""No byte reaches an address that the policy does not allow, however the URL spells or finds it.

What is on loopback here is the *target*: a real host that would serve the picture and counts what comes in.
The tests with public addresses and a DNS server of their own are in test_public_network.py.
"""

from __future__ import annotations

import pytest
from hostile_host import HostileHost, answer, picture, redirect

from laion_pairs.images import DownloadPolicy, fetch_image
from laion_pairs.ledger import Outcome

PNG = picture()


@pytest.fixture(scope="module")
def target():
    with HostileHost({"/": answer(200, PNG), "/x.png": answer(200, PNG)}) as host:
        yield host


@pytest.fixture(scope="module")
def target_v6():
    try:
        host = HostileHost({"/": answer(200, PNG)}, address="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with host:
        yield host


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7F.0.0.0x1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "anything.localhost",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::f7f7:f7f7]",
    "[::]",
    "[::1]",
    "169.254.169.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[fe80::1]",
    "[fc00::1]",
    "[ff02::1]",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_refused_where_it_is_dialled(target, spelling):
    """The port is allowed, so that nothing but the address can refuse."""
    policy = DownloadPolicy(allowed_ports=(80, target.port), connect_timeout_s=1, total_timeout_s=2)
    connections = target.connections
    fetched = fetch_image(f"http://{spelling}:{target.port}/", policy)
    assert fetched.outcome is Outcome.FORBIDDEN_ADDRESS
    assert (target.connections, fetched.redirects, fetched.elapsed_s < 1) == (connections, 0, True)


def test_the_same_over_ipv6(target_v6):
    policy = DownloadPolicy(allowed_ports=(target_v6.port,))
    for spelling in ("[::1]", "[0:0:0:0:0:0:0:1]", "localhost", "ip6-localhost"):
        fetched = fetch_image(f"http://{spelling}:{target_v6.port}/", policy)
        assert fetched.outcome in (Outcome.FORBIDDEN_ADDRESS, Outcome.DNS_FAILED)
    assert target_v6.connections == 0
    assert fetch_image(target_v6.url(), DownloadPolicy(allow_private=True)).ok


REFUSED_AS_TEXT = [
    ("http://127.0.0.1:{port}/", Outcome.FORBIDDEN_ADDRESS),  # its port
    ("https://example.invalid:{port}/", Outcome.FORBIDDEN_ADDRESS),
    ("http://example.invalid:22/", Outcome.FORBIDDEN_ADDRESS),
    ("http://user:password@127.0.0.1:{port}/", Outcome.BAD_URL),
    ("http://example.org:80@127.0.0.1:{port}/", Outcome.BAD_URL),
    ("http://127.0.0.1:{port}\\@example.org/", Outcome.BAD_URL),
    ("http://127.0.0.1:{port} /", Outcome.BAD_URL),
    ("http://127.0.0.1:{port}/\r\nX: y", Outcome.BAD_URL),
    ("http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n", Outcome.BAD_URL),
    ("http://127.0.0.1:0{port}00000/", Outcome.BAD_URL),
    ("http://%31%32%37.0.0.1:{port}/", Outcome.BAD_URL),
    ("http://[::1%25lo]:{port}/", Outcome.BAD_URL),
    ("gopher://127.0.0.1:{port}/_GET%20/", Outcome.BAD_URL),
    ("dict://127.0.0.1:{port}/x", Outcome.BAD_URL),
    ("ftp://127.0.0.1:{port}/x", Outcome.BAD_URL),
    ("ws://127.0.0.1:{port}/x", Outcome.BAD_URL),
    ("file:///etc/hostname", Outcome.BAD_URL),
    ("file://127.0.0.1/etc/hostname", Outcome.BAD_URL),
    ("data:image/gif;base64,R0lGODlhAQABAAAAACw=", Outcome.BAD_URL),
    ("//127.0.0.1:{port}/", Outcome.BAD_URL),
    ("127.0.0.1:{port}/", Outcome.BAD_URL),
]


@pytest.mark.parametrize(("url", "outcome"), REFUSED_AS_TEXT)
def test_refused_before_anything_is_resolved(target, url, outcome):
    connections = target.connections
    fetched = fetch_image(url.format(port=target.port))
    assert (fetched.outcome, fetched.final_url) == (outcome, None)
    assert target.connections == connections


def test_allow_private_allows_loopback_on_any_port(target):
    fetched = fetch_image(target.url(), DownloadPolicy(allow_private=True))
    assert fetched.ok
    assert fetched.body == PNG


@pytest.mark.parametrize(
    "spelling", ["169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "[fe80::1]", "[64:ff9b::7f00:1]"]
)
def test_allow_private_does_not_allow_what_is_no_host(target, spelling):
    connections = target.connections
    fetched = fetch_image(f"http://{spelling}:{target.port}/", DownloadPolicy(allow_private=True))
    assert fetched.outcome is Outcome.FORBIDDEN_ADDRESS
    assert target.connections == connections


def test_allow_private_does_not_open_ports_of_public_hosts():
    """Refused before the socket exists: nothing leaves this machine (93.184.216.34 stands for any public host)."""
    fetched = fetch_image("http://93.184.216.34:8080/", DownloadPolicy(allow_private=True, connect_timeout_s=0.5))
    assert fetched.outcome is Outcome.FORBIDDEN_ADDRESS
    assert "8080" in fetched.detail


def test_private_hosts_may_redirect_among_themselves():
    with HostileHost({"/": answer(200, PNG)}, address="127.8.9.10") as other, HostileHost() as first:
        first.routes["/"] = redirect(other.url())
        fetched = fetch_image(first.url(), DownloadPolicy(allow_private=True))
    assert fetched.ok
    assert fetched.final_url == other.url()
