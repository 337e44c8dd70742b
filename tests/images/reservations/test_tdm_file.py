"""tdmrep.json: which files reserve which URLs, and which are not readable."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.images.reservations.tdmrep import TdmFile
from laion_pairs.images.reservations.unreadable import Unreadable


def rules(*pairs: tuple[str, object]) -> str:
    return json.dumps([{"location": location, "tdm-reservation": value} for location, value in pairs])


EXAMPLE = rules(("/directory-a/", 1), ("/directory-b/html/", 1), ("/directory-b/images/*.jpg", 0))  # of the protocol
CASES = [  # file, path, whether it is reserved
    ("[]", "/a.jpg", False),
    ("\ufeff[]", "/a.jpg", False),
    (rules(("/", 1)), "/a.jpg", True),
    (rules(("/", 0)), "/a.jpg", False),
    (rules(("*", 1)), "/a.jpg", True),
    (EXAMPLE, "/directory-a/x.pdf", True),
    (EXAMPLE, "/directory-b/html/x.html", True),
    (EXAMPLE, "/directory-b/images/deep/x.jpg", False),
    (EXAMPLE, "/elsewhere.jpg", False),
    (rules(("/Photos", 1)), "/photos/a.jpg", False),
    (rules(("/photos", 1)), "/photos-of-me/a.jpg", True),
    (rules(("/photos/", 1)), "/x/photos/a.jpg", False),
    (rules(("/*.jpg$", 1)), "/x/a.jpg", True),
    (rules(("/*.jpg$", 1)), "/x/a.jpg.png", False),
    (rules(("/*.jpg$", 1)), "/x/a.jpg?w=1", False),
    (rules(("/*.jpg", 1)), "/x/a.jpg?w=1", True),
    (rules(("/*?w=", 1)), "/x/a.jpg?w=1", True),
    (rules(("/a$", 1)), "/a", True),
    (rules(("/a$", 1)), "/ab", False),
    (rules(("/a*a$", 1)), "/a", False),
    (rules(("/a*a$", 1)), "/aa", True),
    (rules(("/a*b*c", 1)), "/aXcXbXc", True),
    (rules(("/a*b*c$", 1)), "/aXcXb", False),
    (rules(("/a**b", 1)), "/ab", True),
    (rules(("/foo-%24", 1)), "/foo-%24", True),
    (rules(("/%66oo", 1)), "/foo", True),
    (rules(("/foo", 1)), "/%66oo", True),
    (rules(("/a%2fb", 1)), "/a/b", False),
    (rules(("/a%2fb", 1)), "/a%2Fb", True),
    (rules(("/é", 1)), "/%C3%A9", True),
    # "The most specific match": the first, says the protocol; the longest, as in a robots.txt. The reserving one holds.
    (rules(("/a/", 1), ("/", 0)), "/a/x", True),
    (rules(("/", 0), ("/a/", 1)), "/a/x", True),
    (rules(("/", 0), ("/a/", 1)), "/b/x", False),
    (rules(("/a/free/", 0), ("/a/", 1)), "/a/free/x", False),
    (rules(("/a/free/", 0), ("/a/", 1)), "/a/x", True),
    # A known key with an illegal value is a refusal
    (rules(("/", "0")), "/a", True),
    (rules(("/", "yes")), "/a", True),
    (rules(("/", True)), "/a", True),
    (rules(("/", False)), "/a", True),
    (rules(("/", None)), "/a", True),
    (rules(("/", 2)), "/a", True),
    (rules(("/", 0.0)), "/a", True),
    (rules(("/", [])), "/a", True),
    # What says nothing, and what is not known
    ('[{"location": "/"}]', "/a", False),
    ('[{"location": "/"}, {"location": "/", "tdm-reservation": 1}]', "/a", True),
    ('[{"location": "/", "tdm-reservation": 0, "tdm-policy": "https://a.example/p.json", "more": [1]}]', "/a", False),
]
UNREADABLE = [
    "",
    " ",
    "not json",
    "[",
    "null",
    "1",
    '"/"',
    '{"location": "/", "tdm-reservation": 0}',
    "[1]",
    "[[]]",
    '[{"tdm-reservation": 0}]',
    '[{"location": 5, "tdm-reservation": 0}]',
    '[{"location": "photos/", "tdm-reservation": 0}]',
    '[{"location": "https://host.example/", "tdm-reservation": 0}]',
    '[{"location": "", "tdm-reservation": 0}]',
    '[{"location": "/", "tdm-reservation": 0}, 5]',
    "<!doctype html>",
    "[" * 100_000,
    "[" + "9" * 100_000 + "]",
]


@pytest.mark.parametrize(("text", "path", "reserves"), CASES)
def test_what_a_file_reserves(text, path, reserves):
    assert TdmFile(text.encode()).reserves(f"https://host.example{path}") == reserves


@pytest.mark.parametrize("text", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_tdm_file_is_unreadable(text):
    with pytest.raises(Unreadable):
        TdmFile(text.encode())


def test_bytes_that_are_not_utf8_are_unreadable():
    with pytest.raises(Unreadable):
        TdmFile('[{"location": "/ü", "tdm-reservation": 1}]'.encode("latin-1"))


def test_a_pattern_of_stars_costs_no_more_than_a_search():
    assert not TdmFile(rules(("/" + "*a" * 50_000 + "b$", 1)).encode()).reserves("https://host.example/" + "a" * 8000)


@given(st.binary(max_size=200), st.text(max_size=40))
def test_any_bytes_have_an_answer(body, path):
    try:
        file = TdmFile(body)
    except Unreadable:
        return
    assert isinstance(file.reserves(f"https://host.example/{path}"), bool)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("/*"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["location", "tdm-reservation", "x"]), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_has_an_answer(value):
    try:
        file = TdmFile(json.dumps(value).encode())
    except Unreadable:
        return
    assert isinstance(file.reserves("https://host.example/a"), bool)


@given(st.lists(st.text(alphabet="ab*$%/", max_size=8)), st.text(alphabet="ab/?=", max_size=12))
def test_one_rule_for_everything_reserves_whatever_stands_before_it_unless_a_longer_one_frees(locations, path):
    others = [("/" + location, 1) for location in locations]
    assert TdmFile(rules(*others, ("*", 1)).encode()).reserves(f"https://host.example/{path}")
    freed = [("/" + location, 0) for location in locations]
    assert not TdmFile(rules(*freed, ("*", 0)).encode()).reserves(f"https://host.example/{path}")
