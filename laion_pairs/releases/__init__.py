"""What was published: the catalogue of releases, their columns as canonical ones, and training subsets made of them.

Facts and pure functions: nothing here opens a file or a connection, and no fact is guessed. What nobody published is
None, and is found out when the repository is listed or a file is read.
"""

from __future__ import annotations

from laion_pairs.releases.catalogue import (
    RELEASES,
    carriers,
    check_loadable,
    find_release,
    former_releases,
    releases_table,
)
from laion_pairs.releases.column_map import Canonical, ColumnMap
from laion_pairs.releases.description import describe_release, render_release, render_releases
from laion_pairs.releases.mapping import map_columns, map_release
from laion_pairs.releases.recipes import RECIPES, Recipe, check_recipe, find_recipe
from laion_pairs.releases.release import Kind, Release, Status
from laion_pairs.releases.source_schema import SourceSchema
from laion_pairs.releases.source_schemas import SOURCE_SCHEMAS, find_source_schema
from laion_pairs.releases.withdrawn import (
    former_shard,
    old_history,
    withdrawn_cache,
    withdrawn_columns,
    withdrawn_location,
    withdrawn_schema,
    withdrawn_shard,
)

__all__ = [
    "RECIPES",
    "RELEASES",
    "SOURCE_SCHEMAS",
    "Canonical",
    "ColumnMap",
    "Kind",
    "Recipe",
    "Release",
    "SourceSchema",
    "Status",
    "carriers",
    "check_loadable",
    "check_recipe",
    "describe_release",
    "find_recipe",
    "find_release",
    "find_source_schema",
    "former_releases",
    "former_shard",
    "map_columns",
    "map_release",
    "old_history",
    "releases_table",
    "render_release",
    "render_releases",
    "withdrawn_cache",
    "withdrawn_columns",
    "withdrawn_location",
    "withdrawn_schema",
    "withdrawn_shard",
]
