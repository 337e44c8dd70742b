"""One spelling for each URL."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from laion_pairs.schema import normalise_url

NORMAL_FORMS = [
    ("http://example.com/a.jpg", "http://example.com/a.jpg"),
    ("HTTP://Example.COM/A.jpg", "http://example.com/A.jpg"),
    ("  http://example.com/a.jpg\n", "http://example.com/a.jpg"),
    ("http://example.com", "http://example.com/"),
    ("http://example.com?", "http://example.com/"),
    ("http://example.com/?", "http://example.com/"),
    ("http://example.com:80/a", "http://example.com/a"),
    ("https://example.com:443/a", "https://example.com/a"),
    ("https://example.com:0443/a", "https://example.com/a"),
    ("https://example.com:/a", "https://example.com/a"),
    ("https://example.com:80/a", "https://example.com:80/a"),
    ("http://example.com./a", "http://example.com/a"),
    ("http://example.com/a#b?c", "http://example.com/a"),
    ("http://example.com/a?b=c#d", "http://example.com/a?b=c"),
    ("http://example.com/%7Ea", "http://example.com/~a"),
    ("http://example.com/%41%2f%c3%a9", "http://example.com/A%2F%C3%A9"),
    ("http://example.com/é b", "http://example.com/%C3%A9%20b"),
    ("http://example.com/50%", "http://example.com/50%25"),
    ("http://example.com/%2541", "http://example.com/%2541"),
    ("http://Bücher.example/", "http://xn--bcher-kva.example/"),
    ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
    ("http://EX%41MPLE.com/", "http://example.com/"),
    ("http://under_score.example/", "http://under_score.example/"),
    ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
    ("http://User:Pw@Example.com/", "http://User:Pw@example.com/"),
    ("http://a%2Fb/", "http://a%2Fb/"),
    ("", ""),
    ("no url", "no%20url"),
]

DIFFERENT = [
    ("http://example.com/a", "https://example.com/a"),
    ("http://example.com/a", "http://www.example.com/a"),
    ("http://example.com/a", "http://example.com/a/"),
    ("http://example.com/a", "http://example.com/A"),
    ("http://example.com/?a=1&b=2", "http://example.com/?b=2&a=1"),
    ("http://example.com/a%2Fb", "http://example.com/a/b"),
    ("http://example.com/a+b", "http://example.com/a%20b"),
]

PIECES = st.text("htps:/.@%14cFe2é?#[] 。Aa0８", max_size=20)


@pytest.mark.parametrize(("url", "normal"), NORMAL_FORMS)
def test_normal_form(url: str, normal: str) -> None:
    assert normalise_url(url) == normal


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_may_be_another_image_stays_another(one: str, other: str) -> None:
    assert normalise_url(one) != normalise_url(other)


@given(st.one_of(st.text(), PIECES, PIECES.map("http://".__add__), PIECES.map("HTTPS://é.example:443".__add__)))
@example("0://0。.")
@example("0://..")
@example("http://%ff%2E")
def test_total_idempotent_and_ascii(url: str) -> None:
    once = normalise_url(url)
    assert normalise_url(once) == once
    assert once.isascii()
    assert " " not in once
