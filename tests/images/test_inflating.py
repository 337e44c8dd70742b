"""Encoded bodies are inflated by us, bounded in bytes: a table, a law, a bomb."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laion_pairs.images.inflating import inflate
from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

BODY = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def raw_deflate(body: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return machine.compress(body) + machine.flush()


ENCODED = {
    "gzip": (gzip.compress(BODY), ["gzip"]),
    "x-gzip": (gzip.compress(BODY), ["x-gzip"]),
    "deflate": (zlib.compress(BODY), ["deflate"]),
    "deflate without its header": (raw_deflate(BODY), ["deflate"]),
    "two layers": (zlib.compress(gzip.compress(BODY)), ["gzip", "deflate"]),
    "identity": (BODY, ["identity"]),
    "none": (BODY, []),
    "an empty word": (BODY, [""]),
}
BROKEN = {
    "unknown": (BODY, ["br"]),
    "not what it says": (BODY, ["gzip"]),
    "cut": (gzip.compress(BODY)[:-9], ["gzip"]),
    "too many layers": (BODY, ["gzip"] * 4),
    "empty": (b"", ["gzip"]),
}


@pytest.mark.parametrize("name", ENCODED)
def test_what_was_encoded_is_undone(name):
    body, encodings = ENCODED[name]
    assert inflate(body, encodings, len(BODY) + 1000) == BODY


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_undone_is_corrupt(name):
    body, encodings = BROKEN[name]
    with pytest.raises(Refused) as caught:
        inflate(body, encodings, 10**6)
    assert caught.value.outcome is Outcome.CORRUPT_IMAGE


@pytest.mark.parametrize("limit", [0, 1, 1000, 10**6 - 1])
def test_a_bomb_is_too_large_at_any_layer(limit):
    bomb = gzip.compress(bytes(10**6))
    for body, encodings in [(bomb, ["gzip"]), (gzip.compress(bomb), ["gzip", "gzip"])]:
        with pytest.raises(Refused) as caught:
            inflate(body, encodings, limit)
        assert caught.value.outcome is Outcome.TOO_LARGE
    assert inflate(bomb, ["gzip"], 10**6) == bytes(10**6)


@given(st.binary(max_size=300), st.lists(st.sampled_from(["gzip", "deflate", "x-gzip", "br", "identity"]), max_size=3))
def test_any_bytes_end_as_bytes_or_as_a_refusal(body, encodings):
    try:
        ended = len(inflate(body, encodings, 1000)) <= max(1000, len(body))
    except Refused as refused:
        ended = refused.outcome in (Outcome.CORRUPT_IMAGE, Outcome.TOO_LARGE)
    assert ended
