"""One CSV or TSV file as keyed batches, through ``pyarrow.csv``.

Blocks are cut here and parsed one by one: ``pyarrow.csv.open_csv`` reads ahead in threads, and a process that abandons
it over a Python file is aborted at exit.

A file has a header, unless its first line holds a web address: then it is taken for one of the raw Conceptual Captions
files, two columns without names in either order (cc3m: caption, url; cc12m: url, caption), and the columns are called
``image_url`` and ``caption`` as in their published parquet. A CSV has quoting, over lines too. A TSV has none (captions
of the raw files hold single quotation marks), unless every name in its header is quoted, as pyarrow writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from laion_pairs.errors import CorruptShard
from laion_pairs.shards.grid import cut
from laion_pairs.shards.source import MAX_BATCH_ROWS, Part

__all__ = ["TextSource"]

_BLOCK_BYTES = 1 << 20
_HEADER_BYTES = 1 << 16
_QUOTED_HEADER = re.compile(rb'"[^"\t\r\n]*"(\t"[^"\t\r\n]*")+\r?\n')


class TextSource:
    """A CSV or TSV file: one row group, of a length that nobody knows before it is read.

    Column types are those of the first block (about 1 MiB); a later value that does not fit them is an error.

    Raises:
        CorruptShard: here and while reading.
    """

    def __init__(self, file: Any, where: str, *, tab_separated: bool, max_batch_rows: int = MAX_BATCH_ROWS) -> None:
        self._file, self._where, self._max_batch_rows = file, where, max_batch_rows
        self._file.seek(0)
        self._quoted = not tab_separated or _QUOTED_HEADER.match(self._file.read(_HEADER_BYTES)) is not None
        self._parse = pacsv.ParseOptions(
            delimiter="\t" if tab_separated else ",",
            quote_char='"' if self._quoted else False,
            newlines_in_values=self._quoted,
        )
        block = next(self._blocks(), b"")
        header = self._parse_block(block, None, pacsv.ConvertOptions(), "in its first lines")
        names = _names_of_raw_pairs(header.column_names)
        self._has_header = names is None
        self._names: list[str] = names or header.column_names
        first = self._parse_block(
            block, None if self._has_header else self._names, pacsv.ConvertOptions(), "in its first lines"
        )
        self.schema: pa.Schema = first.schema

    @property
    def row_groups(self) -> range:
        return range(1)

    def rows_in(self, row_group: int) -> None:
        """Nobody knows before the file was read."""

    def may_match(self, expression: pc.Expression | None) -> list[int]:
        """Always its one row group: a text file has no statistics."""
        return list(self.row_groups)

    def batch_rows(self, row_group: int) -> int:
        """The limit: how wide rows are is not known, and a block of the file is small."""
        return self._max_batch_rows

    def parts(
        self,
        row_group: int,
        columns: Sequence[str],
        first_row: int = 0,
        end_row: int | None = None,
        upcoming: Sequence[int] = (),
    ) -> Iterator[Part]:
        """The named columns of some rows, cut on the grid; all that lies before them is read."""
        for start, batch in cut(self._batches(columns), self._max_batch_rows, first_row, end_row):
            yield Part(row_group, start, batch)

    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        types = {field.name: field.type for field in self.schema}
        convert = pacsv.ConvertOptions(column_types=types, include_columns=list(columns))
        row = 0
        names = None if self._has_header else self._names
        for block in self._blocks():
            table = self._parse_block(block, names, convert, f"after row {row}")
            names = self._names
            yield from table.to_batches()
            row += table.num_rows

    def _parse_block(
        self, block: bytes, names: list[str] | None, convert: pacsv.ConvertOptions, place: str
    ) -> pa.Table:
        read = pacsv.ReadOptions(use_threads=False, column_names=names, block_size=max(len(block), 1))
        try:
            return pacsv.read_csv(pa.BufferReader(block), read, self._parse, convert)
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise CorruptShard(
                f"{self._where} is not a readable CSV or TSV file ({place}: {str(error).splitlines()[0]}); "
                "download it again, or leave it out."
            ) from error

    def _blocks(self) -> Iterator[bytes]:
        """The file in pieces of whole records."""
        self._file.seek(0)
        rest = b""
        while data := self._file.read(_BLOCK_BYTES):
            rest += data
            end = self._last_record_end(rest)
            if end:
                yield rest[:end]
                rest = rest[end:]
        if rest:
            yield rest

    def _last_record_end(self, data: bytes) -> int:
        """Where the last whole record ends, 0 if there is none: after a newline that no open quote encloses."""
        end = data.rfind(b"\n") + 1
        while end and self._quoted and data.count(b'"', 0, end) % 2:
            end = data.rfind(b"\n", 0, end - 1) + 1
        return end


def _names_of_raw_pairs(first_line: list[str]) -> list[str] | None:
    """Names for a file without a header, or None: a column name is never a web address."""
    addresses = [value.lower().startswith(("http://", "https://")) for value in first_line]
    if len(first_line) != 2 or sum(addresses) != 1:
        return None
    return ["image_url", "caption"] if addresses[0] else ["caption", "image_url"]
