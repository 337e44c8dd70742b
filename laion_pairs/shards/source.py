"""What a file format offers to the reader: the columns it holds, and its rows as batches with exact positions.

A row group's rows are cut on its GRID: at multiples of ``batch_rows(row_group)``, counted from its first row, and once
before the first of these (:mod:`laion_pairs.shards.grid`), whatever is asked for. So a place (row group, row on the
grid) means the same in every process, however a file was split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["MAX_BATCH_BYTES", "MAX_BATCH_ROWS", "Part", "Source"]

MAX_BATCH_ROWS = 16_384
MAX_BATCH_BYTES = 4 << 20
"""Where rows are wide, a batch has fewer: about as many as make 4 MiB by the file's own account."""


class Part(NamedTuple):
    """A batch as the file holds it, and where: the row group, and the batch's first row within it."""

    row_group: int
    first_row: int
    batch: pa.RecordBatch


class Source(Protocol):
    """An open file of rows."""

    schema: pa.Schema

    @property
    def row_groups(self) -> range: ...

    def rows_in(self, row_group: int) -> int | None:
        """How many rows a row group has; None where nobody knows before it was read (text)."""

    def may_match(self, expression: pc.Expression | None) -> list[int]:
        """The row groups whose statistics do not rule the expression out. Reads nothing."""

    def batch_rows(self, row_group: int) -> int:
        """The step of the row group's grid. Known from the footer alone, the same in every process."""

    def parts(
        self,
        row_group: int,
        columns: Sequence[str],
        first_row: int = 0,
        end_row: int | None = None,
        upcoming: Sequence[int] = (),
    ) -> Iterator[Part]:
        """The named columns of the rows [first_row, end_row) of a row group, cut on its grid, in order.

        The first and the last batch are trimmed to what was asked for. Rows before ``first_row`` may be decoded, and
        are never delivered. ``upcoming`` names row groups whose same columns will be asked for next, in that order:
        they are fetched ahead while this one comes to its end.
        """
