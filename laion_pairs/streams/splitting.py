"""Splitting a stream's shards among nodes and workers, and these again: every row belongs to one part (no I/O).

By shards first: where their number divides, and where there are many (:data:`EVEN_FROM` a part), a part takes whole
ones, and nothing but their names needs to be known. The shards that are left over are *shared*: the part takes a range
of all their rows, which is looked up in their footers when it is read. So a file with one row group keeps any number of
readers busy.

A range ends at a row group's boundary where one is near, else at a row. Parts agree about their cuts, because these
depend on the shared shards and the numbers of parts only; a part of a part is a range of its range, so that nodes may
have different numbers of workers. A text file tells its length to nobody: of it a part takes every n-th row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from laion_pairs.shards import Layout, Shard, Span

__all__ = ["EVEN_FROM", "Piece", "ShardCount", "Share", "share_spans", "split_pieces", "worker_count"]

EVEN_FROM = 8
"""Whole shards a part: from here on a shard more or less does not show."""

NEAR = 8
"""A cut moves to a row group's boundary that is within 1/8 of a batch and of a part. So the four cuts of two parts move
by half a batch together at most, and no part becomes empty by it."""


class ShardCount(int):
    """How many shards a stream has; for whoever splits, enough for any number of parts.

    ``count % parts`` is 0, ``count < parts`` never holds and ``count > parts`` always: by these `datasets` decides
    whether to split by shards, and in how many places its ``shuffle`` reads at a time (``min(count, 10)``). That number
    must be the same for the whole stream, a worker's part of it and a worker's part that has not begun: `datasets` 5.2
    loads the state of each into the others.
    """

    def __mod__(self, parts: int) -> int:
        return 0

    def __lt__(self, parts: int) -> bool:
        return False

    def __gt__(self, parts: int) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Share:
    """A range of the rows of some shards, which are numbered: of all rows, the part ``index`` of ``of`` about equal
    ones, for each ``(index, of)`` in ``parts`` one within the other."""

    shards: tuple[tuple[int, Shard], ...]
    parts: tuple[tuple[int, int], ...]

    def part(self, index: int, of: int) -> Share:
        """One of several equal parts of it."""
        return replace(self, parts=(*self.parts, (index, of)))

    @property
    def stride(self) -> tuple[int, int]:
        """The share of rows that nobody has counted: every so many, from which on."""
        step, offset = 1, 0
        for index, of in self.parts:
            step, offset = step * of, offset + step * index
        return step, offset


@dataclass(frozen=True, slots=True)
class Piece:
    """A shard, by its number in the stream, or what a share has of it."""

    number: int
    shard: Shard
    share: Share | None = None


def split_pieces(pieces: Sequence[Piece], parts: int, index: int, *, contiguous: bool) -> tuple[Piece, ...]:
    """One of ``parts`` parts of the pieces, in their order.

    Args:
        contiguous: whether a part's whole shards are neighbours, or every ``parts``-th one.
    """
    if parts == 1:
        return tuple(pieces)
    whole = [piece for piece in pieces if piece.share is None]
    n_own = len(whole) // parts if len(whole) % parts == 0 or len(whole) >= EVEN_FROM * parts else 0
    taken, left = whole[: n_own * parts], whole[n_own * parts :]
    own = {piece.number for piece in (taken[index * n_own :][:n_own] if contiguous else taken[index::parts])}
    share = Share(tuple((piece.number, piece.shard) for piece in left), ((index, parts),))
    shared = {piece.number for piece in left}
    mine = []
    for piece in pieces:
        if piece.share is not None:
            mine.append(replace(piece, share=piece.share.part(index, parts)))
        elif piece.number in own:
            mine.append(piece)
        elif piece.number in shared:
            mine.append(replace(piece, share=share))
    return tuple(mine)


def share_spans(share: Share, layouts: Mapping[int, Layout]) -> dict[int, list[Span]]:
    """What a share has of each of its shards, by their numbers.

    Args:
        layouts: of its shards, by their numbers.
    """
    row_groups = [
        (number, row_group, n_rows, layouts[number].batch_rows[row_group])
        for number, _ in share.shards
        for row_group, n_rows in enumerate(layouts[number].rows or ())
    ]
    bounds = [0, *accumulate(n_rows for _, _, n_rows, _ in row_groups)]
    steps = [batch_rows for *_, batch_rows in row_groups]
    first, end = 0, bounds[-1]
    for index, of in share.parts:
        first, end = (_cut(first, end, at, of, bounds, steps) for at in (index, index + 1))
    step, offset = share.stride
    spans: dict[int, list[Span]] = {number: [] for number, _ in share.shards}
    for (number, row_group, n_rows, _), start in zip(row_groups, bounds, strict=False):
        if start < end and start + n_rows > first:
            spans[number].append(Span(row_group, max(first - start, 0), min(end - start, n_rows)))
    for number, _ in share.shards:
        if layouts[number].rows is None:
            spans[number].append(Span(0, step=step, offset=offset))
    return spans


def _cut(first: int, end: int, index: int, of: int, bounds: Sequence[int], batch_rows: Sequence[int]) -> int:
    """The row before which part ``index`` of ``of`` of the rows [first, end) begins."""
    if index in (0, of):
        return end if index else first
    exact = first + (end - first) * index // of
    near = [
        (abs(bound - exact), bound)
        for bound, step in zip(bounds, batch_rows, strict=False)
        if abs(bound - exact) <= min(step, (end - first) // of) // NEAR
    ]
    return min(near)[1] if near else exact


def worker_count() -> int:
    """How many workers the DataLoader has whose worker this process is; 1 elsewhere."""
    import sys

    workers = sys.modules.get("torch.utils.data")
    info = workers.get_worker_info() if workers else None
    return info.num_workers if info else 1
