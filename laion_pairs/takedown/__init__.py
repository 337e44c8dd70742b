"""Takedown lists: what must not be delivered any more, by URL, page, domain, id or hash of the bytes.

Lists are the user's own parquet files; none ships with this package and none is fetched. A list that cannot be read
stops the run.
"""

from laion_pairs.takedown.configured import configured_lists
from laion_pairs.takedown.format import Entry, EntryKind, read_list, write_list
from laion_pairs.takedown.matching import Hit, Matches, TakedownLists, open_lists

__all__ = [
    "Entry",
    "EntryKind",
    "Hit",
    "Matches",
    "TakedownLists",
    "configured_lists",
    "open_lists",
    "read_list",
    "write_list",
]
