"""robots.txt: which files refuse which URLs, for our name and for everybody's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.images.reservations.robots import RobotsFile
from laion_pairs.images.reservations.unreadable import Unreadable

OURS = "User-agent: laion-dataset\nDisallow: /"
CASES = [  # file, path, whether it refuses
    ("", "/a.jpg", False),
    ("\ufeff", "/a.jpg", False),
    ("# nothing but a comment", "/a.jpg", False),
    ("User-agent: *\nDisallow:", "/a.jpg", False),
    ("User-agent: *\nDisallow: /", "/a.jpg", True),
    ("\ufeffUser-agent: *\nDisallow: /", "/a.jpg", True),
    ("USER-AGENT: *\nDISALLOW: /", "/a.jpg", True),
    ("User-agent: *\r\nDisallow: /\r\n", "/a.jpg", True),
    ("User-agent: *\rDisallow: /\r", "/a.jpg", True),
    ("User-agent: *\nDisallow: / # everything", "/a.jpg", True),
    ("User-agent: otherbot\nDisallow: /", "/a.jpg", False),
    ("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /", "/a.jpg", False),
    (OURS, "/a.jpg", True),
    (OURS.upper(), "/a.jpg", True),
    ("User-agent: otherbot\nUser-agent: laion-dataset\nDisallow: /", "/a.jpg", True),
    ("User-agent: *\nDisallow: /\n\nUser-agent: laion-dataset\nDisallow: /x", "/a.jpg", False),
    ("User-agent: *\nAllow: /\n\n" + OURS, "/a.jpg", True),
    ("User-agent: laion-dataset\nDisallow: /a\n\nUser-agent: *\n\nUser-agent: laion-dataset\nDisallow: /b", "/b", True),
    ("User-agent: *\nDisallow: /photos/", "/photos/a.jpg", True),
    ("User-agent: *\nDisallow: /photos/", "/Photos/a.jpg", False),
    ("User-agent: *\nDisallow: /photos/", "/other/photos/a.jpg", False),
    ("User-agent: *\nDisallow: /photos/\nAllow: /photos/free/", "/photos/free/a.jpg", False),
    ("User-agent: *\nAllow: /photos/free/\nDisallow: /photos/", "/photos/a.jpg", True),
    ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", False),
    ("User-agent: *\nDisallow: /*.jpg$", "/deep/a.jpg", True),
    ("User-agent: *\nDisallow: /*.jpg$", "/deep/a.jpg?w=1", False),
    ("User-agent: *\nDisallow: /*?", "/a.jpg?w=1", True),
    ("User-agent: *\nDisallow: /a%3cb", "/a%3Cb.jpg", True),
    ("User-agent: *\nDisallow: /é", "/%C3%A9.jpg", True),
    ("User-agent: *\nSitemap: https://a.example/s.xml\nDisallow: /a", "/a.jpg", True),
    ("User-agent: *\nCrawl-delay: 10\nDisallow: /a", "/a.jpg", True),
    ("Disallow: /", "/a.jpg", False),  # belongs to no agent
    ("nonsense\nUser-agent: *\nmore nonsense: yes\nDisallow: /a", "/a.jpg", True),
]


@pytest.mark.parametrize(("text", "path", "refuses"), CASES)
def test_what_a_file_refuses(text, path, refuses):
    assert RobotsFile(text.encode()).refuses(f"https://host.example{path}") == refuses


def test_text_that_is_not_utf8_is_read_all_the_same():
    assert RobotsFile("# für alle\nUser-agent: *\nDisallow: /".encode("latin-1")).refuses("https://host.example/a")


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>Not found</title>",
        b"  \r\n<html>",
        b"\xef\xbb\xbf<?xml version='1.0'?><Error/>",
        b"\xff\xfeU\0s\0e\0r\0",
        b"\x89PNG\r\n\x1a\n\0\0",
    ],
)
def test_what_is_no_robots_file_is_unreadable(body):
    with pytest.raises(Unreadable):
        RobotsFile(body)


@given(st.binary(max_size=400), st.text(max_size=40))
def test_any_bytes_have_an_answer(body, path):
    try:
        robots = RobotsFile(b"User-agent: *\n" + body)
    except Unreadable:
        return
    assert isinstance(robots.refuses(f"https://host.example/{path}"), bool)


LINES = ["User-agent: *", "User-agent: laion-dataset", "Disallow: /", "Allow: /*", "Disallow: *$", "Disallow /", "a: b"]


@given(st.lists(st.sampled_from(LINES)))
def test_any_lines_have_an_answer(lines):
    assert isinstance(RobotsFile("\n".join(lines).encode()).refuses("https://host.example/a"), bool)
