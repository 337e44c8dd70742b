"""From a file's columns to its :class:`ColumnMap`: by the published schema it matches, or by the user's word."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from laion_pairs.errors import NotPairs, SchemaError, UnknownColumn, UnknownSchema
from laion_pairs.releases.catalogue import RELEASES, carriers
from laion_pairs.releases.column_map import ColumnMap
from laion_pairs.releases.conversion import can_convert
from laion_pairs.releases.matching import match_schema
from laion_pairs.releases.release import Release
from laion_pairs.releases.source_schema import SourceSchema, without_index
from laion_pairs.releases.source_schemas import find_source_schema
from laion_pairs.schema import IMAGE, NAMES, ScoreModel

__all__ = ["map_columns", "map_release"]

_SCORES = ("similarity", "punsafe", "pwatermark", "aesthetic", "nsfw")


def map_columns(
    file_schema: pa.Schema,
    *,
    release: Release | None = None,
    column_mapping: Mapping[str, str] | None = None,
) -> ColumnMap:
    """Say where each canonical column of a file comes from.

    Args:
        file_schema: names and types of the file's columns.
        release: the release that the file belongs to, where it is known. Its score models override the schema's.
        column_mapping: canonical column -> the file's column. It must name ``url``; columns that it does not name are
            null, except ``pair_id``, which is computed.

    Raises:
        UnknownSchema: the columns match no published release, and there is no ``column_mapping``.
        UnknownColumn: ``column_mapping`` names a column that is not canonical.
        SchemaError: ``column_mapping`` names a column that the file lacks, or a column's type cannot be what it should.
        NotPairs: the file holds tags by hash.
    """
    names = tuple(file_schema.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnknownSchema(f"The file has two columns named {', '.join(twice)}: rename one.")
    if column_mapping is not None:
        column_map = _by_hand(names, column_mapping)
    elif _is_canonical(names):
        column_map = _canonical(names)
    else:
        column_map = _map(match_schema(names, release), names, release)
    for canonical, source in column_map.sources.items():
        type = file_schema.field(source).type
        if not can_convert(canonical, type):
            raise SchemaError(
                f"The file's column {source!r} should be {canonical}, but its type {type} cannot be: "
                'name another with column_mapping={"url": "…", "caption": "…"}.'
            )
    return column_map


def map_release(release: Release) -> ColumnMap | None:
    """The map of a file with exactly the columns that ``release`` published; None where they are not confirmed."""
    schema = find_source_schema(release.schema) if release.schema is not None else None
    if schema is None or not schema.confirmed:
        return None
    return _column_map(schema, tuple(schema.columns), release)


def _is_canonical(names: tuple[str, ...]) -> bool:
    """Whether this package wrote the file: canonical names, ``pair_id`` among them, which nobody else has."""
    columns = set(without_index(names))
    return {"url", "pair_id"} <= columns <= {*NAMES, IMAGE}


def _canonical(names: tuple[str, ...]) -> ColumnMap:
    sources = {name: name for name in NAMES if name in names}
    return ColumnMap(
        schema_id="canonical",
        sources=sources,
        score_models={name: ScoreModel.UNSTATED for name in sources if name in _SCORES},
        notes={},
        own={},
    )


def _map(schema: SourceSchema, names: tuple[str, ...], release: Release | None) -> ColumnMap:
    if not schema.pairs:
        tags = [known for known in RELEASES if known.schema == schema.id]
        having = ", ".join(known.name for known in carriers(schema.score_models, schema.score_models))
        raise NotPairs(
            f"The file holds {schema.title} ({', '.join(names)}), as {tags[0].name} did, not pairs: "
            f"load a release that carries {' and '.join(schema.score_models)}: {having}."
        )
    return _column_map(schema, names, release)


def _column_map(schema: SourceSchema, names: tuple[str, ...], release: Release | None) -> ColumnMap:
    sources = {canonical: source for canonical, source in schema.canonical.items() if source in names}
    models = {**schema.score_models, **(release.score_models if release is not None else {})}
    return ColumnMap(
        schema_id=schema.id,
        sources=sources,
        score_models={name: model for name, model in models.items() if name in sources},
        notes=schema.notes,
        own=_own(names, sources),
    )


def _by_hand(names: tuple[str, ...], column_mapping: Mapping[str, str]) -> ColumnMap:
    for canonical, source in column_mapping.items():
        if canonical not in NAMES:
            raise UnknownColumn(
                f"column_mapping names {canonical!r}, which is not a canonical column: its values are the file's "
                f"columns, its keys {', '.join(NAMES)}."
            )
        if source not in names:
            raise SchemaError(
                f"column_mapping says that {canonical} is {source!r}, but the file has no such column: "
                f"it has {', '.join(names)}."
            )
    if "url" not in column_mapping:
        raise SchemaError(f'column_mapping does not name the url: add "url": one of {", ".join(names)}.')
    return ColumnMap(
        schema_id="column_mapping",
        sources=dict(column_mapping),
        score_models={name: ScoreModel.UNSTATED for name in column_mapping if name in _SCORES},
        notes={},
        own=_own(names, column_mapping),
    )


def _own(names: tuple[str, ...], sources: Mapping[str, str]) -> dict[str, str]:
    used = set(sources.values())
    own: dict[str, str] = {}
    for name in without_index(names):
        if name not in used:
            exposed = name
            while exposed in own or exposed in (*NAMES, "image") or (exposed != name and exposed in names):
                exposed = f"source_{exposed}"
            own[exposed] = name
    return own
