"""Cut the rows of a row group on its grid, whatever pieces a decoder delivers them in (no I/O).

With a step of 16,384 rows the cells are [0, 4096), [4096, 16384), [16384, 32768), …: the first one is short, so that
the first row of a stream waits for few bytes, and the others are long, since a batch costs as much as some thousand
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

__all__ = ["cell_end", "cut", "first_cell_rows"]

_FIRST_CELLS = 4
"""So many first cells make a step."""


def first_cell_rows(step: int) -> int:
    """The rows of a row group's first cell."""
    return max(1, step // _FIRST_CELLS)


def cell_end(row: int, step: int) -> int:
    """Where the cell ends that ``row`` is in."""
    first = first_cell_rows(step)
    return first if row < first else (row // step + 1) * step


def cut(
    batches: Iterable[pa.RecordBatch], step: int, first_row: int = 0, end_row: int | None = None
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows [first_row, end_row) of consecutive batches that begin at row 0, as (row, batch).

    Every delivered batch begins where a cell does, except the first, and holds all rows up to the next one, except the
    last. What lies before ``first_row`` is dropped; nothing is pulled beyond ``end_row``.
    """
    row = 0  # of the next pulled batch
    cell: list[pa.RecordBatch] = []
    cell_row = first_row
    end = _next(first_row, step, end_row)
    if end <= first_row:
        return
    for batch in batches:
        batch_end = row + batch.num_rows
        while end <= batch_end:
            cell.append(_slice(batch, row, max(row, cell_row), end))
            yield cell_row, _join(cell)
            cell, cell_row = [], end
            end = _next(cell_row, step, end_row)
            if end <= cell_row:
                return
        if batch_end > cell_row:
            cell.append(_slice(batch, row, max(row, cell_row), batch_end))
        row = batch_end
    if cell:
        yield cell_row, _join(cell)


def _next(row: int, step: int, end_row: int | None) -> int:
    end = cell_end(row, step)
    return end if end_row is None else min(end, end_row)


def _slice(batch: pa.RecordBatch, batch_row: int, start: int, end: int) -> pa.RecordBatch:
    return batch.slice(start - batch_row, end - start)


def _join(pieces: list[pa.RecordBatch]) -> pa.RecordBatch:
    pieces = [piece for piece in pieces if piece.num_rows] or pieces[:1]
    return pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)
