"""Splitting a stream among nodes and workers below the download, so that no image is fetched by two of them.

`datasets` splits what it can by shards. Where their number does not divide, it lets every node read everything and keep
one row in n, which here would be one image in n; and workers beyond the number of shards stop. So a downloading stream
says that its shards are enough for any split (:class:`laion_pairs.streams.splitting.ShardCount`), and so does a source
of ours, which then splits itself. Any other source's rows are split here:

* by whole shards, where they divide, or are so many (``EVEN_FROM`` a part) that a shard more or less does not show;
* else by groups of shards, as many as divide (their greatest common divisor with the parts), and inside a group by
  every n-th row, which costs reading the group's rows n times but each image once.

A part that takes every n-th row is split further in the same way, so it does not matter how many workers each node has.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

from laion_pairs.streams.splitting import EVEN_FROM

__all__ = ["Stride", "split_source"]


@dataclass(frozen=True, slots=True)
class Stride:
    """Every ``step``-th row of a source, from row ``offset`` on."""

    step: int = 1
    offset: int = 0

    def part(self, parts: int, index: int) -> Stride:
        """One of several equal parts of these rows."""
        return Stride(self.step * parts, self.offset + self.step * index)

    def positions(self, first: int, count: int) -> range:
        """Which of the source's rows ``first`` to ``first + count`` belong here, counted from ``first``."""
        return range((self.offset - first) % self.step, count, self.step)


def split_source(source: Any, stride: Stride, parts: int, index: int, contiguous: bool) -> tuple[Any, Stride]:
    """One of ``parts`` parts of the rows: together they are all rows, each once.

    Args:
        source: an examples iterable.
        contiguous: whether a part's whole shards are neighbours.
    """
    shards = source.num_shards
    if stride.step == 1 and (shards % parts == 0 or shards >= EVEN_FROM * parts):
        return source.shard_data_sources(parts, index, contiguous=contiguous), stride
    groups = gcd(shards, parts) if stride.step == 1 else 1
    # also where it is the whole source: a new one, because parts are read side by side, and each keeps its own state
    group = source.shard_data_sources(groups, index % groups, contiguous=contiguous)
    return group, stride.part(parts // groups, index // groups)
