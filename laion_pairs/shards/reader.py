"""Read a shard as batches of canonical columns, each with its exact place in the file.

Bounded memory: a batch at a time, a few blocks of the file, no row group as a whole. Row groups that the filters rule
out are not read. No thread outlives a batch, so an abandoned reader never keeps a process from exiting.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from laion_pairs.ledger import Counts, Ledger
from laion_pairs.shards.formats import open_source
from laion_pairs.shards.plan import ReadPlan
from laion_pairs.shards.shard import Listing, Shard
from laion_pairs.shards.sieve import Sieve, map_file

__all__ = ["own_schema", "read_shard"]

Key = tuple[int, int]
"""(row group, first row): where a batch begins in its file, counted before anything is dropped."""


def read_shard(shard: Shard, plan: ReadPlan, token: str | bool | None = None) -> Iterator[tuple[Key, pa.RecordBatch]]:
    """Yield what the plan asks for of one shard, in file order; batches from which every row was dropped are left out.

    A batch has the columns ``plan.delivered`` in canonical types, then the own ones. Everything is counted in the
    plan's ledger before it is yielded: rows seen, kept, and skipped with their row group; dropped and nulled by reason.

    Raises:
        CorruptShard: the file, or a row group of it, cannot be decoded.
        ShardError: the file cannot be had.
        SchemaError, RecipeError, WithdrawnRelease: its columns are not what the plan needs.
        TakedownError, LedgerError
    """
    ledger = Ledger(plan.ledger) if plan.ledger is not None else None
    with open_source(shard, token, max_batch_rows=plan.batch_rows) as source:
        sieve = Sieve(source.schema, shard, plan)
        row_groups = source.may_match(sieve.pushdown)
        skipped = set(source.row_groups).difference(row_groups)
        _count(
            ledger,
            {
                "row_groups": {"skipped": len(skipped)},
                "rows": {"skipped": sum(source.rows_in(row_group) or 0 for row_group in skipped)},
            },
        )
        for place, row_group in enumerate(row_groups):
            upcoming = row_groups[place + 1 :]
            for _, first_row, batch in source.parts(row_group, sieve.columns, upcoming=upcoming):
                sieved = sieve.apply(batch)
                _count(
                    ledger,
                    {
                        **sieved.counts,
                        "row_groups": {"read": int(first_row == 0)},
                        "takedown unchecked": sieve.unchecked(batch.num_rows),
                    },
                )
                if sieved.batch.num_rows:
                    yield (row_group, first_row), sieved.batch


def own_schema(listing: Listing, plan: ReadPlan, token: str | bool | None = None) -> pa.Schema:
    """The own columns of the first shard of a listing, under their exposed names: what ``ReadPlan.own`` takes.

    Reads the footer of one file. Raises what :func:`read_shard` raises.
    """
    shard = listing.shards[0]
    with open_source(shard, token) as source:
        column_map = map_file(source.schema, shard, plan)
        return pa.schema(
            [pa.field(name, source.schema.field(column).type) for name, column in column_map.own_columns().items()]
        )


def _count(ledger: Ledger | None, counts: Counts) -> None:
    if ledger is not None:
        ledger.add_all(counts)
