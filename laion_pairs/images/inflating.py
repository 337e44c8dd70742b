"""Undoes a ``Content-Encoding`` that a host sent though none was asked for. Pure; bounded in bytes.

Here and not in libcurl, which goes on inflating while a transfer is paused: what is in flight is counted as it came,
and one body at a time is inflated, up to the limit. Read are ``gzip`` and ``deflate`` (RFC 9110 section 8.4.1; of
``deflate`` also the raw form that some hosts send), one inside the other if need be; all else is unknown.
"""

from __future__ import annotations

import zlib

from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["inflate"]

_GZIP, _RAW = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_MOST_LAYERS = 3


def inflate(body: bytes, encodings: list[str], max_bytes: int) -> bytes:
    """``body`` without its encodings, in the order in which they were applied; :class:`Refused` where that fails.

    Args:
        encodings: the words of ``Content-Encoding``.
        max_bytes: more than so many, at any layer, is ``TOO_LARGE``.
    """
    layers = [word for word in encodings if word not in ("", "identity")]
    if len(layers) > _MOST_LAYERS:
        raise _undecodable()
    for word in reversed(layers):
        body = _without(word, body, max_bytes)
    return body


def _without(word: str, body: bytes, max_bytes: int) -> bytes:
    if word in ("gzip", "x-gzip"):
        return _unpacked(body, _GZIP, max_bytes)
    if word != "deflate":
        raise _undecodable()
    is_zlib = len(body) >= 2 and body[0] & 15 == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0  # RFC 1950
    return _unpacked(body, zlib.MAX_WBITS if is_zlib else _RAW, max_bytes)


def _unpacked(body: bytes, window_bits: int, max_bytes: int) -> bytes:
    machine = zlib.decompressobj(window_bits)
    try:
        plain = machine.decompress(body, max_bytes + 1)
    except zlib.error:
        raise _undecodable() from None
    if len(plain) > max_bytes:
        raise Refused(Outcome.TOO_LARGE, f"the body is larger than {max_bytes} bytes.")
    if not machine.eof:
        raise _undecodable()
    return plain


def _undecodable() -> Refused:
    return Refused(Outcome.CORRUPT_IMAGE, "the body's Content-Encoding is unknown or does not decode.")
