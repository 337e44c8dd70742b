"""The catalogue as text and as JSON: what ``laion releases`` prints."""

from __future__ import annotations

from typing import Any

from laion_pairs.releases.catalogue import RELEASES, releases_table
from laion_pairs.releases.mapping import map_release
from laion_pairs.releases.release import Release
from laion_pairs.releases.source_schemas import find_source_schema

__all__ = ["describe_release", "render_release", "render_releases"]


def describe_release(release: Release) -> dict[str, Any]:
    """One release as a JSON-ready dict: its facts, its published columns, and where the canonical ones come from."""
    column_map = map_release(release)
    return {
        **next(row for row in releases_table() if row["name"] == release.name),
        "mirrors": list(release.mirrors),
        "renamed_since": release.renamed_since.isoformat() if release.renamed_since else None,
        "splits": dict(release.splits) or {"train": release.shard_glob},
        "published_columns": dict(find_source_schema(release.schema).columns) if release.schema else None,
        "canonical_columns": dict(column_map.describe()) if column_map else None,
        "own_columns": column_map.own_columns() if column_map else None,
    }


def render_release(release: Release) -> str:
    """One release as lines of text: the facts, then its columns."""
    facts = describe_release(release)
    lines = [release.name]
    lines += [f"  {_label(key):<16}{_text(facts[key])}" for key in _FACTS if facts[key] not in (None, [], {})]
    if facts["canonical_columns"] is None:
        return "\n".join([*lines, "", "Its columns are not public: they are matched when a file is read."])
    lines += ["", "canonical column  comes from"]
    lines += [f"  {name:<16}{origin}" for name, origin in facts["canonical_columns"].items()]
    if facts["own_columns"]:
        lines += ["", f'with columns="all" also: {", ".join(facts["own_columns"])}']
    return "\n".join(lines)


def render_releases() -> str:
    """The catalogue as a table of text, one line a release."""
    rows = [("name", "status", "kind", "rows", "gated", "schema", "repository")]
    rows += [
        (
            release.name,
            release.status.value,
            release.kind.value,
            f"{release.rows:,}" if release.rows is not None else release.rows_text or "?",
            {True: "yes", False: "no", None: "?"}[release.gated],
            release.schema or "?",
            release.repo_id,
        )
        for release in RELEASES
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    line = "  ".join(f"{{:<{width}}}" for width in widths)
    return "\n".join(line.format(*row).rstrip() for row in rows)


_FACTS = (
    "repo_id",
    "status",
    "kind",
    "rows_text",
    "rows_source",
    "gated",
    "license",
    "schema",
    "shards",
    "shard_count",
    "former_ids",
    "alternate_ids",
    "mirrors",
    "renamed_since",
    "replacement",
    "note",
)


def _label(key: str) -> str:
    return {"repo_id": "repository", "rows_text": "rows", "rows_source": "counted by"}.get(key, key.replace("_", " "))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
