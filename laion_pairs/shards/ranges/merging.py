"""Many ranges become few requests (no I/O)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["MAX_REQUEST_BYTES", "merged"]

MAX_REQUEST_BYTES = 4 << 20
"""Long enough that a request's own cost does not count, short enough that several are on the line at once."""
_GAP_BYTES = 4 << 10
"""Cheaper to fetch in vain than to ask anew: what writers put between two chunks."""

Owner = TypeVar("Owner")


def merged(
    ranges: Iterable[tuple[int, int, Owner]],
) -> Iterator[tuple[int, int, list[tuple[int, int, Owner]]]]:
    """Requests (start, end, the pieces of ranges that they hold) for ranges (start, end, owner), in the file's order.

    Neighbours share a request, up to ``MAX_REQUEST_BYTES``; longer ranges are cut. An owner's pieces stay in order.
    """
    pieces: list[tuple[int, int, Owner]] = []
    for start, end, owner in sorted(_cut(ranges), key=lambda piece: piece[0]):
        if pieces and (start - pieces[-1][1] > _GAP_BYTES or end - pieces[0][0] > MAX_REQUEST_BYTES):
            yield pieces[0][0], pieces[-1][1], pieces
            pieces = []
        pieces.append((start, end, owner))
    if pieces:
        yield pieces[0][0], pieces[-1][1], pieces


def _cut(ranges: Iterable[tuple[int, int, Owner]]) -> Iterator[tuple[int, int, Owner]]:
    for start, end, owner in ranges:
        for at in range(start, end, MAX_REQUEST_BYTES):
            yield at, min(end, at + MAX_REQUEST_BYTES), owner
