"""What is printed can steer no terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.plain_text import one_line

CASES = [
    ("a plain caption", "a plain caption"),
    ("naïve café – “quotes” 猫", "naïve café – “quotes” 猫"),
    ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
    ("line\nbreak\ttab\r", "line\\nbreak\\ttab\\r"),
    ("\x9b2J", "\\x9b2J"),  # the one-byte form of ESC [
    ("abc\u202edef", "abc\\u202edef"),  # right-to-left override
    ("zero\u200bwidth", "zero\\u200bwidth"),
    ("para\u2029graph", "para\\u2029graph"),
    ("\ud800", "\\ud800"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_table(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text())
def test_nothing_that_steers_is_left_and_the_rest_is_untouched(text: str) -> None:
    shown = one_line(text)
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for char in shown)
    assert one_line(shown) == shown


@given(st.text(), st.integers(1, 50))
def test_a_cut_is_marked_and_never_longer_than_asked(text: str, most: int) -> None:
    shown = one_line(text, max_chars=most)
    whole = one_line(text)
    assert len(shown) <= most
    assert shown == whole if len(whole) <= most else shown == whole[: most - 1] + "…"
