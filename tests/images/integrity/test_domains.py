"""Domains that changed hands: when one is quarantined, when it comes back, and what is one domain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.images.integrity import domains as module
from laion_pairs.images.integrity.domains import LEAST_CHECKS, MISMATCHING, Domains, Site, registered_domain, site_of


def at(host: str) -> Site:
    return site_of(f"//{host}/1.jpg")


REGISTERED = [
    ("example.com", "example.com"),
    ("img.cdn.example.com", "example.com"),
    ("shop.example.co.uk", "example.co.uk"),
    ("example.co.uk", "example.co.uk"),
    ("a.b.example.com.br", "example.com.br"),
    ("co.uk", "co.uk"),
    ("t.co", "t.co"),
    ("img.t.co", "t.co"),
    ("www.example.de", "example.de"),
    ("localhost", "localhost"),
    ("127.0.0.1", "127.0.0.1"),
    ("[2001:db8::1]", "[2001:db8::1]"),
    ("", ""),
]


@pytest.mark.parametrize(("host", "domain"), REGISTERED)
def test_the_registered_domain(host: str, domain: str) -> None:
    assert registered_domain(host) == domain


@given(st.lists(st.booleans(), max_size=200))
def test_quarantine_is_nine_in_ten_of_the_last_checks(checks: list[bool]) -> None:
    domains = Domains()
    for mismatch in checks:
        domains.count(at("a.example.com"), mismatch=mismatch)
    last = checks[-64:]
    expected = len(last) >= LEAST_CHECKS and sum(last) >= MISMATCHING * len(last)
    assert domains.quarantined(at("a.example.com")) is expected
    assert domains.quarantined(at("b.example.com")) is expected  # the domain has all hosts
    assert not domains.quarantined(at("example.org"))


@pytest.mark.parametrize(
    ("mismatches", "checks", "quarantined"),
    [(19, 19, False), (20, 20, True), (18, 20, True), (17, 20, False), (27, 30, True), (58, 64, True), (57, 64, False)],
)
def test_the_thresholds(mismatches: int, checks: int, quarantined: bool) -> None:
    domains = Domains()
    for number in range(checks):
        domains.count(at("example.com"), mismatch=number < mismatches)
    assert domains.quarantined(at("example.com")) is quarantined


def test_a_domain_sold_in_the_middle_of_a_run_is_noticed() -> None:
    domains = Domains()
    for _ in range(10_000):
        domains.count(at("example.com"), mismatch=False)
    rows = 0
    while not domains.quarantined(at("example.com")):
        domains.count(at("example.com"), mismatch=True)
        rows += 1
    assert rows <= 64


def test_one_host_of_a_good_domain_is_quarantined_alone() -> None:
    domains = Domains()
    for _ in range(40):
        domains.count(at("bucket.example.com"), mismatch=True)
        domains.count(at("www.example.com"), mismatch=False)
    assert domains.quarantined(at("bucket.example.com"))
    assert not domains.quarantined(at("www.example.com"))
    assert not domains.quarantined(at("new.example.com"))


def test_a_domain_that_serves_the_right_pictures_again_comes_back() -> None:
    domains = Domains()
    for _ in range(30):
        domains.count(at("example.com"), mismatch=True)
    assert domains.quarantined(at("example.com"))
    for _ in range(8):
        domains.count(at("example.com"), mismatch=False)
    assert not domains.quarantined(at("example.com"))


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 10)
    domains = Domains()
    for number in range(1000):
        domains.count(at(f"h{number}.example"), mismatch=True)
    assert len(domains._last_checks) == 10
    for _ in range(20):
        domains.count(at("h999.example"), mismatch=True)
    assert domains.quarantined(at("h999.example"))
