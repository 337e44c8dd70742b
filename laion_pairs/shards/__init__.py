"""From a release, a repository or files to Arrow batches: listing, range reads, projection, skipped row groups.

:func:`list_source` says which shards there are, at a pinned commit and past the guard against withdrawn data;
:func:`read_shard` reads one of them under a :class:`ReadPlan`, the same in every process, or some :class:`Span` of it.
"""

from laion_pairs.shards.layout import Layout, read_layouts
from laion_pairs.shards.listing import list_source
from laion_pairs.shards.plan import ReadPlan
from laion_pairs.shards.reader import Delivered, open_reader, own_schema, read_shard
from laion_pairs.shards.shard import Listing, Shard
from laion_pairs.shards.span import Span
from laion_pairs.shards.takedown_sources import fetch_takedown_lists

__all__ = [
    "Delivered",
    "Layout",
    "Listing",
    "ReadPlan",
    "Shard",
    "Span",
    "fetch_takedown_lists",
    "list_source",
    "open_reader",
    "own_schema",
    "read_layouts",
    "read_shard",
]
