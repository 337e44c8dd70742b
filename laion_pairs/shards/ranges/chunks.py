"""Where the column chunks of a row group lie, and about how far some rows reach into them, by the footer (no I/O)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Chunk", "chunks_of"]

_DEFAULT_PAGE_BYTES = 1 << 20
"""What the common writers (Arrow, Spark's parquet-mr) put into a page, uncompressed."""


@dataclass(frozen=True)
class Chunk:
    """One column of one row group: the bytes [start, end) of the file, data pages from ``data`` on."""

    start: int
    data: int
    end: int
    rows: int
    page_bytes: int

    @property
    def n_bytes(self) -> int:
        return self.end - self.start

    def reach(self, rows: int) -> int:
        """About where the first ``rows`` rows end: by proportion."""
        if rows >= self.rows:
            return self.end
        return self.data + (self.end - self.data) * rows // self.rows


def chunks_of(metadata: Any, row_group: int, columns: Sequence[str], file_bytes: int) -> list[Chunk]:
    """The chunks of the named columns, in the order of the file; a nested column has several.

    A footer may say anything: a chunk never leaves the file.
    """
    group = metadata.row_group(row_group)
    chunks = (
        _chunk(group.column(number), max(1, group.num_rows), file_bytes)
        for number in range(metadata.num_columns)
        if _is_of(metadata.schema.column(number).path, columns)
    )
    return sorted((chunk for chunk in chunks if chunk.n_bytes), key=lambda chunk: chunk.start)


def _is_of(path: str, columns: Sequence[str]) -> bool:
    """As pyarrow chooses columns: by the whole path of a leaf, or by the beginning of it."""
    return any(path == column or path.startswith(f"{column}.") for column in columns)


def _chunk(column: Any, rows: int, file_bytes: int) -> Chunk:
    data = column.data_page_offset
    dictionary = column.dictionary_page_offset if column.has_dictionary_page else None
    start = min(data, dictionary) if dictionary else data
    start = min(max(0, start), file_bytes)
    end = min(start + max(0, column.total_compressed_size), file_bytes)
    ratio = column.total_compressed_size / max(1, column.total_uncompressed_size)
    return Chunk(start, min(max(start, data), end), end, rows, int(min(1.0, max(0.0, ratio)) * _DEFAULT_PAGE_BYTES))
