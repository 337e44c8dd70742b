"""A remote file read in byte ranges: few bytes to the first row, then windows fetched ahead at the line's rate.

From the outside in::

    arrow_file    what pyarrow reads from: answers from windows, waits for those on their way
    readahead     which windows are fetched next, of this row group and of those that follow; the budget
    lane          one column chunk: what was asked for, what has come, what was read
    chunks pages  where a column chunk lies and how far some rows reach, by the footer and the first page's header
    text_file     the same for a file that is read from end to end
    remote        one range of one file, whatever happens on the way: tried again, told from another file's bytes
    hub_host web_host  one request, through the library of its host
    crew          the threads that requests wait in; they keep no interpreter from exiting
"""

from laion_pairs.shards.ranges.arrow_file import ArrowFile
from laion_pairs.shards.ranges.chunks import Chunk, chunks_of
from laion_pairs.shards.ranges.host import Host
from laion_pairs.shards.ranges.hub_host import HubHost
from laion_pairs.shards.ranges.readahead import MAX_AHEAD_BYTES, ReadAhead
from laion_pairs.shards.ranges.remote import Patience, Remote
from laion_pairs.shards.ranges.text_file import TextFile
from laion_pairs.shards.ranges.web_host import WebHost

__all__ = [
    "MAX_AHEAD_BYTES",
    "ArrowFile",
    "Chunk",
    "Host",
    "HubHost",
    "Patience",
    "ReadAhead",
    "Remote",
    "TextFile",
    "WebHost",
    "chunks_of",
]
