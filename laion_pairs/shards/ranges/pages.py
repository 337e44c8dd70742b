"""How long the first data page of a column chunk is, and how many values it holds, from the first bytes of its header.

Of the page header (Apache Parquet, ``parquet.thrift``: struct PageHeader, thrift's compact protocol) only what comes
first is read, in the order that every writer we know of follows::

    1: type   2: uncompressed_page_size   3: compressed_page_size   [4: crc]    each: 0x15 (next field, i32), a varint
    5: data_page_header or 8: data_page_header_v2                               0x?C (a struct)
        1: num_values                                                           0x15, a varint

No library reads a page header by itself. Whoever finds something else here guesses instead.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Page", "parse_page"]

_NEXT_I32 = 0x15
_STRUCT = 0x0C


class Page(NamedTuple):
    """``n_bytes``: without the header. ``values``: rows, where the column is flat."""

    n_bytes: int
    values: int


def parse_page(start: bytes | memoryview) -> Page | None:
    """The page whose header begins ``start``; None if that cannot be told."""
    at, numbers = 0, []
    for _ in range(4):
        if start[at : at + 1] != bytes([_NEXT_I32]):
            break
        number, at = _zigzag(start, at + 1)
        numbers.append(number)
    if len(numbers) < 3 or start[at + 1 : at + 2] != bytes([_NEXT_I32]) or start[at] & 0x0F != _STRUCT:
        return None
    values, _ = _zigzag(start, at + 2)
    return Page(numbers[2], values) if numbers[2] >= 0 and values >= 0 else None


def _zigzag(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """A number, and where the next byte is; what is cut off counts as zeros."""
    value = shift = 0
    for byte in data[at : at + 5]:
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return (value >> 1) ^ -(value & 1), at
