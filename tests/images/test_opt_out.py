"""Opt-out headers: what refuses, what does not, and the traps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.images.opt_out import allows_tdm, find_opt_out

REFUSES = [
    ("X-Robots-Tag", "noai"),
    ("X-Robots-Tag", "noimageai"),
    ("X-Robots-Tag", "noml"),
    ("X-Robots-Tag", "noindex"),
    ("X-Robots-Tag", "noimageindex"),
    ("X-Robots-Tag", "none"),
    ("x-robots-tag", "NoAI"),
    ("X-ROBOTS-TAG", "  NOINDEX  "),
    ("X-Robots-Tag", "nofollow, noai"),
    ("X-Robots-Tag", "noai,nofollow"),
    ("X-Robots-Tag", "laion-dataset: noai"),
    ("X-Robots-Tag", "otherbot: noai"),
    ("X-Robots-Tag", "otherbot:noindex, nofollow"),
    ("X-Robots-Tag", "googlebot: nofollow, otherbot: noimageai"),
    ("X-Robots-Tag", "noai, unavailable_after: 25 Jun 2030 15:00:00 PST"),
    ("X-Robots-Tag", "unavailable_after: 25 Jun 2030 15:00:00 PST, noai"),
    ("X-Robots-Tag", "unavailable_after: Wednesday, 25-Jun-30 15:00:00 GMT, noai"),
    ("X-Robots-Tag", "bot: unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"),
    ("X-Robots-Tag", "max-image-preview: none, noai"),
    ("X-Robots-Tag", "max-snippet:-1, max-image-preview:large, noindex"),
    ("X-Robots-Tag", "noai noimageai"),
    ("X-Robots-Tag", "nofollow;noai"),
    ("X-Robots-Tag", '"noai"'),
    ("X-Robots-Tag ", "noai"),
    ("tdm-reservation", "1"),
    ("TDM-Reservation", " 1 "),
    ("tdm-reservation", "yes"),
    ("tdm-reservation", "true"),
    ("tdm-reservation", ""),
    ("tdm-reservation", "2"),
    ("tdm-reservation", "00"),
    ("tdm-reservation", "0, 1"),
    ("Content-Usage", "train-ai=n"),
    ("content-usage", "Train-AI = N"),
    ("Content-Usage", "search=y, train-ai=n"),
    ("Content-Usage", "train-ai=n;exp=1"),
    ("Content-Usage", "train-ai=no"),
    ("Content-Usage", "train-ai=0"),
    ("Content-Usage", "train-ai"),
    ("Content-Usage", "train-ai="),
    ("Content-Usage", "train-ai=y, train-ai=n"),
    ("Content-Usage", "train-ai;exp=y"),  # bare, with a parameter
    ("Content-Usage", "train-ai=y, train-genai=n"),
    ("Content-Usage", "train-genai=n"),
]
DOES_NOT = [
    ("X-Robots-Tag", ""),
    ("X-Robots-Tag", "all"),
    ("X-Robots-Tag", "nofollow"),
    ("X-Robots-Tag", "index, follow"),
    ("X-Robots-Tag", "nosnippet, noarchive, notranslate"),
    ("X-Robots-Tag", "max-image-preview: none"),
    ("X-Robots-Tag", "max-image-preview:none, nofollow"),
    ("X-Robots-Tag", "unavailable_after: 25 Jun 2030 15:00:00 PST"),
    ("X-Robots-Tag", "noaix, xnoai, no-ai, noindexed"),
    ("X-Robots", "noai"),
    ("Content-Type", "noai"),
    ("tdm-reservation", "0"),
    ("tdm-reservation", " 0 "),
    ("tdm-policy", "https://example.org/policy.json"),
    ("Content-Usage", "train-ai=y"),
    ("Content-Usage", "train-ai=Y;q=1"),
    ("Content-Usage", "search=n"),
    ("Content-Usage", "x-train-ai=n"),
    ("Content-Usage", ""),
]


@pytest.mark.parametrize("header", REFUSES)
def test_refuses(header):
    assert find_opt_out([header])


@pytest.mark.parametrize("header", DOES_NOT)
def test_does_not_refuse(header):
    assert find_opt_out([header]) is None


@given(st.lists(st.sampled_from(DOES_NOT)), st.sampled_from(REFUSES), st.lists(st.sampled_from(DOES_NOT)))
def test_one_refusal_is_enough_wherever_it_stands(before, refusal, after):
    assert find_opt_out([*before, refusal, *after])


@given(st.sampled_from(["X-Robots-Tag", "tdm-reservation", "Content-Usage"]), st.text())
def test_any_text_is_read(name, value):
    found = find_opt_out([(name, value)])
    assert found is None or found.isascii()


@given(
    st.lists(st.sampled_from(["nofollow", "noarchive", "max-snippet: 5", "bot: nosnippet"])),
    st.sampled_from(["noai", "noimageai", "noml", "noindex", "noimageindex", "none"]),
    st.sampled_from(["", "somebot:", "a-b/1.0 : "]),
)
def test_a_directive_is_found_anywhere_in_a_list(others, word, agent):
    for place in range(len(others) + 1):
        value = ", ".join([*others[:place], f"{agent}{word.upper()}", *others[place:]])
        assert find_opt_out([("X-Robots-Tag", value)]) == f"X-Robots-Tag: {word}"


@given(st.text(alphabet="01 ,yes"))
def test_tdm_means_zero_and_nothing_else(value):
    is_zero = all(part.strip() == "0" for part in value.split(","))
    assert (find_opt_out([("tdm-reservation", value)]) is None) == is_zero


@pytest.mark.parametrize(
    ("values", "allows"),
    [
        ([], False),
        (["0"], True),
        ([" 0 ", "0"], True),
        (["0", "1"], False),
        (["1"], False),
        (["no"], False),
        ([""], False),
    ],
)
def test_only_a_legal_zero_allows_mining(values, allows):
    assert allows_tdm([("X-Robots-Tag", "all"), *(("TDM-Reservation", value) for value in values)]) == allows
