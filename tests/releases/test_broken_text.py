"""Text that is not UTF-8: null and counted, and the rows around it go on."""

from __future__ import annotations

import pyarrow as pa
import pytest

from laion_pairs.releases.conversion import convert

BROKEN = pa.array([b"a", b"\xff\xfe", None, b"b\x00", "é".encode()]).view(pa.string())
SURROGATE = pa.array([b"a", b"\xed\xa0\x80"]).view(pa.string())


@pytest.mark.parametrize("name", ["url", "caption", "language", "license"])
def test_text(name: str) -> None:
    converted = convert(name, BROKEN)
    assert converted.array.to_pylist() == ["a", None, None, "b\x00", "é"]
    assert dict(converted.nulled) == {"not UTF-8": 1}
    assert convert(name, SURROGATE).array.to_pylist() == ["a", None]
    assert convert(name, BROKEN.slice(2)).nulled == {}


@pytest.mark.parametrize("name", ["nsfw", "digest"])
def test_words_and_digests(name: str) -> None:
    assert convert(name, BROKEN).array.to_pylist() == [None] * 5
