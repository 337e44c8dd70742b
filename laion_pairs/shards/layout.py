"""How the rows of files lie in row groups: what a split by rows needs to know. Reads their footers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from laion_pairs.shards.formats import open_source
from laion_pairs.shards.plan import ReadPlan
from laion_pairs.shards.shard import Shard

__all__ = ["Layout", "read_layouts"]

SIDE_BY_SIDE = 16
"""Footers asked for at a time: two round trips each."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The row groups of a file.

    Attributes:
        rows: of each row group; None where nobody knows before the file was read (text).
        batch_rows: the step of each row group's grid.
    """

    rows: tuple[int, ...] | None
    batch_rows: tuple[int, ...]


def read_layouts(shards: Sequence[Shard], plan: ReadPlan, token: str | bool | None = None) -> list[Layout]:
    """The layout of each shard, in order. Raises what :func:`laion_pairs.shards.formats.open_source` raises."""
    if all(shard.is_local for shard in shards):
        return [_read(shard, plan, token) for shard in shards]
    with ThreadPoolExecutor(max(1, min(SIDE_BY_SIDE, len(shards)))) as threads:
        return list(threads.map(lambda shard: _read(shard, plan, token), shards))


def _read(shard: Shard, plan: ReadPlan, token: str | bool | None) -> Layout:
    with open_source(shard, token, max_batch_rows=plan.batch_rows) as source:
        rows = tuple(n for n in map(source.rows_in, source.row_groups) if n is not None)
        steps = tuple(map(source.batch_rows, source.row_groups))
        return Layout(rows if len(rows) == len(steps) else None, steps)
