"""From one file's batches to delivered ones: canonical columns, filtered, cleared of taken-down rows, counted.

Every row that goes in is counted once: seen = kept + dropped, a dropped row under the first reason that holds of
filter, recipe, takedown. Counts only: no row that was dropped leaves a trace of what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_

import pyarrow as pa
import pyarrow.compute as pc

from laion_pairs.errors import SchemaError, WithdrawnRelease
from laion_pairs.ledger import Counts
from laion_pairs.releases import ColumnMap, Release, check_recipe, map_columns
from laion_pairs.schema import NAMES, Predicate
from laion_pairs.shards.guard import recognise_schema
from laion_pairs.shards.plan import ReadPlan
from laion_pairs.shards.shard import Shard
from laion_pairs.takedown import open_lists

__all__ = ["Sieve", "Sieved", "map_file", "own_fields"]

EXTRA_SOURCES = {"sample_id": "SAMPLE_ID", "page_url": "page_url"}
"""What takedown entries may name and the canonical schema has no place for: the file's column, where it has it."""


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
        needed = {*plan.delivered, *self._lists.columns}.union(*(predicate.columns for _, predicate in self._filters))
        self._needed = [name for name in NAMES if name in needed]
        self._own = own_fields(self._map, schema, plan)
        self._extra = {
            name: EXTRA_SOURCES[name] for name in self._lists.extra_columns if EXTRA_SOURCES[name] in schema.names
        }
        self._unchecked = self._lists.unchecked({*self._map.available, *self._extra}, self._release)
        own = [source for _, source in self._own if source is not None]
        self.columns = list(dict.fromkeys([*self._map.source_columns(self._needed), *own, *self._extra.values()]))
        everything = reduce(and_, (predicate for _, predicate in self._filters), Predicate())
        self.pushdown = self._map.pushdown(everything, schema)

    def apply(self, batch: pa.RecordBatch) -> Sieved:
        """Deliver what may be delivered of a batch that holds :attr:`columns`."""
        canonical, nulled = self._map.apply(batch, self._needed)
        dropped: dict[str, int] = {}
        for reason, predicate in self._filters:
            keep = predicate.mask(canonical)
            dropped[reason] = canonical.num_rows - (pc.sum(keep).as_py() or 0)
            canonical, batch = canonical.filter(keep), batch.filter(keep)
        matches = self._lists.match(self._to_match(canonical, batch), self._release)
        for (name, version, reason), n in matches.counts.items():
            dropped[f"takedown: {name} {version}: {reason}"] = n
        canonical, batch = canonical.filter(matches.keep), batch.filter(matches.keep)
        counts: Counts = {
            "rows": {"seen": canonical.num_rows + sum(dropped.values()), "kept": canonical.num_rows},
            "dropped": dropped,
            "nulled": dict(nulled),
        }
        return Sieved(self._deliver(canonical, batch), counts)

    def unchecked(self, rows: int) -> dict[str, int]:
        """For a ledger: the takedown entries that ``rows`` rows were not compared with, for want of a column."""
        return {f"{name} {version}: {n} {kind} entries": rows for (name, version, kind), n in self._unchecked.items()}

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


def own_fields(column_map: ColumnMap, schema: pa.Schema, plan: ReadPlan) -> list[tuple[pa.Field, str | None]]:
    """The own columns to deliver, each with the file's column, or None where this file lacks it."""
    if not plan.all_columns:
        return []
    sources = column_map.own_columns()
    if plan.own is not None:
        return [(field, sources.get(field.name)) for field in plan.own]
    return [(pa.field(name, schema.field(source).type), source) for name, source in sources.items()]
