"""What a file format offers to the reader: the columns it holds, and its rows as batches with exact positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Part", "Source"]


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

    def rows_in(self, row_group: int) -> int: ...

    def may_match(self, expression: pc.Expression | None) -> list[int]: ...

    def parts(self, row_groups: Sequence[int], columns: Sequence[str], batch_rows: int) -> Iterator[Part]: ...
