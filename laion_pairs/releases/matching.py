"""Which published schema a file has, told by its whole column set, never by one name.

1. The file's set of columns, pandas' index aside, is exactly one that was published. Two pairs of releases share a set
   (S2m and S5, S3m and S4; S17 and S18): the release decides; without one, the published order; else the first, which
   is the withdrawn one where only one of them is.
2. Otherwise, only for a file of a known release: its schema, as far as the file has those columns. What is missing is
   null, what is new is the release's own. URL and caption must be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from laion_pairs.errors import UnknownSchema
from laion_pairs.releases.catalogue import RELEASES
from laion_pairs.releases.release import Release, Status
from laion_pairs.releases.source_schema import SourceSchema, without_index
from laion_pairs.releases.source_schemas import SOURCE_SCHEMAS

__all__ = ["match_schema"]


def match_schema(names: Sequence[str], release: Release | None) -> SourceSchema:
    """Return the schema of a file with the columns ``names``, in file order. Raises UnknownSchema."""
    columns = without_index(names)
    schema_id = release.schema if release is not None else None
    exact = [schema for schema in SOURCE_SCHEMAS if columns and set(columns) == set(without_index(schema.columns))]
    if exact:
        return (
            _first(schema for schema in exact if schema.id == schema_id)
            or _first(schema for schema in exact if columns == without_index(schema.columns))
            or exact[0]
        )
    partial = [schema for schema in SOURCE_SCHEMAS if schema.id == schema_id and _can_stand_for(schema, columns)]
    if partial:
        return max(partial, key=lambda schema: _likeness(schema, columns))
    raise _unknown(columns, release)


def _first(schemas: Iterable[SourceSchema]) -> SourceSchema | None:
    return next(iter(schemas), None)


def _can_stand_for(schema: SourceSchema, columns: Sequence[str]) -> bool:
    """Whether the file has the schema's url and caption, and is not raw (swapped sizes) where the schema is not."""
    needed = {schema.canonical[name] for name in ("url", "caption") if name in schema.canonical}
    raw = "SAMPLE_ID" in columns and "hash" not in columns
    return bool(needed) and needed <= set(columns) and (not raw or "SAMPLE_ID" in schema.columns)


def _likeness(schema: SourceSchema, columns: Sequence[str]) -> float:
    """How many of the columns of both are in both, 0 to 1, case aside."""
    ours, theirs = {name.lower() for name in without_index(schema.columns)}, {name.lower() for name in columns}
    return len(ours & theirs) / max(1, len(ours | theirs))


def _unknown(columns: Sequence[str], release: Release | None) -> UnknownSchema:
    pairs = [schema for schema in SOURCE_SCHEMAS if schema.pairs and schema.columns]
    nearest = max(pairs, key=lambda schema: (_likeness(schema, columns), bool(_loadable(schema))))
    published = without_index(nearest.columns)
    differences = "; ".join(
        f"{what} {', '.join(names)}"
        for what, names in (
            ("it lacks", [name for name in published if name not in columns]),
            ("it has besides", [name for name in columns if name not in published]),
        )
        if names
    )
    asked = f"a file of {release.name}" if release is not None else "a file"
    like = f" The nearest is {_known_as(nearest)} ({nearest.id}): {differences}." if _likeness(nearest, columns) else ""
    return UnknownSchema(
        f"The columns of {asked} match no published release: {', '.join(columns) or 'there are none'}.{like} "
        'Say which column is which with column_mapping={"url": "…", "caption": "…"}.'
    )


def _loadable(schema: SourceSchema) -> list[Release]:
    return [known for known in RELEASES if known.schema == schema.id and known.status is not Status.WITHDRAWN]


def _known_as(schema: SourceSchema) -> str:
    known = [*_loadable(schema), *(known for known in RELEASES if known.schema == schema.id)]
    return known[0].name if known else schema.title
