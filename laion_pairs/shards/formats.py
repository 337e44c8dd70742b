"""From a shard to its rows' source, by the end of its name: parquet, CSV or TSV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from laion_pairs.shards.opening import open_local, open_remote
from laion_pairs.shards.parquet_source import ParquetSource
from laion_pairs.shards.ranges import TextFile
from laion_pairs.shards.remote_parquet import RemoteParquetSource
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
    is_text, options = name.endswith((".csv", ".tsv")), {"max_batch_rows": max_batch_rows}
    if shard.is_local:
        with open_local(shard.url) as file:
            if is_text:
                yield TextSource(file, shard.url, tab_separated=name.endswith(".tsv"), **options)
            else:
                yield ParquetSource(file, shard.url, **options)
        return
    with open_remote(shard, token) as remote:
        if is_text:
            with closing(TextFile(remote)) as text:
                yield TextSource(text, shard.url, tab_separated=name.endswith(".tsv"), **options)
        else:
            with closing(RemoteParquetSource(remote, shard.url, **options)) as source:
                yield source
