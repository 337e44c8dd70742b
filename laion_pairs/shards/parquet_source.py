"""One parquet file as keyed batches: footer, row groups that a filter rules out, wanted columns only.

``ParquetFile.iter_batches`` is used and never the dataset scanner, whose threads keep an interpreter from exiting when
an iterator is abandoned; and without Arrow's own threads: they cost more CPU and memory than they save time, and Ctrl-C
is heard while a batch is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from laion_pairs.errors import CorruptShard
from laion_pairs.shards.grid import cut
from laion_pairs.shards.source import MAX_BATCH_BYTES, MAX_BATCH_ROWS, Part

__all__ = ["BUFFER_BYTES", "ParquetSource"]

BUFFER_BYTES = 16 << 10
"""Of a column's bytes, while it is decoded; a page that is longer is read at once all the same."""


class ParquetSource:
    """A parquet file. ``where`` names it in errors; no batch has more than ``max_batch_rows`` rows.

    Raises:
        CorruptShard: here and while reading, with the row group.
    """

    def __init__(self, file: Any, where: str, *, max_batch_rows: int = MAX_BATCH_ROWS) -> None:
        self._where, self._max_batch_rows = where, max_batch_rows
        with self._corruption("its footer"):
            self._file = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
            self._metadata = self._file.metadata
            self.schema: pa.Schema = self._file.schema_arrow

    @property
    def row_groups(self) -> range:
        return range(self._metadata.num_row_groups)

    def rows_in(self, row_group: int) -> int:
        return int(self._metadata.row_group(row_group).num_rows)

    def may_match(self, expression: pc.Expression | None) -> list[int]:
        """The row groups whose statistics do not rule the expression out. Reads nothing."""
        if expression is None:
            return list(self.row_groups)
        footer = pa.BufferOutputStream()
        self._metadata.write_metadata_file(footer)  # a parquet file of a footer only: pruning it opens no connection
        fragment = pads.ParquetFileFormat().make_fragment(pa.BufferReader(footer.getvalue()))
        return [row_group.id for row_group in fragment.subset(expression, schema=self.schema).row_groups]

    def batch_rows(self, row_group: int) -> int:
        """As many rows as make 4 MiB by the footer's uncompressed size, and no more than the limit."""
        metadata = self._metadata.row_group(row_group)
        row_bytes = max(1, metadata.total_byte_size // max(1, metadata.num_rows))
        return int(max(1, min(self._max_batch_rows, MAX_BATCH_BYTES // row_bytes)))

    def parts(
        self,
        row_group: int,
        columns: Sequence[str],
        first_row: int = 0,
        end_row: int | None = None,
        upcoming: Sequence[int] = (),
    ) -> Iterator[Part]:
        """The named columns of some rows of a row group, cut on its grid."""
        step = self.batch_rows(row_group)
        batches = self._batches(row_group, columns, first_row, end_row, upcoming)
        for start, batch in cut(self._checked(batches, row_group), step, first_row, end_row):
            yield Part(row_group, start, batch)

    def _batches(
        self, row_group: int, columns: Sequence[str], first_row: int, end_row: int | None, upcoming: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        """The row group's batches from its first row on; at least up to ``end_row``."""
        yield from self._file.iter_batches(
            self.batch_rows(row_group), row_groups=[row_group], columns=list(columns), use_threads=False
        )

    def _checked(self, batches: Iterator[pa.RecordBatch], row_group: int) -> Iterator[pa.RecordBatch]:
        row = 0
        while True:
            with self._corruption(f"row group {row_group}, after row {row}"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch
            row += batch.num_rows

    @property
    def _advice(self) -> str:
        if self._where.partition("?")[0].lower().endswith(".parquet"):
            return "download it again, or leave it out."
        return "what is read are .parquet, .csv and .tsv files, by the end of their names."

    @contextmanager
    def _corruption(self, place: str) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            if not _is_about_content(error):
                raise
            found = f"in {place}: {str(error).splitlines()[0]}"
            raise CorruptShard(f"{self._where} is not a readable parquet file ({found}); {self._advice}") from error


def _is_about_content(error: Exception) -> bool:
    """Whether Arrow says that the bytes are wrong; what a connection or a disk raises passes through it unchanged."""
    return isinstance(error, pa.ArrowException) or (type(error) is OSError and error.errno is None)
