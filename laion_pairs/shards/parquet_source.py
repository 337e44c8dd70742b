"""One parquet file as keyed batches: footer, row groups that a filter rules out, wanted columns only.

``ParquetFile.iter_batches`` is used and never the dataset scanner, whose threads keep an interpreter from exiting when
an iterator is abandoned.
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
from laion_pairs.shards.opening import BLOCK_BYTES
from laion_pairs.shards.source import Part

__all__ = ["ParquetSource"]


class ParquetSource:
    """A parquet file. ``where`` names it in errors.

    Raises:
        CorruptShard: here and while reading, with the row group.
    """

    def __init__(self, file: Any, where: str) -> None:
        self._where = where
        with self._corruption("its footer"):
            self._file = pq.ParquetFile(file, buffer_size=BLOCK_BYTES, pre_buffer=False)
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

    def parts(self, row_groups: Sequence[int], columns: Sequence[str], batch_rows: int) -> Iterator[Part]:
        """The named columns of the named row groups, batch by batch."""
        for row_group in row_groups:
            first_row = 0
            batches = self._file.iter_batches(batch_rows, row_groups=[row_group], columns=list(columns))
            while True:
                with self._corruption(f"row group {row_group}, after row {first_row}"):
                    batch = next(batches, None)
                if batch is None:
                    break
                yield Part(row_group, first_row, batch)
                first_row += batch.num_rows

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
