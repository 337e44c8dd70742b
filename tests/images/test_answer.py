"""What a header block means, where libcurl's own checks would hide ours (see test_fetch.py for whole answers)."""

from __future__ import annotations

import pytest

from laion_pairs.images.answer import Redirect, judge_answer
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

LIMIT = 100


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (302, [("Location", "/a"), ("location", "/b")], Outcome.HTTP_SERVER_ERROR),
        (302, [("Location", "/a"), ("X-Robots-Tag", "noai")], Outcome.OPTED_OUT),
        (300, [("Location", "/a")], Outcome.NOT_AN_IMAGE),
        (305, [("Location", "/a")], Outcome.NOT_AN_IMAGE),
        (200, [("Content-Length", "101")], Outcome.TOO_LARGE),
        (200, [("content-length ", " 101 ")], Outcome.TOO_LARGE),
        (200, [("Content-Length", "9" * 5_000)], Outcome.TOO_LARGE),
        (503, [("retry-after", "")], Outcome.RATE_LIMITED),
        (499, [], Outcome.HTTP_CLIENT_ERROR),
        (600, [], Outcome.HTTP_SERVER_ERROR),
        (0, [], Outcome.HTTP_SERVER_ERROR),
    ],
)
def test_refused(status, headers, outcome):
    with pytest.raises(Refused) as caught:
        judge_answer(status, headers, LIMIT)
    assert caught.value.outcome is outcome


@pytest.mark.parametrize("length", ["100", "0", "", "abc", "-1", "1e9", "²"])
def test_lengths_that_do_not_refuse(length):
    assert judge_answer(200, [("Content-Length", length)], LIMIT) is None


def test_the_same_place_named_twice_is_one_place():
    assert judge_answer(301, [("Location", "/a"), ("Location", "/a")], LIMIT) == Redirect(b"/a")
