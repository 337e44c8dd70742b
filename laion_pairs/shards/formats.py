"""From a shard to its rows' source, by the end of its name: parquet, CSV or TSV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from laion_pairs.shards.opening import open_shard
from laion_pairs.shards.parquet_source import ParquetSource
from laion_pairs.shards.shard import Shard
from laion_pairs.shards.source import MAX_BATCH_ROWS, Source
from laion_pairs.shards.text_source import TextSource

__all__ = ["open_source"]


@contextmanager
def open_source(
    shard: Shard, token: str | bool | None = None, *, max_batch_rows: int = MAX_BATCH_ROWS
) -> Iterator[Source]:
    """The shard's rows, open for reading; a name that ends in neither .csv nor .tsv is parquet.

    No batch has more than ``max_batch_rows`` rows.

    Raises:
        CorruptShard: it is not what its name says.
        ShardError: it cannot be had.
    """
    name = shard.url.partition("?")[0].lower() if not shard.is_local else shard.url.lower()
    with open_shard(shard, token) as file:
        if name.endswith((".csv", ".tsv")):
            yield TextSource(file, shard.url, tab_separated=name.endswith(".tsv"), max_batch_rows=max_batch_rows)
        else:
            yield ParquetSource(file, shard.url, max_batch_rows=max_batch_rows)
