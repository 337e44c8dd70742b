"""What is printed can steer no terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.terminal import printable

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
    assert printable(text) == shown


@given(st.text())
def test_nothing_that_steers_is_left_and_the_rest_is_untouched(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for char in shown)
    assert printable(shown) == shown
