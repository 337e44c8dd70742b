"""From a release, a repository or files to Arrow batches: listing, range reads, projection, skipped row groups.

:func:`list_source` says which shards there are, at a pinned commit and past the guard against withdrawn data;
:func:`read_shard` reads one of them under a :class:`ReadPlan`, the same in every process.
"""

from laion_pairs.shards.listing import list_source
from laion_pairs.shards.pinned import PinnedExamples
from laion_pairs.shards.plan import ReadPlan
from laion_pairs.shards.reader import own_schema, read_shard
from laion_pairs.shards.shard import Listing, Shard
from laion_pairs.shards.takedown_sources import fetch_takedown_lists

__all__ = [
    "Listing",
    "PinnedExamples",
    "ReadPlan",
    "Shard",
    "fetch_takedown_lists",
    "list_source",
    "own_schema",
    "read_shard",
]
