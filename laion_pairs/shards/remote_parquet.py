"""A parquet file on a host: the footer in one request, then the wanted column chunks, fetched ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from laion_pairs.shards.grid import cell_end, first_cell_rows
from laion_pairs.shards.parquet_source import BUFFER_BYTES, ParquetSource
from laion_pairs.shards.ranges import ArrowFile, ReadAhead, Remote, chunks_of
from laion_pairs.shards.source import MAX_BATCH_ROWS

__all__ = ["RemoteParquetSource"]

FOOTER_BYTES = 64 << 10
"""What Arrow reads of a file's end (``kDefaultFooterReadSize``); a larger footer costs one more request."""


class RemoteParquetSource(ParquetSource):
    """A parquet file that ``remote`` reads. ``where`` names it in errors.

    Raises:
        CorruptShard, and what ``remote`` raises.
    """

    def __init__(self, remote: Remote, where: str, *, max_batch_rows: int = MAX_BATCH_ROWS) -> None:
        remote.read_tail(FOOTER_BYTES)
        self._remote, self._size = remote, remote.size or 0
        self._kept: dict[tuple[str, ...], ReadAhead] = {}
        super().__init__(ArrowFile(remote.read, self._size), where, max_batch_rows=max_batch_rows)

    @property
    def tail(self) -> bytes:
        """The end of the file, with its footer."""
        return self._remote.tail

    def close(self) -> None:
        """Forget what was fetched ahead and never asked for."""
        while self._kept:
            self._kept.popitem()[1].close()

    def _batches(
        self, row_group: int, columns: Sequence[str], first_row: int, end_row: int | None, upcoming: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        ahead = self._kept.pop(tuple(columns), None) or ReadAhead(
            self._remote.read, lambda number: chunks_of(self._metadata, number, columns, self._size)
        )
        step, rows = self.batch_rows(row_group), self.rows_in(row_group)
        last_row = rows if end_row is None else min(rows, end_row)
        row = 0
        try:
            is_cold = ahead.enter(row_group, min(last_row, cell_end(first_row, step)), last_row, upcoming)
            if is_cold and first_row < first_cell_rows(step):
                ahead.keep()
                for first in self._decoded(ahead, row_group, columns, first_cell_rows(step)):
                    row = first.num_rows
                    yield first
                    break
                if row >= last_row:
                    return
                ahead.again(step)
                ahead.go_on()
            delivered = row
            for batch in self._decoded(ahead, row_group, columns, step):
                yield batch.slice(delivered)
                row += batch.num_rows - delivered
                delivered = 0
                ahead.go_on(beyond=row > first_row)
        finally:
            if row >= last_row and upcoming:
                self._kept[tuple(columns)] = ahead
            else:
                ahead.close()

    def _decoded(
        self, ahead: ReadAhead, row_group: int, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        file = pq.ParquetFile(
            ArrowFile(ahead.read, self._size), metadata=self._metadata, buffer_size=BUFFER_BYTES, pre_buffer=False
        )
        yield from file.iter_batches(batch_rows, row_groups=[row_group], columns=list(columns), use_threads=False)
