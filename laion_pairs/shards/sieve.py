"""From one file's batches to delivered ones: canonical columns, filtered, cleared of taken-down rows, counted.

In two steps, so that a reader may leave out what nobody needs: the filters decide by their own columns which rows stay;
the other columns are then mapped for these rows only.

Every row that goes in is counted once: seen = kept + dropped, a dropped row under the first reason that holds of
filter, recipe, takedown. What became null is counted for every row in the columns that filters use, and for the rows
that they keep in all others. Counts only: no row that was dropped leaves a trace of what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_

import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.errors import SchemaError, WithdrawnRelease
from laion_pairs.ledger import Counts
from laion_pairs.releases import Canonical, ColumnMap, Release, check_recipe, map_columns
from laion_pairs.schema import NAMES, Predicate
from laion_pairs.shards.guard import recognise_schema
from laion_pairs.shards.plan import ReadPlan
from laion_pairs.shards.shard import Shard
from laion_pairs.takedown import open_lists

__all__ = ["Filtered", "Sieve", "Sieved", "map_file", "own_fields"]

EXTRA_SOURCES = {"sample_id": "SAMPLE_ID", "page_url": "page_url"}
"""What takedown entries may name and the canonical schema has no place for: the file's column, where it has it."""


@dataclass(frozen=True)
class Filtered:
    """What the filters say of a batch.

    Attributes:
        keep: which rows stay, or None for all of them.
        kept: how many stay.
        canonical: the filters' columns of the rows that stay; None without filters.
        source: the same rows as the file has them, in the columns that were given.
        dropped: rows that do not stay, by reason.
        nulled: values that became null, by reason.
    """

    keep: pa.BooleanArray | None
    kept: int
    canonical: pa.RecordBatch | None
    source: pa.RecordBatch
    dropped: Mapping[str, int]
    nulled: Mapping[str, int]


@dataclass(frozen=True)
class Sieved:
    """What is left of a batch, and the counts of what went in and what did not come out."""

    batch: pa.RecordBatch
    counts: Counts


def map_file(schema: pa.Schema, shard: Shard, plan: ReadPlan) -> ColumnMap:
    """Where each canonical column of a shard comes from.

    Raises:
        WithdrawnRelease: a remote shard has columns that only withdrawn releases have, and the plan does not know it.
        SchemaError, RecipeError: the columns match nothing, or do not carry the recipe's scores.
    """
    recognised_before = shard.is_local or plan.withdrawn is not None or _is_of(plan.release, shard)
    withdrawn = None if recognised_before else recognise_schema(schema)
    if withdrawn is not None:
        raise WithdrawnRelease(
            f"{shard.url} has the columns of {withdrawn.name}, which was withdrawn; "
            f"load {withdrawn.replacement} instead."
        )
    try:
        column_map = map_columns(schema, release=plan.release, column_mapping=plan.column_mapping)
    except SchemaError as error:
        raise type(error)(f"{shard.url}: {error}") from error
    if plan.recipe is not None:
        check_recipe(plan.recipe, column_map)
    return column_map


def _is_of(release: Release | None, shard: Shard) -> bool:
    """Whether the shard lies in the release's own repository, which the guard let pass by its id and revision."""
    ids = (release.repo_id, *release.alternate_ids) if release is not None else ()
    return any(shard.url.startswith(f"hf://datasets/{repo_id}@") for repo_id in ids)


class Sieve:
    """The plan applied to one shard.

    Attributes:
        columns: the file's columns to read.
        filter_columns: those of them that the filters need.
        other_columns: the others.
        pushdown: a filter on the file's columns that keeps at least every row to deliver, or None.
    """

    def __init__(self, schema: pa.Schema, shard: Shard, plan: ReadPlan) -> None:
        self._url, self._plan = shard.url, plan
        self._release = plan.release.name if plan.release is not None else None
        self._map = map_file(schema, shard, plan)
        self._lists = open_lists(plan.takedown)
        recipe = plan.recipe.predicate if plan.recipe is not None else None
        self._filters = [
            (reason, predicate)
            for reason, predicate in (("filter", plan.predicate), ("recipe", recipe))
            if predicate is not None
        ]
        filtered = frozenset[str]().union(*(predicate.columns for _, predicate in self._filters))
        needed = {*plan.delivered, *self._lists.columns} - filtered
        self._filtered = [name for name in NAMES if name in filtered]
        self._needed = [name for name in NAMES if name in needed]
        self._own = own_fields(self._map, schema, plan)
        self._extra = {
            name: EXTRA_SOURCES[name] for name in self._lists.extra_columns if EXTRA_SOURCES[name] in schema.names
        }
        self._unchecked = self._lists.unchecked({*self._map.available, *self._extra}, self._release)
        own = [source for _, source in self._own if source is not None]
        self.filter_columns = self._map.source_columns(self._filtered)
        others = dict.fromkeys([*self._map.source_columns(self._needed), *own, *self._extra.values()])
        self.other_columns = [name for name in others if name not in self.filter_columns]
        self.columns = [*self.filter_columns, *self.other_columns]
        everything = reduce(and_, (predicate for _, predicate in self._filters), Predicate())
        self.pushdown = self._map.pushdown(everything, schema)

    def filter(self, batch: pa.RecordBatch) -> Filtered:
        """Decide about a batch that holds at least :attr:`filter_columns`."""
        if not self._filters:
            return Filtered(None, batch.num_rows, None, batch, {}, {})
        canonical, nulled = self._map.apply(batch, self._filtered)
        keep, kept = pa.repeat(True, batch.num_rows), batch.num_rows
        dropped: dict[str, int] = {}
        for reason, predicate in self._filters:
            keep = pc.and_(keep, predicate.mask(canonical))
            dropped[reason] = kept - (pc.sum(keep).as_py() or 0)
            kept -= dropped[reason]
        return Filtered(keep, kept, canonical.filter(keep), batch.filter(keep), dropped, nulled)

    def apply(self, filtered: Filtered, others: pa.RecordBatch | None = None) -> Sieved:
        """Deliver what may be delivered of a batch.

        Args:
            others: all rows of the batch with :attr:`other_columns`, where the one that was filtered lacks them.
        """
        batch = filtered.source
        if others is not None:
            batch = _beside(batch, others if filtered.keep is None else others.filter(filtered.keep))
        canonical, nulled = self._canonical(filtered, batch)
        dropped = dict(filtered.dropped)
        matches = self._lists.match(self._to_match(canonical, batch), self._release)
        for (name, version, reason), n in matches.counts.items():
            dropped[f"takedown: {name} {version}: {reason}"] = n
        if matches.counts:
            canonical, batch = canonical.filter(matches.keep), batch.filter(matches.keep)
        counts: Counts = {
            "rows": {"seen": canonical.num_rows + sum(dropped.values()), "kept": canonical.num_rows},
            "dropped": dropped,
            "nulled": {**filtered.nulled, **nulled},
        }
        return Sieved(self._deliver(canonical, batch), counts)

    def drop(self, filtered: Filtered) -> Counts:
        """What to count of a batch of which no row stays; its other columns need not be read."""
        dropped = dict(filtered.dropped)
        return {"rows": {"seen": sum(dropped.values())}, "dropped": dropped, "nulled": dict(filtered.nulled)}

    def unchecked(self, rows: int) -> dict[str, int]:
        """For a ledger: the takedown entries that ``rows`` rows were not compared with, for want of a column."""
        return {f"{name} {version}: {n} {kind} entries": rows for (name, version, kind), n in self._unchecked.items()}

    def _canonical(self, filtered: Filtered, batch: pa.RecordBatch) -> Canonical:
        if filtered.canonical is None:
            return self._map.apply(batch, self._needed)
        if not self._needed:
            return Canonical(filtered.canonical, {})
        others, nulled = self._map.apply(batch, self._needed)
        return Canonical(_beside(filtered.canonical, others), nulled)

    def _to_match(self, canonical: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = {name: canonical.column(name) for name in self._lists.columns}
        columns |= {name: batch.column(source) for name, source in self._extra.items()}
        return pa.RecordBatch.from_pydict(columns) if columns else canonical

    def _deliver(self, canonical: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
        delivered = canonical.select(list(self._plan.delivered))
        for field, source in self._own:
            try:
                values = (
                    pa.nulls(batch.num_rows, field.type) if source is None else batch.column(source).cast(field.type)
                )
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise SchemaError(
                    f"{self._url}: the column {source!r} is not the {field.type} that the first file has; "
                    'leave out columns="all", or load these files apart.'
                ) from error
            delivered = delivered.append_column(field, values)
        return delivered


def _beside(left: pa.RecordBatch, right: pa.RecordBatch) -> pa.RecordBatch:
    """The columns of two batches of the same rows."""
    schema = pa.schema([*left.schema, *right.schema])
    return pa.RecordBatch.from_arrays([*left.columns, *right.columns], schema=schema)


def own_fields(column_map: ColumnMap, schema: pa.Schema, plan: ReadPlan) -> list[tuple[pa.Field, str | None]]:
    """The own columns to deliver, each with the file's column, or None where this file lacks it."""
    if not plan.all_columns:
        return []
    sources = column_map.own_columns()
    if plan.own is not None:
        return [(field, sources.get(field.name)) for field in plan.own]
    return [(pa.field(name, schema.field(source).type), source) for name, source in sources.items()]
