"""Late materialisation: the filters' columns of a row group first, the others from the first row that stays, or never.

The two are read side by side, each from its own place, so nothing is kept for later. A row group that has no row to
deliver costs the filters' columns only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from laion_pairs.ledger import Counts
from laion_pairs.shards.sieve import Filtered, Sieve
from laion_pairs.shards.source import Part, Source
from laion_pairs.shards.span import Span

__all__ = ["Step", "sieve_span"]


class Step(NamedTuple):
    """What came of the rows [first_row, end_row) of a row group.

    Attributes:
        batch: the rows to deliver; None where there are none.
        is_first: whether this is the first step that read all columns.
    """

    first_row: int
    end_row: int
    batch: pa.RecordBatch | None
    counts: Counts
    is_first: bool = False


def sieve_span(source: Source, sieve: Sieve, span: Span, upcoming: Sequence[int] = ()) -> Iterator[Step]:
    """Read the span's rows, batch by batch, reading no column that nobody needs.

    Args:
        upcoming: row groups that are read next, for the source to fetch ahead.
    """
    is_early = bool(sieve.filter_columns and sieve.other_columns) and source.rows_in(span.row_group) is not None
    columns = sieve.filter_columns if is_early else sieve.columns
    others: _Others | None = None
    is_first = True
    parts = source.parts(span.row_group, columns, span.first_row, span.end_row, upcoming)
    for part, end_row in span.thinned(parts):
        filtered = sieve.filter(part.batch)
        if is_early and not filtered.kept:
            yield Step(part.first_row, end_row, None, sieve.drop(filtered))
            continue
        if is_early and others is None:
            others = _Others(source, sieve, Span(span.row_group, part.first_row, span.end_row, span.step, span.offset))
        yield _step(sieve, filtered, others, part, end_row, is_first)
        is_first = False


def _step(sieve: Sieve, filtered: Filtered, others: _Others | None, part: Part, end_row: int, is_first: bool) -> Step:
    sieved = sieve.apply(filtered, others.beside(part) if others is not None else None)
    batch = sieved.batch if sieved.batch.num_rows else None
    return Step(part.first_row, end_row, batch, sieved.counts, is_first)


class _Others:
    """The other columns from the first row that stays on; what lies between two of these is decoded and dropped."""

    def __init__(self, source: Source, sieve: Sieve, span: Span) -> None:
        parts = source.parts(span.row_group, sieve.other_columns, span.first_row, span.end_row)
        self._parts = span.thinned(parts)

    def beside(self, part: Part) -> pa.RecordBatch:
        """The batch at the same place: both are cut on the same grid."""
        return next(other.batch for other, _ in self._parts if other.first_row == part.first_row)
