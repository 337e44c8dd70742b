"""A part of a stream of rows as one tar, written while it is read: nothing on disk, no end of memory needed.

Part n of m holds every row of some files, or every m-th row: see :func:`part_of`. The parts are disjoint, together
complete, and the same each time. Keys are the part's number in five digits and
the image's in nine: they number what was written, in that order, not the release's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

import pyarrow as pa
from datasets.distributed import split_dataset_by_node

from laion_pairs.images.bulk import Settings
from laion_pairs.images.export.failed_rows import NEVER_WRITTEN
from laion_pairs.images.export.fetching import fetch_rows
from laion_pairs.images.export.naming import shard_name
from laion_pairs.images.export.record import make_record, own_columns
from laion_pairs.images.export.sample import Sample
from laion_pairs.images.export.settings import ExportSettings
from laion_pairs.images.export.writers import TarWriter
from laion_pairs.ledger import Outcome

__all__ = ["part_of", "stream_tar"]


def part_of(rows: Any, part: int, parts: int) -> Any:
    """The rows of one part, of a ``datasets.IterableDataset``.

    With at least as many metadata files as parts, a part is whole files: each is read once over all parts, and sizes
    differ by a file. With fewer, every part reads all the metadata, and keeps every ``parts``-th row.
    """
    if parts == 1:
        return rows
    if rows.num_shards >= parts:
        return rows.shard(num_shards=parts, index=part)
    return split_dataset_by_node(rows, rank=part, world_size=parts)


def stream_tar(
    rows: Any,
    schema: pa.Schema,
    out: IO[bytes],
    export: ExportSettings,
    download: Settings,
    *,
    part: int,
    limit: int | None = None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> None:
    """Write the images of ``rows`` to ``out`` as they are had; what fails is only counted.

    Raises:
        BrokenPipeError: the reader has gone; fetching has stopped.
    """
    own = own_columns(schema)
    numbered: Iterator[tuple[int, Mapping[str, Any]]] = enumerate(islice(rows, limit))
    tar, written = TarWriter(out), 0
    for fetched in fetch_rows(numbered, export, download):
        done, picture = fetched.done, fetched.picture
        if picture is not None and done.outcome not in NEVER_WRITTEN:
            key = f"{shard_name(part)}{written:09d}"
            record = make_record(fetched.row, own, key, done, picture)
            tar.add(Sample(key, picture, fetched.row.get("caption"), record))
            out.flush()
            written += 1
        progress(done.outcome)
    tar.end()
    out.flush()
