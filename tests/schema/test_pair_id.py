"""``pair_id`` is LAION's hash, row by row."""

from __future__ import annotations

import mmh3
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.schema import pair_ids

TEXT = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))


def laion(url: str | None, text: str | None) -> int:
    return mmh3.hash64(((url or "") + (text or "")).encode("utf-8"))[0]


def test_known_constant() -> None:
    """MurmurHash3_x64_128 of the pangram is e34bbc7bbc071b6c 7a433ca9c49a9347: the first word, signed."""
    found = pair_ids(pa.array(["The quick brown fox ", None, ""]), pa.array(["jumps over the lazy dog", None, ""]))
    assert found.to_pylist() == [0xE34BBC7BBC071B6C - 2**64, 0, 0]


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_row_by_row(rows: list[tuple[str | None, str | None]]) -> None:
    urls, captions = [row[0] for row in rows], [row[1] for row in rows]
    found = pair_ids(pa.array(urls, pa.string()), pa.array(captions, pa.string()))
    assert found.type == pa.int64()
    assert found.to_pylist() == [laion(*row) for row in rows]


@pytest.mark.parametrize("type", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_types_chunks_and_slices(type: pa.DataType) -> None:
    urls, captions = ["http://a/ü", None, "http://c/"], ["犬", "b", None]
    url, caption = pa.array(urls, pa.string()).cast(type), pa.array(captions, pa.string()).cast(type)
    whole = [laion(*row) for row in zip(urls, captions, strict=True)]
    assert pair_ids(url.slice(1), caption.slice(1)).to_pylist() == whole[1:]
    chunked = pa.chunked_array([url.slice(0, 1), url.slice(1)])
    assert pair_ids(chunked, pa.chunked_array([caption])).to_pylist() == whole
