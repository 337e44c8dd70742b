"""Read a shard as batches of canonical columns, each with its exact place in the file.

Bounded memory: a batch at a time, a few blocks of the file, no row group as a whole. Row groups that the filters rule
out by their statistics are not read; of one without a row that the filters keep, only their columns are.

What is counted in the plan's ledger, in the order of reading and before a batch is delivered:

==================  =================================================================================================
``rows``            ``seen`` and ``kept``; ``skipped`` with their row group, never read; ``filter columns only``: the
                    part of ``seen`` that lies in row groups of which no row stayed, so that nothing else was read
``row_groups``      ``read``, ``skipped``, ``filter columns only``; by whoever reads the row group's first row
``dropped``         rows by reason: seen = kept + dropped
``nulled``          values that became null, by column and reason
==================  =================================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import pyarrow as pa

from laion_pairs.ledger import Counts, Ledger
from laion_pairs.shards.formats import open_source
from laion_pairs.shards.late import Step, sieve_span
from laion_pairs.shards.plan import ReadPlan
from laion_pairs.shards.shard import Listing, Shard
from laion_pairs.shards.sieve import Sieve, map_file
from laion_pairs.shards.source import Source
from laion_pairs.shards.span import Span

__all__ = ["Delivered", "ShardReader", "open_reader", "own_schema", "read_shard"]

Key = tuple[int, int]
"""(row group, first row): where a batch begins in its file, counted before anything is dropped."""


class Delivered(NamedTuple):
    """What stayed of the rows [first_row, end_row) of a row group: at least one row."""

    row_group: int
    first_row: int
    end_row: int
    batch: pa.RecordBatch


class ShardReader:
    """An open shard under a plan. Made by :func:`open_reader`."""

    def __init__(self, source: Source, sieve: Sieve, ledger: Ledger | None) -> None:
        self._source, self._sieve, self._ledger = source, sieve, ledger

    @property
    def spans(self) -> list[Span]:
        """The whole shard, in file order."""
        return [Span(row_group) for row_group in self._source.row_groups]

    def read(self, spans: Sequence[Span], *, was_counted: bool = False) -> Iterator[Delivered]:
        """Yield what the plan asks for of these rows, in this order.

        Args:
            was_counted: whether the first batch was delivered before, by a run that this one goes on from.
        """
        matching = set(self._source.may_match(self._sieve.pushdown))
        for number, span in enumerate(spans):
            n_in_row_group = self._source.rows_in(span.row_group)
            rows = span.rows(n_in_row_group) if n_in_row_group is not None else None
            if rows == 0:
                continue
            if span.row_group not in matching:
                self._count({"rows": {"skipped": rows or 0}, "row_groups": {"skipped": int(span.first_row == 0)}})
                continue
            upcoming = [later.row_group for later in spans[number + 1 :] if later.row_group in matching]
            for step in self._sieved(span, upcoming, was_counted=was_counted and number == 0):
                if step.batch is not None:
                    yield Delivered(span.row_group, step.first_row, step.end_row, step.batch)

    def _sieved(self, span: Span, upcoming: Sequence[int], *, was_counted: bool) -> Iterator[Step]:
        owns_row_group = span.first_row == 0
        n_seen, was_read = 0, False
        for step in sieve_span(self._source, self._sieve, span, upcoming):
            n_rows = step.counts["rows"]["seen"]
            if not was_counted:
                self._count(
                    {
                        **step.counts,
                        "row_groups": {"read": int(step.is_first and owns_row_group)},
                        "takedown unchecked": self._sieve.unchecked(n_rows),
                    }
                )
            was_counted = False
            n_seen, was_read = n_seen + n_rows, was_read or step.is_first
            yield step
        if owns_row_group and n_seen and not was_read:
            self._count({"rows": {"filter columns only": n_seen}, "row_groups": {"filter columns only": 1}})

    def _count(self, counts: Counts) -> None:
        if self._ledger is not None:
            self._ledger.add_all(counts)


@contextmanager
def open_reader(shard: Shard, plan: ReadPlan, token: str | bool | None = None) -> Iterator[ShardReader]:
    """A shard, open for reading under the plan. Reads its footer.

    Raises, here and while it is read:
        CorruptShard: the file, or a row group of it, cannot be decoded.
        ShardError: the file cannot be had.
        SchemaError, RecipeError, WithdrawnRelease: its columns are not what the plan needs.
        TakedownError, LedgerError
    """
    ledger = Ledger(plan.ledger) if plan.ledger is not None else None
    with open_source(shard, token, max_batch_rows=plan.batch_rows) as source:
        yield ShardReader(source, Sieve(source.schema, shard, plan), ledger)


def read_shard(
    shard: Shard, plan: ReadPlan, token: str | bool | None = None, spans: Sequence[Span] | None = None
) -> Iterator[tuple[Key, pa.RecordBatch]]:
    """Yield what the plan asks for of one shard, in file order; batches from which every row was dropped are left out.

    A batch has the columns ``plan.delivered`` in canonical types, then the own ones.

    Args:
        spans: which rows of it; all of them by default.

    Raises: what :func:`open_reader` raises.
    """
    with open_reader(shard, plan, token) as reader:
        for delivered in reader.read(reader.spans if spans is None else spans):
            yield (delivered.row_group, delivered.first_row), delivered.batch


def own_schema(listing: Listing, plan: ReadPlan, token: str | bool | None = None) -> pa.Schema:
    """The own columns of the first shard of a listing, under their exposed names: what ``ReadPlan.own`` takes.

    Reads the footer of one file. Raises what :func:`open_reader` raises.
    """
    shard = listing.shards[0]
    with open_source(shard, token) as source:
        column_map = map_file(source.schema, shard, plan)
        return pa.schema(
            [pa.field(name, source.schema.field(column).type) for name, column in column_map.own_columns().items()]
        )
