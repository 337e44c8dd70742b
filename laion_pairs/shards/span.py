"""Which rows of a file to read: a range of one row group, or every n-th row of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from laion_pairs.shards.source import Part

__all__ = ["Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """The rows [first_row, end_row) of a row group; of them every ``step``-th one of the row group, from ``offset`` on.

    Attributes:
        end_row: None reads to the row group's end.
    """

    row_group: int
    first_row: int = 0
    end_row: int | None = None
    step: int = 1
    offset: int = 0

    def rows(self, rows_in_row_group: int) -> int:
        """How many rows these are."""
        end = rows_in_row_group if self.end_row is None else min(self.end_row, rows_in_row_group)
        return len(range(self.first_row + (self.offset - self.first_row) % self.step, end, self.step))

    def thinned(self, parts: Iterator[Part]) -> Iterator[tuple[Part, int]]:
        """The rows of these batches that belong to it, each batch with the row after its last one."""
        for part in parts:
            end_row = part.first_row + part.batch.num_rows
            if self.step > 1:
                positions = range((self.offset - part.first_row) % self.step, part.batch.num_rows, self.step)
                part = part._replace(batch=part.batch.take(pa.array(positions, pa.int64())))
            yield part, end_row
